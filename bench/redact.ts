import { existsSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openKeys } from "../src/base/keys.ts";
import { policyOf } from "../src/base/privacy.ts";
import { mayHoldSecret, redactText } from "../src/base/redact.ts";
import type { Event } from "../src/define/event.ts";
import { createGuard } from "../src/events/guard.ts";
import { corpus, nameOf, traces } from "../test/support/corpus.ts";
import { toolCall } from "./events.ts";
import { remove, table } from "./instance.ts";

const DATA = join(import.meta.dirname, "../../shared/data");
const MARK = /\[redacted:(\w+)\]/g;

/** Lines of the session files below a folder. */
function linesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".jsonl"))
    .flatMap((name) => readFileSync(join(folder, name), "utf8").split("\n"));
}

/** Microseconds a kilobyte of work over lines, the quickest of some rounds. */
function costOf(lines: readonly string[], bytes: number, work: (line: string) => unknown): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 4; round++) {
    const started = process.cpuUsage();
    for (const line of lines) work(line);
    const { user, system } = process.cpuUsage(started);
    best = Math.min(best, user + system);
  }
  return best / (bytes / 1_024);
}

/**
 * What redaction finds and costs: the share of a corpus of secrets that is gone, drawn `--rounds` (20) times, what it takes out of recorded
 * sessions and how long a kilobyte takes, and what encrypting an event's private fields costs. `--show 1` prints what was taken out, with its surroundings.
 */
export default async function redact(options: ReadonlyMap<string, string>): Promise<Record<string, unknown>> {
  const rounds = Number(options.get("rounds") ?? 20);
  let [planted, found] = [0, 0];
  const missed = new Set<string>();
  for (let round = 0; round < rounds; round++)
    for (const one of corpus({ letters: true })) {
      planted++;
      const kept = redactText(JSON.stringify({ text: `before\n${one.text}\nafter` }));
      if (traces(one.secret).some((trace) => kept.includes(trace))) missed.add(nameOf(one));
      else found++;
    }
  table([
    {
      corpus: `${planted / rounds} families, ${rounds} times`,
      found: found / planted,
      missed: [...missed].slice(0, 9).join("; "),
    },
  ]);
  const rows: Record<string, unknown>[] = [];
  for (const name of ["transcripts", "codex"]) {
    const lines = linesIn(join(DATA, name));
    if (lines.length === 0) continue;
    const bytes = lines.reduce((sum, line) => sum + Buffer.byteLength(line), 0);
    const kinds: Record<string, number> = {};
    let looked = 0;
    for (const line of lines) {
      if (!mayHoldSecret(line)) continue;
      looked++;
      const kept = redactText(line);
      for (const [, kind] of kept.matchAll(MARK)) kinds[kind!] = (kinds[kind!] ?? 0) + 1;
      if (options.has("show"))
        for (const { index } of kept.matchAll(MARK))
          process.stdout.write(`${name}: …${kept.slice(Math.max(0, index - 90), index + 60).replaceAll("\n", " ")}…\n`);
    }
    const taken = Object.values(kinds).reduce((a, b) => a + b, 0);
    rows.push({
      data: name,
      MB: bytes / 1e6,
      "taken out": taken,
      "per MB": taken / (bytes / 1e6),
      kinds: JSON.stringify(kinds),
      "lines looked at": looked / lines.length,
      "may hold, µs/KB": costOf(lines, bytes, mayHoldSecret),
      "redact, µs/KB": costOf(lines, bytes, redactText),
    });
  }
  table(rows);
  const sealing = sealCost();
  table(sealing);
  return { planted, found, missed: [...missed], rows, sealing };
}

/** Microseconds an event for what the guard does at each level, on tool calls. */
function sealCost(): Record<string, unknown>[] {
  const dir = mkdtempSync(join(tmpdir(), "weir-bench-"));
  const keys = openKeys(dir, { make: true });
  const events = Array.from(
    { length: 20_000 },
    (_, k) =>
      ({
        ...toolCall(k, "redact"),
        id: `0195f3a0-0000-7000-8000-${String(k).padStart(12, "0")}`,
        v: 1,
        source: "bench://x",
        time: 1,
      }) as unknown as Event,
  );
  const rows = [
    { level: "redacted", encrypt: false },
    { level: "metadata", encrypt: false },
    { level: "redacted", encrypt: true },
  ].map((choice) => {
    const policy = policyOf({ default: choice as never, projects: [{ path: "/elsewhere", level: "full" }] });
    const guard = createGuard({ policy: () => policy, keys });
    for (const event of events.slice(0, 2_000)) guard.protect(event);
    const started = process.cpuUsage();
    for (const event of events) guard.protect(event);
    const { user, system } = process.cpuUsage(started);
    const bytes = (list: readonly Event[]): number =>
      list.reduce((sum, e) => sum + JSON.stringify(e.data).length, 0) / list.length;
    return {
      guard: `${choice.level}${choice.encrypt ? ", encrypted" : ""}`,
      "µs/event": (user + system) / events.length,
      "bytes/event": bytes(events.slice(0, 500).map((e) => guard.protect(e))),
    };
  });
  remove(dir);
  return rows;
}
