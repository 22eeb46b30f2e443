import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { pluginText } from "../../../src/capture/opencode/plugin.ts";
import { tempDir } from "../../support/temp.ts";

interface Hooks {
  readonly event: (told: { event: unknown }) => Promise<void>;
  readonly dispose: () => Promise<void>;
}

/** The plugin with a recorder of its own, after it was told of some events. */
async function told(folder: string, command: string, events: number): Promise<Hooks> {
  const file = join(folder, "weir.mjs");
  writeFileSync(file, pluginText(command));
  const { Weir } = (await import(pathToFileURL(file).href)) as { Weir: (given: object) => Promise<Hooks> };
  const hooks = await Weir({ directory: folder });
  for (let n = 0; n < events; n++)
    await hooks.event({ event: { type: "session.idle", properties: { sessionID: `s${n}` } } });
  return hooks;
}

test("what was told is handed on before the plugin ends", async () => {
  await using dir = await tempDir();
  const out = join(dir.path, "out");
  const hooks = await told(dir.path, `cat >> ${out}; echo >> ${out}`, 5);
  await hooks.dispose();
  const sessions = [...readFileSync(out, "utf8").matchAll(/"sessionID":"(s\d)"/g)];
  expect(sessions.map(([, id]) => id)).toEqual(["s0", "s1", "s2", "s3", "s4"]);
});

test("the end waits for a second at most, whatever still waits", async () => {
  await using dir = await tempDir();
  // each ends with the test, so that waiting for one would be without end
  const hooks = await told(dir.path, `while [ -d ${dir.path} ]; do sleep 0.05; done`, 20);
  await expect(hooks.dispose()).resolves.toBeUndefined();
});
