import { expect, test } from "vitest";
import { fromCloudEvent } from "../../src/capture/cloudevents.ts";

const NOW = 1_795_000_000_000_000;
const taken = (attributes: Record<string, unknown>) =>
  fromCloudEvent({ type: "tool.called", data: { tool: "x" }, ...attributes }, NOW);

test("attributes that have a text are taken as it; what has none is named, not left out", () => {
  expect(taken({ session: 123, subject: true, project: "/p", source: "", branch: null })).toEqual({
    draft: {
      type: "tool.called",
      time: NOW,
      session: "123",
      subject: "true",
      project: "/p",
      data: { tool: "x" },
    },
  });
  for (const name of ["id", "source", "subject", "session", "fact", "traceparent"])
    for (const value of [{}, ["a"], 1.5]) expect(taken({ [name]: value })).toEqual({ problem: `${name} is no text` });
});

test("an id that is a number stays the same when it is sent again", () => {
  const once = taken({ id: 7, time: "2026-11-20T08:00:00Z" });
  expect(once).toEqual(taken({ id: "7", time: "2026-11-20T08:00:00Z" }));
  expect(once).toMatchObject({ draft: { id: expect.stringMatching(/^[0-9a-f-]{36}$/) } });
});

test("what is wrong with a time is told", () => {
  for (const time of ["yesterday", "7", "2026-02-30T00:00:00Z", 1.5, {}])
    expect(taken({ time })).toEqual({ problem: "time is no RFC 3339 text" });
  expect(taken({ time: "1901-01-01T00:00:00Z" })).toEqual({ problem: "time is before 1970" });
});

test("data in a form that is not read is named, not left out", () => {
  expect(taken({ type: "session.started", data: undefined, data_base64: "eyJjd2QiOiIveCJ9" })).toEqual({
    problem: expect.stringContaining("data_base64"),
  });
  expect(taken({ data_base64: null })).toMatchObject({ draft: { data: { tool: "x" } } });
});
