import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { LIMITS } from "../../../base/limits.ts";
import { createSampler, type Sampler } from "../usage.ts";

const LISTENS = "0A";

/** Whether an address is of this machine only. */
export const isLoopback = (hostname: string): boolean => /^(localhost|127(\.\d+){3}|\[::1\]|::1)$/i.test(hostname);

/** Sockets that listen on a port, by /proc/net. */
function socketsOn(port: number): Set<string> {
  const found = new Set<string>();
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  for (const file of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    let text = "";
    try {
      text = readFileSync(file, "latin1");
    } catch {
      // no Linux, or no such family
    }
    for (const line of text.split("\n").slice(1)) {
      const [, local = "", , state, , , , , , inode] = line.trim().split(/\s+/);
      if (state === LISTENS && local.endsWith(`:${hex}`) && inode) found.add(`socket:[${inode}]`);
    }
  }
  return found;
}

/** The process of this user that listens on a port; undefined where the system does not tell. */
export function listenerOn(port: number): number | undefined {
  const sockets = socketsOn(port);
  if (sockets.size === 0) return undefined;
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      for (const fd of readdirSync(`/proc/${pid}/fd`))
        if (sockets.has(readlinkSync(`/proc/${pid}/fd/${fd}`))) return Number(pid);
    } catch {
      // it is another user's, or ended meanwhile
    }
  }
  return undefined;
}

/** Looks at the process behind an address of this machine. One that ended or is not found is looked for again, not too often. */
export function samplerOf(to: string): () => Sampler | undefined {
  const { hostname, port, protocol } = new URL(to);
  if (!isLoopback(hostname)) return () => undefined;
  let sampler: Sampler | undefined;
  let next = 0;
  return () => {
    if (sampler?.look() || performance.now() < next) return sampler;
    next = performance.now() + LIMITS.mcp_find_ms;
    const pid = listenerOn(Number(port) || (protocol === "https:" ? 443 : 80));
    sampler = pid === undefined || pid === process.pid ? undefined : createSampler(pid);
    return sampler;
  };
}
