import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { toWeirError } from "../../src/base/errors.ts";
import { makeFolder } from "../../src/base/folder.ts";
import { readSealed, writeSealed } from "../../src/base/sealed.ts";
import { tempDir } from "../support/temp.ts";

test("a sealed file comes back as it was written, and a damaged one not at all", async () => {
  await using dir = await tempDir();
  const file = join(dir.path, "cache");
  writeSealed(file, [Buffer.from("one"), new Uint8Array(), Buffer.from("two")], { sync: true });
  expect(readSealed(file)?.toString()).toBe("onetwo");
  writeSealed(file, [Buffer.from("new")]);
  expect(readSealed(file)?.toString()).toBe("new");
  const bytes = readFileSync(file);
  for (let at = 0; at < bytes.length; at++) {
    const flipped = Buffer.from(bytes);
    flipped[at] = flipped[at]! ^ 16;
    writeFileSync(file, flipped);
    expect(readSealed(file), `byte ${at}`).toBeUndefined();
    writeFileSync(file, bytes.subarray(0, at));
    expect(readSealed(file), `cut at ${at}`).toBeUndefined();
  }
  expect(readSealed(join(dir.path, "none"))).toBeUndefined();
  mkdirSync(join(dir.path, "folder"));
  expect(readSealed(join(dir.path, "folder"))).toBeUndefined();
});

test("a folder is made with those above it, and one that cannot be made is told, not waited for", async () => {
  await using dir = await tempDir();
  makeFolder(join(dir.path, "a/b/c"), 0o700);
  makeFolder(join(dir.path, "a/b/c"), 0o700);
  writeFileSync(join(dir.path, "file"), "");
  for (const path of [
    join(dir.path, "file"),
    join(dir.path, "file/below"),
    ...(process.platform === "linux" ? ["/proc/weir/x"] : []),
  ]) {
    try {
      makeFolder(path);
      expect.fail(`${path} was made`);
    } catch (error) {
      expect(toWeirError(error), path).toMatchObject({ code: "file_unusable" });
    }
  }
});
