import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createLog } from "../../src/base/log.ts";
import { createDrain } from "../../src/sdk/drain.ts";
import { openSpool, type Spooled } from "../../src/sdk/spool.ts";
import type { Connection } from "../../src/wire/connect.ts";
import { tempDir } from "../support/temp.ts";

const item = (n: number): Spooled => ({ partition: 0, id: `p.1.${n}`, count: 1, frame: Buffer.alloc(50, n) });

describe("what is spooled", () => {
  test("is sent and let go where the disk has no room even for how far it was sent", async () => {
    await using dir = await tempDir();
    const folder = join(dir.path, "spool");
    const spool = openSpool(folder);
    spool.append([item(1), item(2)]);
    const sent: string[] = [];
    // nothing can be written there, as on a full disk
    mkdirSync(join(folder, "position.json.tmp"));
    const drain = createDrain({
      spool: () => spool,
      bus: () => ({}) as Connection,
      keep: () => false,
      ending: () => false,
      send: async (_, { id }) => {
        sent.push(id);
        return { duplicate: false };
      },
      onSent: () => {},
      onTooLarge: () => {},
      onEnd: () => {},
      log: createLog("test", "silent"),
    });
    drain.start();
    await drain.idle();
    expect(sent).toEqual(["p.1.1", "p.1.2"]);
    expect(spool).toMatchObject({ events: 0, bytes: 0 });
    expect(readdirSync(folder).filter((name) => name.endsWith(".seg"))).toEqual([]);
    spool.append([item(3)]);
    drain.start();
    await drain.idle();
    expect(sent).toEqual(["p.1.1", "p.1.2", "p.1.3"]);
    drain.close();
    spool.close();
    expect(existsSync(folder)).toBe(false);
  });

  test("is not passed over where the place behind what was sent is of a segment that is gone", async () => {
    await using dir = await tempDir();
    const folder = join(dir.path, "spool");
    mkdirSync(folder);
    writeFileSync(join(folder, "position.json"), JSON.stringify({ segment: 1, offset: 70 }));
    let spool = openSpool(folder);
    spool.append([item(1), item(2)]);
    expect(spool.peek()?.id).toBe("p.1.1");
    spool = openSpool(folder); // as after a kill
    expect(spool).toMatchObject({ events: 2, broken: 0 });
    rmSync(folder, { recursive: true });
  });
});
