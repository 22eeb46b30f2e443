import { constants, existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { copyFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { LIMITS } from "../base/limits.ts";
import type { Projecting } from "../engine/engine.ts";
import { checkpointStore, storeError } from "../store/open.ts";

/** The newest copy of the tables for SQL from outside, and where in the log it stands. */
export interface Snapshots {
  path(): Promise<string>;
  /** The tables are other ones now, though they may stand at the same sequence. */
  renew(): void;
  /** Removes the copies there are: the next question is answered from a new one. */
  drop(): void;
  readonly as_of: { readonly seq: number; readonly time_us: number };
}

/**
 * Copies the store between two transactions. While nothing came, the last copy serves; a copy that took long serves for a while (its own cost
 * times `snapshot_cost_factor`), so that asking often does not keep the tables from moving. Every answer tells the copy's sequence.
 */
export function createSnapshots(folder: string, projecting: () => Projecting): Snapshots {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  let current: { file: string; seq: number; time_us: number; made: number; cost: number } | undefined;
  let making: Promise<string> | undefined;

  const make = (): Promise<string> =>
    projecting().quiet(async (tables) => {
      const started = performance.now();
      const { seq, time_us } = tables.position;
      const { file } = tables.store;
      await checkpointStore(tables.store).catch((error: unknown) => {
        throw storeError(file, error); // a disk without room, more often than a bug
      });
      const copy = join(folder, `weir-${seq}-${Math.round(started)}.duckdb`);
      await copyFile(file, `${copy}.tmp`, constants.COPYFILE_FICLONE);
      if (existsSync(`${file}.wal`)) await copyFile(`${file}.wal`, `${copy}.wal`, constants.COPYFILE_FICLONE);
      await rename(`${copy}.tmp`, copy);
      const before = current?.file;
      current = { file: copy, seq, time_us, made: performance.now(), cost: performance.now() - started };
      // the one before may still be open in the child; older ones are not
      for (const old of readdirSync(folder)) {
        const path = join(folder, old);
        if (!path.startsWith(copy) && !(before && path.startsWith(before))) rmSync(path, { force: true });
      }
      return copy;
    });

  return {
    path() {
      const fresh =
        current &&
        (current.seq === projecting().status.seq ||
          performance.now() - current.made < current.cost * LIMITS.snapshot_cost_factor);
      if (fresh) return Promise.resolve(current!.file);
      making ??= make().finally(() => {
        making = undefined;
      });
      return making;
    },
    renew() {
      if (current) current = { ...current, seq: -1, cost: 0 };
    },
    drop() {
      const remove = (): void => {
        current = undefined;
        for (const old of readdirSync(folder)) rmSync(join(folder, old), { force: true });
      };
      if (making) void making.then(remove, remove);
      else remove();
    },
    get as_of() {
      return { seq: current?.seq ?? 0, time_us: current?.time_us ?? 0 };
    },
  };
}
