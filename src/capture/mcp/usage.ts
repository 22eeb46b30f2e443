import { readdirSync, readFileSync } from "node:fs";
import { LIMITS } from "../../base/limits.ts";

/** What a tree of processes has used so far. */
export interface Usage {
  /** When it was looked at, in milliseconds of the process's own clock. */
  readonly at: number;
  readonly cpu_s: number;
  readonly memory_kb: number;
  readonly disk_kb: number;
}

/** What a server's processes used meanwhile. */
export interface Used {
  readonly cpu?: number;
  readonly memory_mb?: number;
  readonly disk_io_kb?: number;
}

/** Looks at the processes of a server, no more often than needed. */
export interface Sampler {
  /** The newest look, made now where the last one is too old. Undefined where the system does not tell. */
  look(): Usage | undefined;
  /** What was used from a look until now. */
  since(from: Usage | undefined): Used;
}

/** Ticks of a second in /proc/PID/stat; the same on every Linux that Node runs on. */
const TICKS = 100;
/** A share of a processor over less than this says little: a tick is 10 ms. */
const CPU_SPAN_MS = 100;
/** A look older than this tells of another time. */
const CPU_SPAN_MS_MAX = 10_000;

function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return ""; // the process ended meanwhile, or is not ours to look at
  }
}

/** A process and all below it, by /proc. */
function treeOf(root: number): number[] {
  const found: number[] = [root];
  for (const pid of found) {
    try {
      for (const task of readdirSync(`/proc/${pid}/task`))
        for (const child of read(`/proc/${pid}/task/${task}/children`).split(" "))
          if (child !== "") found.push(Number(child));
    } catch {
      // it ended meanwhile
    }
  }
  return found;
}

const numberAfter = (text: string, what: RegExp): number => Number(what.exec(text)?.[1] ?? 0);

function usageOf(pids: readonly number[], at: number): Usage | undefined {
  let [seen, cpu_s, memory_kb, disk_kb] = [0, 0, 0, 0];
  for (const pid of pids) {
    const stat = read(`/proc/${pid}/stat`);
    if (stat === "") continue;
    seen++;
    // own time and that of children it has waited for, so that a child's end takes nothing away
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    for (const k of [11, 12, 13, 14]) cpu_s += Number(fields[k]) / TICKS;
    memory_kb += numberAfter(read(`/proc/${pid}/status`), /VmRSS:\s+(\d+)/);
    const io = read(`/proc/${pid}/io`);
    disk_kb += (numberAfter(io, /^read_bytes: (\d+)/m) + numberAfter(io, /^write_bytes: (\d+)/m)) / 1_024;
  }
  return seen > 0 ? { at, cpu_s, memory_kb, disk_kb } : undefined;
}

/** Samples the tree below a process; `now` is a clock in milliseconds. */
export function createSampler(root: number, now: () => number = () => performance.now()): Sampler {
  let pids: number[] = [root];
  let listed = Number.NEGATIVE_INFINITY;
  let newest: Usage | undefined;
  /** A look that is old enough to tell a share of the processor. */
  let anchors: Usage[] = [];
  const look = (): Usage | undefined => {
    const at = now();
    if (newest && at - newest.at < LIMITS.mcp_sample_ms) return newest;
    if (at - listed >= LIMITS.mcp_tree_ms) {
      pids = treeOf(root);
      listed = at;
    }
    newest = usageOf(pids, at);
    if (newest) {
      const last = anchors.at(-1);
      if (!last || at - last.at >= CPU_SPAN_MS) anchors = [...anchors.slice(-1), newest];
    }
    return newest;
  };
  return {
    look,
    since(from) {
      const to = look();
      if (!to) return {};
      const tells = (a: Usage): boolean => to.at - a.at >= CPU_SPAN_MS && to.at - a.at <= CPU_SPAN_MS_MAX;
      const anchor =
        from && to.at - from.at >= CPU_SPAN_MS ? from : [anchors.at(-1), anchors.at(-2)].find((a) => a && tells(a));
      return {
        memory_mb: to.memory_kb / 1_024,
        ...(anchor ? { cpu: (Math.max(0, to.cpu_s - anchor.cpu_s) / ((to.at - anchor.at) / 1_000)) * 100 } : {}),
        ...(from && to !== from ? { disk_io_kb: Math.max(0, to.disk_kb - from.disk_kb) } : {}),
      };
    },
  };
}
