import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { expect, test } from "vitest";
import { checkpointStore } from "../../src/store/open.ts";
import { tempDir } from "../support/temp.ts";

test("a checkpoint waits for a transaction that is still ending", async () => {
  await using dir = await tempDir();
  const instance = await DuckDBInstance.create(join(dir.path, "a.duckdb"));
  const [writer, other] = [await instance.connect(), await instance.connect()];
  try {
    await writer.run("create table t as select 1 as n");
    await other.run("begin");
    await other.run("update t set n = 2");
    await expect(writer.run("checkpoint")).rejects.toThrow("other write transactions");
    const done = checkpointStore({ writer });
    await new Promise((resolve) => setTimeout(resolve, 30));
    await other.run("commit");
    await done;
  } finally {
    for (const connection of [writer, other]) connection.closeSync();
    instance.closeSync();
  }
});
