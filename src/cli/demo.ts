import { clock } from "../base/clock.ts";
import { derivedId } from "../base/id.ts";
import type { Draft } from "../define/event.ts";
import type { Sink } from "../sdk/sink.ts";

/** A small generator of pseudo-random numbers (mulberry32), so that a demonstration looks the same every time. */
function randomOf(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const PROJECTS = ["/home/demo/shop", "/home/demo/website", "/home/demo/firmware"];
const MODELS = ["claude-sonnet-4-5", "claude-opus-4-1", "claude-haiku-4-5"];
const TOOLS = ["Bash", "Read", "Edit", "Grep", "Glob", "Write", "mcp__github__search_issues", "mcp__browser__navigate"];
const PROMPTS = [
  "Why does the login test fail on CI?",
  "Add a dark theme to the settings page",
  "Find the memory leak in the importer",
  "Write the release notes",
  "Speed up the nightly build",
];

/** The events of one made-up session that began at `start_us`, in order. */
export function demoSession(number: number, start_us: number): Draft[] {
  const random = randomOf(number + 1);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const session = derivedId(start_us, "demo", number);
  const [project, model] = [pick(PROJECTS), pick(MODELS)];
  const base = {
    session,
    project,
    branch: random() < 0.7 ? "main" : "feature/demo",
    assistant: number % 4 === 0 ? "codex" : "claude-code",
    source: "demo://generated",
    via: "sdk",
  } as const;
  let time = start_us;
  let count = 0;
  const out: Draft[] = [];
  const put = (type: string, data: Record<string, unknown>, more: Partial<Draft> = {}): void => {
    out.push({ ...base, ...more, id: derivedId(time, session, count++), type, time, data });
  };
  const pass = (seconds: number): void => {
    time += Math.round((0.2 + random()) * seconds * 1_000_000);
  };
  put("session.started", { start: "startup", cwd: project, model, assistant_version: "2.1.300", entrypoint: "cli" });
  put("session.titled", { title: pick(PROMPTS) });
  const prompts = 1 + Math.floor(random() * 4);
  for (let p = 0; p < prompts; p++) {
    pass(60);
    const text = pick(PROMPTS);
    put("prompt.submitted", { text, chars: text.length, kind: "text", prompt_id: `demo-${number}-${p}` });
    const turns = 2 + Math.floor(random() * 8);
    for (let t = 0; t < turns; t++) {
      pass(8);
      const input = 2_000 + Math.floor(random() * 60_000);
      put("model.called", {
        model,
        provider: "anthropic",
        message_id: `demo_msg_${number}_${p}_${t}`,
        request_id: `demo_req_${number}_${p}_${t}`,
        input_tokens: 5 + Math.floor(random() * 200),
        output_tokens: 80 + Math.floor(random() * 1_500),
        cache_creation_tokens: Math.floor(input * 0.05),
        cache_read_tokens: input,
        duration_ms: 900 + random() * 9_000,
        stop_reason: t === turns - 1 ? "end_turn" : "tool_use",
      });
      if (t === turns - 1) continue;
      const tool = pick(TOOLS);
      const call_id = `demo_tool_${number}_${p}_${t}`;
      put(
        "tool.started",
        { tool, call_id, input: JSON.stringify({ path: `${project}/src/file${t}.ts` }) },
        { subject: tool },
      );
      const slow = random() < 0.01;
      const duration_ms = (tool === "Bash" ? 400 + random() * 4_000 : 8 + random() * 120) * (slow ? 40 : 1);
      time += Math.round(duration_ms * 1_000);
      const success = random() > 0.06;
      put(
        "tool.called",
        {
          tool,
          call_id,
          duration_ms,
          success,
          ...(success ? { output_bytes: Math.floor(random() * 20_000) } : { error: "exit code 1: 2 tests failed" }),
        },
        { subject: tool },
      );
      if (tool.startsWith("mcp__")) {
        const [, server, name] = tool.split("__");
        const trace_id = derivedId(time, call_id, "trace").replaceAll("-", "");
        const span_id = trace_id.slice(16);
        put("span.ended", {
          name: `tools/call ${name}`,
          service: server,
          kind: "server",
          trace_id,
          span_id,
          duration_ms: duration_ms * 0.9,
          ...(success ? {} : { status: "error" }),
        });
        put("log.recorded", {
          severity: success ? "INFO" : "ERROR",
          severity_number: success ? 9 : 17,
          body: success ? `${name} answered` : `${name} failed`,
          service: server,
          trace_id,
          span_id,
        });
        put("mcp.called", {
          server,
          method: "tools/call",
          tool: name,
          duration_ms,
          success,
          cpu: random() * 60,
          memory_mb: 60 + random() * 40,
          disk_io_kb: random() * 900,
          ...(success ? {} : { error: "tool_error" }),
        });
      }
      if (tool === "Edit" || tool === "Write")
        put("file.changed", {
          path: `${project}/src/file${t}.ts`,
          action: "changed",
          call_id,
          lines_added: Math.floor(random() * 40),
          lines_removed: Math.floor(random() * 20),
        });
    }
    if (random() < 0.4)
      put("commit.created", {
        sha: derivedId(time, session, "sha").replaceAll("-", "").slice(0, 12),
        kind: "committed",
        message: "Make it work",
        files: 1 + Math.floor(random() * 5),
      });
  }
  if (random() < 0.2) put("branch.changed", { branch: "make-it-work", action: "created", from_branch: "main" });
  pass(20);
  put("session.ended", { reason: "prompt_input_exit" });
  return out;
}

/** Fills an instance with two weeks of made-up sessions, then goes on with one every few seconds, until it is stopped. */
export async function runDemo(sink: Sink, signal: AbortSignal): Promise<{ stop(): void }> {
  const now = clock.nowUs();
  let number = 0;
  const days = 14;
  for (let day = days; day > 0 && !signal.aborted; day--) {
    for (let k = 0; k < 6; k++)
      for (const draft of demoSession(number++, now - day * 86_400_000_000 + k * 5_400_000_000)) await sink.emit(draft);
  }
  // thresholds and a measured series give alerts something to show
  await sink.emit({
    type: "threshold.set",
    actor: "demo",
    data: {
      name: "slow-bash",
      metric: "tool.duration",
      labels: JSON.stringify({ tool: "Bash" }),
      above: 60_000,
      severity: "critical",
    },
  });
  for (let i = 0; i < 200; i++)
    await sink.emit({
      type: "metric.measured",
      time: now - (200 - i) * 60_000_000,
      data: { name: "queue.depth", value: i === 197 ? 900 : 20 + (i % 7), unit: "1", labels: '{"queue":"import"}' },
    });
  await sink.flush();
  const timer = setInterval(() => {
    void (async () => {
      for (const draft of demoSession(number++, clock.nowUs() - 1_800_000_000))
        if (draft.time! <= clock.nowUs()) await sink.emit(draft);
    })().catch(() => {}); // the demonstration is ending
  }, 4_000);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}
