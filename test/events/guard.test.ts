import { describe, expect, test } from "vitest";
import { openKeys } from "../../src/base/keys.ts";
import { type PrivacySettings, policyOf } from "../../src/base/privacy.ts";
import { isSealed, openSealed } from "../../src/base/seal.ts";
import type { Event } from "../../src/define/event.ts";
import { CATALOG } from "../../src/events/catalog.ts";
import { checkEvent } from "../../src/events/check.ts";
import { createGuard } from "../../src/events/guard.ts";
import { encodeEvents } from "../../src/wire/encode.ts";
import { readFrame } from "../../src/wire/frame.ts";
import { makeCanaries } from "../support/canaries.ts";
import { tempDir } from "../support/temp.ts";

const ID = "0195f3a0-0000-7000-8000-000000000001";
const SECRET = makeCanaries(1, 1)[0]!;
const event = (type: string, data: Record<string, unknown>, more: Partial<Event> = {}): Event =>
  ({
    id: ID,
    type,
    v: 1,
    source: "test://x",
    time: 1_795_000_000_000_000,
    session: "s1",
    project: "/home/ada/app",
    data,
    ...more,
  }) as Event;

async function bench(settings: Partial<PrivacySettings>) {
  const dir = await tempDir();
  const keys = openKeys(dir.path, { make: true });
  const policy = policyOf({ default: {}, projects: [], ...settings });
  return { dir, keys, guard: createGuard({ policy: () => policy, keys }) };
}

/** An event of each type with every private field filled in. */
const filled = CATALOG.map((definition) => {
  const data: Record<string, unknown> = {};
  for (const [name, info] of definition.list) {
    if (info.kind === "text" || info.kind === "json") data[name] = info.private ? `"private words ${name}"` : '"x"';
    if (info.kind === "bytes") data[name] = Buffer.from("private words in bytes");
    if (info.optional && !info.private) delete data[name];
  }
  return { definition, event: event(definition.type, data, { v: definition.v }) };
});

describe("the level metadata", () => {
  test("leaves nothing private in any event of the catalogue, read from a frame or not", async () => {
    const { dir, guard } = await bench({ default: { level: "metadata" } });
    await using _ = dir;
    for (const { event: given } of filled) {
      expect(JSON.stringify(guard.protect(given))).not.toContain("private words");
      const read = readFrame(encodeEvents([given])).groups[0]!.event(0);
      const { data } = guard.changes(read) ?? {};
      for (const name of Object.keys(given.data))
        if (String(given.data[name]).includes("private words"))
          expect(String(data?.[name] ?? "")).not.toContain("private");
    }
  });

  test("keeps sizes, and makes them where nobody counted", async () => {
    const { dir, guard } = await bench({ default: { level: "metadata" } });
    await using _ = dir;
    const prompt = guard.protect(event("prompt.submitted", { text: "größer", kind: "text" }));
    expect(prompt.data).toEqual({ kind: "text", text: undefined, chars: 6 });
    const call = guard.protect(
      event("tool.called", { tool: "Bash", input: '{"a":"ä"}', output: "x", output_bytes: 99 }),
    );
    expect(call.data).toMatchObject({
      tool: "Bash",
      input: undefined,
      output: undefined,
      input_bytes: 10,
      output_bytes: 99,
    });
    for (const { event: given } of filled) expect(checkEvent(guard.protect(given))).toEqual(checkEvent(given));
  });

  test("takes out fields that no definition knows, and every field of an unknown type", async () => {
    const { dir, guard } = await bench({ default: { level: "metadata" } });
    await using _ = dir;
    expect(guard.protect(event("turn.ended", { extra: "private words" })).data.extra).toBeUndefined();
    expect(guard.protect(event("no.such", { a: "private words", n: 1 })).data).toEqual({ a: undefined, n: undefined });
  });
});

test("a private field is one that an event can be without", () => {
  for (const { list, type } of CATALOG)
    for (const [name, info] of list)
      expect(`${type} ${name}: ${info.private && !info.optional}`).toBe(`${type} ${name}: false`);
});

describe("which level holds", () => {
  const settings = {
    projects: [
      { path: "/home/ada/closed", level: "metadata" as const },
      { path: "/home/ada/open", level: "full" as const },
    ],
  };
  const prompt = (more: Partial<Event>) => event("prompt.submitted", { text: `hi ${SECRET.text}`, kind: "text" }, more);

  test("an event without a project is treated and marked as its session's; without one it is treated the strictest way", async () => {
    const { dir, guard } = await bench(settings);
    await using _ = dir;
    expect(guard.protect(prompt({ session: "new", project: undefined })).data.text).toBeUndefined();
    guard.protect(prompt({ session: "a", project: "/home/ada/app" }));
    const next = guard.protect(prompt({ session: "a", project: undefined }));
    expect(next.project).toBe("/home/ada/app");
    expect(next.data.text).toContain("[redacted:");
  });

  test("of a session that was in several projects the strictest holds, also for what comes from the others", async () => {
    const { dir, guard } = await bench(settings);
    await using _ = dir;
    guard.protect(prompt({ session: "b", project: "/home/ada/closed" }));
    expect(guard.protect(prompt({ session: "b", project: "/tmp" })).data.text).toBeUndefined();
  });

  test("full keeps everything", async () => {
    const { dir, guard } = await bench(settings);
    await using _ = dir;
    const kept = guard.protect(prompt({ session: "c", project: "/home/ada/open" }));
    expect(kept.data.text).toContain(SECRET.secret);
    expect(guard.keepsSecrets(kept)).toBe(true);
    expect(guard.keepsSecrets(guard.protect(prompt({ session: "d" })))).toBe(false);
  });

  test("of a session that was forgotten nothing private is kept any more", async () => {
    const { dir, guard, keys } = await bench({});
    await using _ = dir;
    expect(guard.idle()).toBe(true);
    keys.forget("s1");
    expect(guard.idle()).toBe(false);
    expect(guard.protect(prompt({})).data).toMatchObject({ text: undefined });
    expect(guard.protect(prompt({ session: "s2" })).data.text).toContain("[redacted:");
  });
});

describe("encryption", () => {
  test("takes every private field of the catalogue, after secrets are out, and what comes out is valid and can be opened", async () => {
    const { dir, guard, keys } = await bench({ default: { encrypt: true } });
    await using _ = dir;
    for (const { event: given, definition } of filled) {
      const sealed = guard.protect(given);
      expect(JSON.stringify(sealed)).not.toContain("private words");
      for (const [name, info] of definition.list)
        if (info.private) {
          expect(isSealed(sealed.data[name] as string)).toBe(true);
          if (info.kind !== "bytes") expect(openSealed(sealed.data[name] as string, keys.keyOf)).toBe(given.data[name]);
        }
      expect(guard.protect(sealed)).toEqual(sealed); // once is enough
    }
    const long = guard.protect(
      event("tool.called", { tool: "Bash", error: "x".repeat(4_000), output: `a ${SECRET.text}` }),
    );
    expect(checkEvent(long)).toBeUndefined();
    expect(checkEvent(readFrame(encodeEvents([long])).groups[0]!.event(0))).toBeUndefined();
    expect(openSealed(long.data.output as string, keys.keyOf)).toContain("[redacted:");
  });

  test("each session has a key of its own", async () => {
    const { dir, guard, keys } = await bench({ default: { encrypt: true } });
    await using _ = dir;
    const [a, b] = ["a", "b"].map(
      (session) => guard.protect(event("turn.ended", { message: "hello" }, { session })).data.message as string,
    );
    expect(a!.slice(7, 23)).not.toBe(b!.slice(7, 23));
    keys.forget("a");
    expect(openSealed(a!, keys.keyOf)).toBe("[forgotten]");
    expect(openSealed(b!, keys.keyOf)).toBe("hello");
  });
});
