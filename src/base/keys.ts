import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { clock } from "./clock.ts";
import { syncFolder } from "./folder.ts";
import { recall, remember } from "./remember.ts";

/** The keys of sessions, and which sessions were forgotten. */
export interface Keys {
  /** Whether there is a store of keys: where there is none, nothing was ever encrypted here. */
  exist(): boolean;
  /** Whether a session has a key. */
  has(session: string): boolean;
  /** Whether anything was forgotten at all: cheap, for whoever asks for each event. */
  anyForgotten(): boolean;
  forgotten(session: string): boolean;
  /** The key of a session, made where there is none. Undefined: the session was forgotten, or no key may be made here. */
  keyFor(session: string): { readonly id: string; readonly key: Buffer } | undefined;
  /** The key of an id, while there is one. */
  keyOf(id: string): Buffer | undefined;
  /** Drops the key of a session for good and notes that it was forgotten; both are on the disk when it returns. True: there was a key. */
  forget(session: string): boolean;
}

const KEY_BYTES = 32;
const CACHED_MAX = 10_000; // keys kept in memory
const LOOK_MS = 250; // how often it is looked whether another process forgot a session
const YOUNG_MS = 2_000; // a folder changed so lately may have changed once more within the same moment

/** The folder of keys in a data folder. */
export const keysFolder = (dataDir: string): string => join(dataDir, "keys");

/**
 * Opens the store of keys: a file of its own for each session, so that a key can be erased where it stands, and an empty file for each session that was
 * forgotten. `make`: the store is made where there is none; otherwise there are no keys without it. Nothing is read before it is asked for.
 */
export function openKeys(dataDir: string, { make }: { readonly make: boolean }): Keys {
  const folder = keysFolder(dataDir);
  const graves = join(folder, "forgotten");
  const cache = new Map<string, Buffer>();
  let gone: ReadonlySet<string> = new Set();
  let looked = Number.NEGATIVE_INFINITY;
  let stamp = 0;

  const look = (): void => {
    const now = clock.nowMs();
    if (Math.abs(now - looked) < LOOK_MS) return;
    looked = now;
    const seen = statSync(graves, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (seen === 0 || (seen === stamp && clock.nowMs() - seen > YOUNG_MS)) return;
    stamp = seen;
    readGraves();
  };
  const readGraves = (): void => {
    gone = new Set(existsSync(graves) ? readdirSync(graves) : []);
    for (const id of gone) drop(id);
  };
  const drop = (id: string): void => {
    cache.get(id)?.fill(0);
    cache.delete(id);
  };
  const keep = (id: string, key: Buffer): Buffer => {
    remember(cache, id, key, CACHED_MAX);
    return key;
  };
  const read = (id: string): Buffer | undefined => {
    const cached = recall(cache, id, CACHED_MAX);
    if (cached) return cached;
    if (existsSync(join(graves, id))) return undefined;
    try {
      const key = Buffer.from(readFileSync(join(folder, `${id}.key`), "utf8").trim(), "base64");
      return key.length === KEY_BYTES ? keep(id, key) : undefined;
    } catch {
      return undefined; // none, or not ours to read
    }
  };
  const create = (id: string): Buffer | undefined => {
    if (!existsSync(folder)) {
      if (!make) return undefined;
      mkdirSync(folder, { recursive: true, mode: 0o700 });
    }
    const { randomBytes } = process.getBuiltinModule("node:crypto");
    const mine = join(folder, `${id}.${process.pid}.${randomBytes(4).toString("hex")}.new`);
    writeDurably(mine, randomBytes(KEY_BYTES).toString("base64"));
    try {
      linkSync(mine, join(folder, `${id}.key`)); // of two processes at once one succeeds, and both take its key
      syncFolder(folder);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    } finally {
      rmSync(mine, { force: true });
    }
    if (existsSync(join(graves, id))) erase(join(folder, `${id}.key`)); // forgotten in the meantime
    return read(id);
  };

  let exists = false;
  return {
    has: (session) => existsSync(join(folder, `${keyIdOf(session)}.key`)),
    exist: () => (exists ||= existsSync(folder)),
    anyForgotten() {
      look();
      return gone.size > 0;
    },
    forgotten(session) {
      look();
      return gone.size > 0 && gone.has(keyIdOf(session));
    },
    keyFor(session) {
      look();
      const id = keyIdOf(session);
      if (gone.has(id)) return undefined;
      const key = read(id) ?? (existsSync(join(graves, id)) ? undefined : create(id));
      return key && { id, key };
    },
    keyOf(id) {
      if (!/^[0-9a-f]{16}$/.test(id)) return undefined;
      look();
      return gone.has(id) ? undefined : read(id);
    },
    forget(session) {
      const id = keyIdOf(session);
      if (existsSync(join(graves, id)) && !existsSync(join(folder, `${id}.key`))) return false;
      mkdirSync(graves, { recursive: true, mode: 0o700 });
      // first the note, so that no process makes a new key once the old one is gone
      if (!existsSync(join(graves, id))) writeDurably(join(graves, id), "");
      syncFolder(graves);
      const had = erase(join(folder, `${id}.key`));
      syncFolder(folder);
      drop(id);
      readGraves();
      return had;
    },
  };
}

/** The id of a session's key: it says nothing of the session to whoever does not know it already. */
function keyIdOf(session: string): string {
  return process
    .getBuiltinModule("node:crypto")
    .createHash("sha256")
    .update(`weir session ${session}`)
    .digest("hex")
    .slice(0, 16);
}

/** Overwrites a file where it stands, then removes it. */
function erase(file: string): boolean {
  const size = statSync(file, { throwIfNoEntry: false })?.size;
  if (size === undefined) return false;
  const fd = openSync(file, "r+");
  try {
    writeSync(fd, Buffer.alloc(size), 0, size, 0);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  rmSync(file, { force: true });
  return true;
}

function writeDurably(file: string, text: string): void {
  const fd = openSync(file, "w", 0o600);
  try {
    writeSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
