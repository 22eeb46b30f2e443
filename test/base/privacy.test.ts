import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { keysFolder, openKeys } from "../../src/base/keys.ts";
import { loadPolicy, policyOf, privacyFile, watchPolicy, writePrivacy } from "../../src/base/privacy.ts";
import { FORGOTTEN_TEXT, isSealed, openSealed, seal } from "../../src/base/seal.ts";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";

const RULES = policyOf({
  default: { level: "redacted" },
  projects: [
    { path: "/home/ada/clients", level: "metadata" },
    { path: "/home/ada/clients/open", level: "full", encrypt: true },
    { path: "/srv/*/secret/", level: "metadata" },
    { path: "/opt/**/notes", level: "full" },
  ],
});

describe("what holds for a project", () => {
  test.each([
    ["/home/ada/app", "redacted", false],
    ["/home/ada/clients", "metadata", false],
    ["/home/ada/clients/x/y", "metadata", false],
    ["/home/ada/clients2", "redacted", false],
    ["/home/ada/clients/open/src", "full", true],
    ["/home/ada/clients/open/../closed", "metadata", false],
    ["/srv/a/secret/deep", "metadata", false],
    ["/srv/a/b/secret", "redacted", false],
    ["/opt/a/b/notes/x", "full", false],
  ])("%s: %s", (project, level, encrypt) => {
    expect(RULES.of(project)).toEqual({ level, encrypt });
  });

  test("where no project is known, the strictest of all that may hold does", () => {
    expect(RULES.of(undefined)).toEqual({ level: "metadata", encrypt: true });
    expect(policyOf({ default: {}, projects: [] }, { level: "full" }).of(undefined).level).toBe("full");
    expect(policyOf({ default: {}, projects: [] }).plain).toBe(true);
    expect(RULES.plain).toBe(false);
  });

  test("a path may begin with the folder of the user, or with any folder", () => {
    const policy = policyOf({
      default: {},
      projects: [
        { path: "~/clients/*", level: "metadata" },
        { path: "**/secret", level: "full" },
      ],
    });
    expect(policy.of(join(homedir(), "clients", "one")).level).toBe("metadata");
    expect(policy.of(join(homedir(), "other")).level).toBe("redacted");
    expect(policy.of("/any/where/secret/deep").level).toBe("full");
  });

  test("an assistant's folder of transcripts names its project", () => {
    const file = (folder: string) => `/home/ada/.claude/projects/${folder}/1.jsonl`;
    expect(RULES.ofTranscript(file("-home-ada-clients-x"))?.level).toBe("metadata");
    expect(RULES.ofTranscript(file("-home-ada-app"))).toBeUndefined();
    expect(RULES.ofTranscript(undefined)).toBeUndefined();
  });

  test("a file that cannot be read means the strictest level, and says why", async () => {
    await using dir = await tempDir();
    const relative = '{"projects":[{"path":"clients/*","level":"redacted"}]}';
    for (const text of ["{", '{"default":{"level":"some"}}', '{"projects":[{"level":"full"}]}', relative, "[1]null"]) {
      writeFileSync(privacyFile(dir.path), text);
      const policy = loadPolicy(dir.path, { level: "full" });
      expect(policy.of("/home/ada/app").level).toBe("metadata");
      expect(policy.fault).toContain("privacy.json");
    }
  });

  test("a process that goes on sees a change", async () => {
    await using dir = await tempDir();
    const policy = watchPolicy(dir.path, {});
    expect(policy().plain).toBe(true);
    writePrivacy(dir.path, { default: {}, projects: [{ path: "/home/ada/app", level: "metadata" }] });
    expect(statSync(privacyFile(dir.path)).mode & 0o777).toBe(0o600);
    await until("the change is seen", () => policy().of("/home/ada/app").level === "metadata");
  });
});

describe("encrypted text", () => {
  const key = Buffer.alloc(32, 7);
  const id = "0195f3a0-0000-7000-8000-000000000001";
  const keyId = "0123456789abcdef";
  const open = (text: string): string => openSealed(text, (wanted) => (wanted === keyId ? key : undefined));

  test("any text comes back, alone and inside JSON, as a text, as JSON and as bytes", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: "binary" }), fc.string({ minLength: 70_000, maxLength: 70_100 })),
        (drawn) => {
          const text = Buffer.from(drawn, "utf8").toString("utf8"); // what has a form in UTF-8
          const token = seal(key, keyId, id, text);
          expect(isSealed(token)).toBe(true);
          expect(open(token)).toBe(text);
          const json = JSON.stringify({ a: 1, input: text });
          const quoted = `"${seal(key, keyId, id, json)}"`;
          expect(isSealed(quoted)).toBe(true);
          expect(open(quoted)).toBe(json);
          const bytes = Buffer.from(seal(key, keyId, id, Buffer.from(text)), "latin1");
          expect(isSealed(bytes)).toBe(true);
          const data = JSON.stringify({ n: 1, text: token, input: quoted, original: bytes.toString("base64"), z: "x" });
          expect(JSON.parse(open(data))).toEqual({
            n: 1,
            text,
            input: json,
            original: Buffer.from(text).toString("base64"),
            z: "x",
          });
        },
      ),
      { numRuns: 15 },
    );
  });

  test("without the key, or changed, nothing of it is shown and JSON stays JSON", () => {
    const token = seal(key, keyId, id, "hello");
    const none = (text: string) => openSealed(text, () => undefined);
    expect(none(token)).toBe(FORGOTTEN_TEXT);
    expect(JSON.parse(none(`"${token}"`))).toBe(FORGOTTEN_TEXT);
    const data = JSON.stringify({ text: token, input: `"${token}"` });
    expect(JSON.parse(none(data))).toEqual({ text: FORGOTTEN_TEXT, input: JSON.stringify(FORGOTTEN_TEXT) });
    const at = token.length - 30;
    const changed = token.slice(0, at) + (token[at] === "A" ? "B" : "A") + token.slice(at + 1);
    expect(open(changed)).toBe(FORGOTTEN_TEXT);
    // as another event's: the id is associated data
    const raw = Buffer.from(token.slice(24), "base64");
    raw[16] = raw[16]! ^ 1;
    expect(open(`enc:v1:${keyId}:${raw.toString("base64")}`)).toBe(FORGOTTEN_TEXT);
  });

  test("what only looks like it is left alone", () => {
    for (const text of ["", "enc:v1:", "enc:v1:zz:AAAA", "see enc:v1:0123456789abcdef:short", '{"a":"enc:v1:x"}'])
      expect(open(text)).toBe(text);
  });
});

describe("keys", () => {
  test("two openings share a session's key; a key is a file only its owner reads", async () => {
    await using dir = await tempDir();
    const [one, other] = [openKeys(dir.path, { make: true }), openKeys(dir.path, { make: false })];
    const made = one.keyFor("s1")!;
    expect(other.keyFor("s1")).toEqual(made);
    expect(other.keyOf(made.id)).toEqual(made.key);
    expect(one.keyFor("s2")!.id).not.toBe(made.id);
    const files = readdirSync(keysFolder(dir.path)).filter((f) => f.endsWith(".key"));
    expect(files).toHaveLength(2);
    for (const file of files) expect(statSync(join(keysFolder(dir.path), file)).mode & 0o777).toBe(0o600);
    expect(files.join()).not.toContain("s1");
  });

  test("where no store is, only weir makes one", async () => {
    await using dir = await tempDir();
    expect(openKeys(dir.path, { make: false }).keyFor("s1")).toBeUndefined();
    expect(existsSync(keysFolder(dir.path))).toBe(false);
  });

  test("forgetting drops the key for every process and for good, and can be repeated", async () => {
    await using dir = await tempDir();
    const [one, other] = [openKeys(dir.path, { make: true }), openKeys(dir.path, { make: true })];
    const { id } = one.keyFor("s1")!;
    other.keyFor("s1");
    expect(one.forget("s1")).toBe(true);
    expect(one.forget("s1")).toBe(false);
    expect(one.keyOf(id)).toBeUndefined();
    expect(one.keyFor("s1")).toBeUndefined();
    expect(one.forgotten("s1")).toBe(true);
    expect(one.forgotten("s2")).toBe(false);
    await until("the other process sees it", () => other.forgotten("s1"));
    expect(other.keyOf(id)).toBeUndefined();
    expect(openKeys(dir.path, { make: true }).keyFor("s1")).toBeUndefined();
    expect(existsSync(join(keysFolder(dir.path), `${id}.key`))).toBe(false);
  });

  test("a kill between the note and the key's end is finished by asking again", async () => {
    await using dir = await tempDir();
    const keys = openKeys(dir.path, { make: true });
    const { id } = keys.keyFor("s1")!;
    const bytes = readFileSync(join(keysFolder(dir.path), `${id}.key`));
    keys.forget("s1");
    writeFileSync(join(keysFolder(dir.path), `${id}.key`), bytes); // as if the kill had come after the note
    const after = openKeys(dir.path, { make: true });
    expect(after.keyOf(id)).toBeUndefined();
    expect(after.forget("s1")).toBe(true);
    expect(existsSync(join(keysFolder(dir.path), `${id}.key`))).toBe(false);
  });

  test.skipIf(process.getuid?.() === 0)("a folder that cannot be written is told (not for root)", async () => {
    await using dir = await tempDir();
    chmodSync(dir.path, 0o500);
    expect(() => openKeys(dir.path, { make: true }).keyFor("s1")).toThrow();
    chmodSync(dir.path, 0o700);
  });
});
