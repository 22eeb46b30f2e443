import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isAlive } from "../base/process.ts";

/** A `weir proxy` that runs, in `<data>/proxies/`. */
export interface ProxyRecord {
  readonly pid: number;
  readonly name: string;
  /** The address that stands for the server's. */
  readonly url: string;
  /** The server's address, without secrets. */
  readonly to: string;
  /** What tells the whole address from others. */
  readonly to_key: string;
}

/** Stands for an address, which may hold a secret. */
export const addressKey = (address: URL): string =>
  createHash("sha256").update(address.href).digest("base64url").slice(0, 22);

const folderOf = (dataDir: string): string => join(dataDir, "proxies");

export function rememberProxy(dataDir: string, record: ProxyRecord): void {
  mkdirSync(folderOf(dataDir), { recursive: true, mode: 0o700 });
  for (const name of readdirSync(folderOf(dataDir))) {
    const pid = Number.parseInt(name, 10);
    if (!isAlive(pid)) forgetProxy(dataDir, pid); // it was killed
  }
  writeFileSync(join(folderOf(dataDir), `${record.pid}.json`), `${JSON.stringify(record)}\n`, { mode: 0o600 });
}

export const forgetProxy = (dataDir: string, pid: number): void =>
  rmSync(join(folderOf(dataDir), `${pid}.json`), { force: true });

/** The proxies that run. */
export function runningProxies(dataDir: string): ProxyRecord[] {
  let names: string[] = [];
  try {
    names = readdirSync(folderOf(dataDir)).filter((name) => name.endsWith(".json"));
  } catch {
    // there was none yet
  }
  const records: ProxyRecord[] = [];
  for (const name of names.sort()) {
    try {
      const record = JSON.parse(readFileSync(join(folderOf(dataDir), name), "utf8")) as ProxyRecord;
      if (isAlive(record.pid)) records.push(record);
    } catch {
      // it ended meanwhile
    }
  }
  return records;
}
