import { expect, test } from "vitest";
import { WeirError } from "../../src/base/errors.ts";
import { loggedError } from "../../src/base/log.ts";

test("a failure with a code is logged without a stack, any other with one", () => {
  const known = new WeirError("stream_changed", "the log was cut", { hint: "look", cause: new Error("why") });
  expect(loggedError(known)).toEqual({
    code: "stream_changed",
    message: "the log was cut",
    hint: "look",
    cause: "why",
  });
  expect(loggedError(new WeirError("internal", "a bug"))).toHaveProperty("stack");
  expect(loggedError(new TypeError("a bug"))).toHaveProperty("stack");
});
