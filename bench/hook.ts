import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startPeer } from "./http-peer.ts";
import { environment, quantile, remove, startInstance, table } from "./instance.ts";

const HOOK = new URL("../dist/src/hook.cjs", import.meta.url).pathname;
const CLI = new URL("../dist/src/cli.js", import.meta.url).pathname;

const payload = (k: number, more: Readonly<Record<string, unknown>> = {}): string =>
  JSON.stringify({
    session_id: "0d3a8e6f-0000-4000-8000-000000000001",
    transcript_path: "/home/u/.claude/projects/-work-app/0d3a8e6f.jsonl",
    cwd: "/home/ada/app",
    hook_event_name: "PostToolUse",
    permission_mode: "default",
    tool_name: "Bash",
    tool_input: { command: "npm test -- --run src", description: "run the tests" },
    tool_response: { stdout: "ok 12 passed\n".repeat(150), stderr: "", interrupted: false },
    tool_use_id: `toolu_${process.pid}_${k}`,
    duration_ms: 812,
    ...more,
  });
/** A payload with words that secrets have, so that rules have to be compiled. */
const suspicious = (k: number): string =>
  payload(k, { tool_response: { stdout: `user=me\npassword=${"hunter2".repeat(3)}\nauth token: none\n`.repeat(20) } });

/** One whole process, from start to end, in milliseconds. Throws where it says anything or fails. */
function once(words: readonly string[], env: NodeJS.ProcessEnv, input: string): number {
  const started = performance.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { env, input });
  const took = performance.now() - started;
  if (status !== 0 || stdout.length + stderr.length > 0) throw new Error(`${words}: ${status} ${stdout}${stderr}`);
  return took;
}

const COMMANDS: Readonly<Record<string, readonly [words: readonly string[], input: (k: number) => string]>> = {
  "node -e 0": [["-e", "0"], payload],
  "hook as registered": [[HOOK, "hook", "claude-code"], payload],
  "weir hook": [[CLI, "hook", "claude-code"], payload],
  "hook, words of secrets": [[HOOK, "hook", "claude-code"], suspicious],
};

/** Runs of every command in turn, so that what else the machine does meets all alike; ratios are of medians. */
function pairedRuns(weir: string, times: number, env: NodeJS.ProcessEnv): Record<string, unknown>[] {
  const took = Object.keys(COMMANDS).map((): number[] => []);
  for (let k = 0; k < times; k++)
    Object.values(COMMANDS).forEach(([words, input], at) => void took[at]!.push(once(words, env, input(k))));
  const sorted = took.map((list) => list.sort((a, b) => a - b));
  const floor = quantile(sorted[0]!, 0.5);
  return Object.keys(COMMANDS).map((command, at) => ({
    weir,
    command,
    median_ms: quantile(sorted[at]!, 0.5),
    p95_ms: quantile(sorted[at]!, 0.95),
    ratio: quantile(sorted[at]!, 0.5) / floor,
  }));
}

/**
 * The command hook as a whole process against `node -e 0`, weir down, up and frozen (SIGSTOP); the hook over HTTP at `--rate` (50) a second over
 * `--seconds` (60), with weir's server that answers without storing as the floor of the same run; and whether every payload of both is in the tables
 * in the end. `--times` (60) runs of each command.
 */
export default async function hook(options: ReadonlyMap<string, string>): Promise<Record<string, unknown>> {
  const times = Number(options.get("times") ?? 60);
  const dir = mkdtempSync(join(tmpdir(), "weir-bench-"));
  const env = environment(dir);
  const rows = pairedRuns("down", times, env);
  const weir = await startInstance(dir);
  rows.push(...pairedRuns("up", times, env));
  process.kill(weir.pid, "SIGSTOP");
  rows.push(...pairedRuns("frozen", times, env));
  const late = await overHttp(weir.http_url, tokenOf(dir), { rate: 50, seconds: 1, limit_ms: 500, from: 2_000_000 });
  process.kill(weir.pid, "SIGCONT");
  const rate = Number(options.get("rate") ?? 50);
  const seconds = Number(options.get("seconds") ?? 60);
  const peer = await startPeer(tokenOf(dir), 204);
  // half before, half after: a machine that slows down meanwhile slows both
  const half = { rate, seconds: seconds / 4, limit_ms: 5_000, from: 3_000_000 };
  const floors = [await overHttp(peer.url, tokenOf(dir), half)];
  const http = await overHttp(weir.http_url, tokenOf(dir), { rate, seconds, limit_ms: 5_000, from: 1_000_000 });
  floors.push(await overHttp(peer.url, tokenOf(dir), half));
  peer.stop();
  const found = await settled(weir);
  await weir.stop();
  remove(dir);
  table(rows);
  const row = (what: string, l: typeof http) => ({
    what,
    sent: l.sent,
    answered: l.answered,
    "p50 ms": l.p50_ms,
    "p99 ms": l.p99_ms,
    "longest ms": l.longest_ms,
  });
  table([
    row("floor: 204, nothing stored", floors[0]!),
    row("weir: on the disk", http),
    row("floor again", floors[1]!),
    row("weir frozen, limit 500 ms", late),
  ]);
  // three commands in three states of weir; what a frozen weir was sent over HTTP may or may not have reached it
  const payloads = { sent: 9 * times + http.answered, kept: found };
  process.stdout.write(`${payloads.kept} payloads are in the tables, ${payloads.sent} were sent\n`);
  const floor_p99_ms = (floors[0]!.p99_ms + floors[1]!.p99_ms) / 2;
  return { commands: rows, http: { ...http, floor_p99_ms }, frozen: late, payloads };
}

const tokenOf = (dir: string): string => readFileSync(join(dir, "capture.token"), "utf8").trim();

async function overHttp(
  url: string,
  token: string,
  { rate, seconds, limit_ms, from }: { rate: number; seconds: number; limit_ms: number; from: number },
): Promise<{ sent: number; answered: number; p50_ms: number; p99_ms: number; longest_ms: number }> {
  const took: number[] = [];
  let longest = 0;
  let answered = 0;
  const started = performance.now();
  const pending: Promise<void>[] = [];
  for (let k = 0; k < rate * seconds; k++) {
    const due = started + (k * 1_000) / rate;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
    const begun = performance.now();
    const request = fetch(`${url}/hooks/claude-code`, {
      method: "POST",
      headers: { Authorization: `Bearer ${token}` },
      body: payload(from + k),
      signal: AbortSignal.timeout(limit_ms),
    })
      .then(async (response) => {
        if (response.status !== 204 || (await response.text()) !== "") throw new Error(`${response.status}`);
        answered++;
        took.push(performance.now() - begun);
      })
      .catch((error: unknown) => {
        if (!(error instanceof Error && error.name === "TimeoutError")) throw error;
      })
      .finally(() => {
        longest = Math.max(longest, performance.now() - begun);
      });
    pending.push(request);
  }
  await Promise.all(pending);
  took.sort((a, b) => a - b);
  return {
    sent: pending.length,
    answered,
    p50_ms: quantile(took, 0.5),
    p99_ms: quantile(took, 0.99),
    longest_ms: longest,
  };
}

/** Payloads in the tables, when nothing waits any more; without what a frozen weir was sent over HTTP. */
async function settled(weir: Awaited<ReturnType<typeof startInstance>>): Promise<number> {
  for (;;) {
    const status = await weir.get<{ producers: { spooled: number }; tables: { lag: number } }>("/api/status");
    if (status.producers.spooled === 0 && status.tables.lag === 0) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const { rows } = await weir.post<{ rows: [number][] }>("/api/sql", {
    query:
      "select count(*)::double from events where type = 'tool.called' and not regexp_matches(fact, '_20[0-9]{5}$')",
  });
  return rows[0]![0];
}
