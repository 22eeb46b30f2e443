import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { findServer, type Places, versionAtLeast } from "../../src/wire/server-program.ts";
import { tempDir } from "../support/temp.ts";

const nowhere: Places = { package: () => undefined, path: async () => undefined };

async function fakeServer(dir: string, name: string, version: string): Promise<string> {
  const path = join(dir, name);
  await writeFile(path, `#!/bin/sh\necho "nats-server: v${version}"\n`);
  await chmod(path, 0o755);
  return path;
}

test("versions compare by number", () => {
  expect(versionAtLeast("2.12.0", "2.12.0")).toBe(true);
  expect(versionAtLeast("v2.14.0-beta.1", "2.12.0")).toBe(true);
  expect(versionAtLeast("2.9.10", "2.12.0")).toBe(false);
  expect(versionAtLeast("3.0.0", "2.12.9")).toBe(true);
});

test("a machine without nats-server gets told how to get one", async () => {
  const thrown = await findServer("", nowhere).catch((e) => e);
  expect(thrown.code).toBe("broker_missing");
  for (const words of ["Linux x64", "arm64", "macOS", "Windows", "WEIR_NATS_SERVER", "WEIR_NATS_URL"]) {
    expect(thrown.hint).toContain(words);
  }
});

test("a configured path that leads nowhere is an error, not another server", async () => {
  await using dir = await tempDir();
  const places: Places = { ...nowhere, package: () => "/never/asked" };
  await expect(findServer(join(dir.path, "absent"), places)).rejects.toMatchObject({
    code: "broker_missing",
    message: expect.stringContaining("absent"),
  });
});

test("the package comes before PATH, and one that is too old is passed over", async () => {
  await using dir = await tempDir();
  const old = await fakeServer(dir.path, "old", "2.9.10");
  const good = await fakeServer(dir.path, "good", "2.12.1");
  const newer = await fakeServer(dir.path, "newer", "2.14.0");
  expect(await findServer("", { package: () => good, path: async () => newer })).toEqual({
    path: good,
    version: "2.12.1",
  });
  expect(await findServer("", { package: () => old, path: async () => newer })).toEqual({
    path: newer,
    version: "2.14.0",
  });
  await expect(findServer("", { ...nowhere, path: async () => old })).rejects.toMatchObject({
    code: "broker_missing",
    message: expect.stringContaining(`${old} is 2.9.10`),
  });
});

test("a program that is no nats-server is refused", async () => {
  await using dir = await tempDir();
  const other = join(dir.path, "other");
  await writeFile(other, "#!/bin/sh\necho hello\n");
  await chmod(other, 0o755);
  await expect(findServer(other)).rejects.toMatchObject({ code: "broker_missing" });
});
