import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startWatching } from "../../src/capture/watching.ts";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";

test("the watching process starts for folders of this machine, not for those of another", async () => {
  await using dir = await tempDir();
  const entry = join(dir.path, "entry.mjs");
  const mark = join(dir.path, "started");
  writeFileSync(
    entry,
    `import { writeFileSync } from "node:fs"; writeFileSync(${JSON.stringify(mark)}, ""); process.on("message", () => {});`,
  );
  const watch = (folder: string, asked: () => void) =>
    startWatching({
      entry,
      env: process.env,
      log: { warn() {} },
      folders: async () => ({ watch: [folder], taken: [] }),
      wanted: async () => {
        asked();
        return false;
      },
    });
  // what else might want it is asked only where no folder is here
  let elsewhere: ReturnType<typeof startWatching> | undefined;
  await new Promise<void>((asked) => {
    elsewhere = watch(join(dir.path, "none"), asked);
  });
  await elsewhere!.stop();
  expect(existsSync(mark)).toBe(false);
  const here = watch(dir.path, () => {});
  await until("it is started", async () => existsSync(mark));
  await here.stop();
});
