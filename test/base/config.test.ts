import { describe, expect, test } from "vitest";
import { OPTIONS, readConfig } from "../../src/base/config.ts";
import { WeirError } from "../../src/base/errors.ts";

const fail = (env: Record<string, string>): WeirError => {
  try {
    readConfig(env);
  } catch (error) {
    return error as WeirError;
  }
  throw new Error("it was taken");
};

describe("options", () => {
  test("have the values that others rely on when nothing is set", () => {
    expect(readConfig({ HOME: "/home/u" })).toMatchObject({
      dataDir: "/home/u/.weir",
      httpPort: 4777,
      natsPort: 4778,
      natsUrl: "",
      partitions: 1,
      profile: "safe",
    });
  });

  test("take what the environment says; an empty text counts as not set", () => {
    expect(
      readConfig({
        WEIR_DATA_DIR: "/d",
        WEIR_HTTP_PORT: "0",
        WEIR_PROFILE: "fast",
        WEIR_NATS_URL: "nats://x:1",
        WEIR_PARTITIONS: "",
      }),
    ).toMatchObject({ dataDir: "/d", httpPort: 0, profile: "fast", natsUrl: "nats://x:1", partitions: 1 });
    expect(readConfig({ WEIR_DATA_DIR: "~", HOME: "/home/u" }).dataDir).toBe("/home/u");
    expect(readConfig({ WEIR_DATA_DIR: "relative" }).dataDir).toBe(`${process.cwd()}/relative`);
  });

  test.each([
    ["WEIR_HTTP_PORT", "x"],
    ["WEIR_HTTP_PORT", "-1"],
    ["WEIR_HTTP_PORT", "65536"],
    ["WEIR_HTTP_PORT", "1e3"],
    ["WEIR_HTTP_PORT", " 80"],
    ["WEIR_PARTITIONS", "0"],
    ["WEIR_PARTITIONS", "1.5"],
    ["WEIR_PROFILE", "Safe"],
    ["WEIR_LOG_LEVEL", "loud"],
    ["WEIR_NATS_REPLICAS", "0"],
    ["WEIR_STORE_MEMORY_MB", "1"],
    ["WEIR_LOG_BYTES", "99999999999999999999"],
    ["WEIR_WATCH", "yes"],
  ])("%s=%j is refused by name, with what it takes", (name, value) => {
    const error = fail({ [name]: value });
    expect(error).toBeInstanceOf(WeirError);
    expect(error.code).toBe("bad_config");
    expect(error.message).toContain(`${name}=${value}`);
    expect(error.line()).toMatch(/^error: bad_config: .+ \(.+\)$/);
  });

  test("each has a variable of its own and a sentence", () => {
    const all = Object.values(OPTIONS);
    expect(new Set(all.map((o) => o.env)).size).toBe(all.length);
    for (const { env, about, takes } of all) {
      expect(env).toMatch(/^WEIR_[A-Z_]+$/);
      expect(about.length).toBeGreaterThan(10);
      expect(takes).not.toBe("");
    }
  });
});
