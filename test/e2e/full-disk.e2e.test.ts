import { rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { mountSmall, smallDisk } from "../support/small-disk.ts";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";
import { startWeir } from "../support/weir.ts";

const WHY = smallDisk ? "" : " (skipped: no file system can be mounted here)";

test.skipIf(!smallDisk)(`a full disk is told, and the tables answer again after it${WHY}`, async () => {
  await using dir = await tempDir();
  const dataDir = join(dir.path, "data");
  await using _ = mountSmall(dataDir, "40m");
  await using weir = await startWeir({ dataDir });
  const fill = join(dataDir, "fill");
  const fillBut = (bytes: number): void => {
    const { bsize, bavail } = statfsSync(dataDir);
    writeFileSync(fill, Buffer.alloc(bsize * bavail - bytes));
  };
  const lines = Array.from({ length: 2_000 }, (_, k) =>
    JSON.stringify({ type: "metric.measured", data: { name: "m", value: k } }),
  );
  expect(await weir.run(["publish", "--file", "-"], { input: lines.join("\n") })).toMatchObject({ code: 0 });
  await weir.settled();

  fillBut(64 * 1024); // too little for a checkpoint, which a copy for SQL begins with
  expect(await weir.run(["sql", "select count(*) from events"])).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^error: store_failed: .* finds no room on the disk/),
  });
  // long before the next commit, which a quiet weir makes once a minute
  await until("questions are answered", async () => (await weir.run(["query", "sessions"])).code === 0, { tries: 10 });

  rmSync(fill);
  expect(await weir.sql("select count(*) as n from events where type = 'metric.measured'")).toEqual([{ n: 2_000 }]);
  expect(await weir.json(["verify", "--json"])).toMatchObject({ ok: true });
});
