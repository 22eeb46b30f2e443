import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { newId } from "../../src/base/id.ts";
import { createLog } from "../../src/base/log.ts";
import { createWeir } from "../../src/sdk/index.ts";
import { connectBroker } from "../../src/wire/connect.ts";
import { readCredential } from "../../src/wire/credentials.ts";
import { encodeEvents } from "../../src/wire/encode.ts";
import { pack } from "../../src/wire/msgpack.ts";
import { publishFrame } from "../../src/wire/publish.ts";
import type { Planted } from "./corpus.ts";
import { logsRequest, spansRequest, sumRequest } from "./otlp.ts";
import { until } from "./until.ts";
import { CLI, PATIENT, ROOT, start, type Weir } from "./weir.ts";

const HOOK = join(ROOT, "dist/src/hook.cjs");
const PROJECT = "/home/ada/app";
const log = createLog("test", "silent");

/** Sends secrets through one way in. */
type Way = (weir: Weir, planted: readonly Planted[], session: string) => Promise<void>;
const now = (): number => Date.now() * 1_000;
const json = (weir: Weir, path: string, body: unknown, type = "application/json"): Promise<Response> =>
  weir.http(path, { method: "POST", headers: { "Content-Type": type }, body: JSON.stringify(body) });
const cut = <T>(list: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(list.length / size) }, (_, k) => list.slice(k * size, (k + 1) * size));
async function taken(response: Promise<Response>): Promise<void> {
  const { status } = await response;
  if (status !== 200) throw new Error(`answered ${status}`);
}
/** The same secret in a prompt, an input, an answer, an error and a name. */
const hooksOf = (planted: readonly Planted[], session: string): string[] =>
  planted.map(({ text }, k) =>
    JSON.stringify({
      session_id: session,
      cwd: PROJECT,
      tool_use_id: `${session}-${k}`,
      tool_name: "Bash",
      ...[
        { hook_event_name: "UserPromptSubmit", prompt: `do this:\n${text}` },
        {
          hook_event_name: "PostToolUse",
          tool_input: { command: text, env: { A: text } },
          tool_response: { stdout: text, stderr: "" },
        },
        { hook_event_name: "PostToolUseFailure", tool_input: { file_path: "/x", content: text }, error: text },
        { hook_event_name: "NoSuchHook", [`field ${text.slice(0, 40)}`]: text, list: [{ text }] },
        { hook_event_name: "Stop", last_assistant_message: text },
      ][k % 5],
    }),
  );
const eventsOf = (planted: readonly Planted[], session: string, more: Record<string, unknown> = {}) =>
  planted.map(({ text }, k) => ({
    specversion: "1.0",
    session,
    project: PROJECT,
    ...[
      { type: "prompt.submitted", data: { text, kind: "text" } },
      {
        type: "tool.called",
        subject: text.slice(0, 500),
        data: { tool: "Bash", input: JSON.stringify({ command: text }), output: text },
      },
      { type: "log.recorded", data: { name: "x", body: text, attributes: JSON.stringify({ a: text }) } },
      { type: "no.such_type", data: { anything: text } },
      { type: "tool.called", data: { tool: 7, unknown_field: text } },
    ][k % 5]!,
    ...more,
  }));

const claudeLines = (planted: readonly Planted[], session: string): string =>
  `${planted
    .flatMap(({ text }, k) => {
      const base = {
        sessionId: session,
        cwd: PROJECT,
        version: "2.1.0",
        gitBranch: "main",
        isSidechain: false,
        timestamp: new Date(1_795_000_000_000 + k * 1_000).toISOString(),
      };
      return [
        { ...base, type: "user", uuid: `${session}-u${k}`, message: { role: "user", content: `look: ${text}` } },
        {
          ...base,
          type: "assistant",
          uuid: `${session}-a${k}`,
          requestId: `req_${k}`,
          message: {
            id: `msg_${k}`,
            role: "assistant",
            model: "claude-x",
            usage: { input_tokens: 1, output_tokens: 1 },
            content: [{ type: "tool_use", id: `${session}-t${k}`, name: "Bash", input: { command: text } }],
          },
        },
        {
          ...base,
          type: "user",
          uuid: `${session}-r${k}`,
          message: {
            role: "user",
            content: [{ type: "tool_result", tool_use_id: `${session}-t${k}`, content: text, is_error: k % 2 === 1 }],
          },
          toolUseResult: { stdout: text, stderr: text },
        },
        { type: "summary", summary: text.slice(0, 900), leafUuid: `${session}-r${k}` },
        // waits for a record that is never read
        { type: "summary", summary: text, leafUuid: `${session}-none${k}` },
        { type: "custom-title", customTitle: text, sessionId: session },
      ];
    })
    .map((line) => JSON.stringify(line))
    .join("\n")}\n{"broken": "${planted[0]!.text.slice(0, 60)}\n`;
const codexLines = (planted: readonly Planted[], session: string): string =>
  [
    {
      type: "session_meta",
      payload: {
        id: session,
        cwd: PROJECT,
        cli_version: "0.50.0",
        originator: "codex_cli_rs",
        timestamp: "2026-11-20T08:00:00.000Z",
      },
    },
    ...planted.flatMap(({ text }, k) => [
      { type: "event_msg", payload: { type: "user_message", message: text } },
      {
        type: "response_item",
        payload: {
          type: "function_call",
          name: "shell",
          call_id: `${session}-c${k}`,
          arguments: JSON.stringify({ command: ["bash", "-lc", text] }),
        },
      },
      {
        type: "event_msg",
        payload: {
          type: "mcp_tool_call_end",
          call_id: `${session}-c${k}`,
          invocation: { server: "db", tool: "query" },
          result: { Err: text },
        },
      },
      {
        type: "response_item",
        payload: {
          type: "function_call_output",
          call_id: `${session}-c${k}`,
          output: JSON.stringify({ output: text, metadata: { exit_code: k % 2 } }),
        },
      },
    ]),
  ]
    .map((line, k) => JSON.stringify({ timestamp: new Date(1_795_000_000_000 + k * 1_000).toISOString(), ...line }))
    .join("\n");

/** Every way in, by its name. */
export const WAYS: Readonly<Record<string, Way>> = {
  "command hook": async (weir, planted, session) => {
    for (const batch of cut(hooksOf(planted, session), 4))
      await Promise.all(
        batch.map((input) => start(process.execPath, [HOOK, "hook", "claude-code"], { env: weir.env, input }).ended),
      );
  },
  "hook over HTTP": async (weir, planted, session) => {
    for (const body of [...hooksOf(planted, session), `{ no json ${planted[0]!.text}`])
      await weir.http("/hooks/claude-code", { method: "POST", body });
  },
  "import claude-code": async (weir, planted, session) => {
    const folder = join(weir.dataDir, "..", "claude", "-home-ada-app");
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, `${session}.jsonl`), claudeLines(planted, session));
    await weir.json(["import", "claude-code", join(folder, ".."), "--json"]);
  },
  "import codex": async (weir, planted, session) => {
    const folder = join(weir.dataDir, "..", "codex", "2026");
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, `rollout-2026-11-20T08-00-00-${session}.jsonl`), codexLines(planted, session));
    await weir.json(["import", "codex", join(folder, ".."), "--json"]);
  },
  "OTLP traces": async (weir, planted, session) => {
    const spans = planted.map(({ text }, k) => ({
      id: (k + 1).toString(16).padStart(16, "0"),
      name: `op ${text.slice(0, 80)}`,
      us: now(),
      ms: 1,
      attributes: { "session.id": session, "gen_ai.prompt": text, "http.request.header.authorization": text },
    }));
    await taken(
      json(weir, "/v1/traces", spansRequest(spans, { resource: { "service.name": "x", secret: planted[0]!.text } })),
    );
  },
  "OTLP logs": async (weir, planted, session) => {
    const records = planted.map(({ text }) => ({
      us: now(),
      name: "user_prompt",
      attributes: { "session.id": session, prompt: text, x: text },
      body: text,
    }));
    await taken(json(weir, "/v1/logs", logsRequest(records)));
  },
  "OTLP metrics": async (weir, planted, session) => {
    const points = planted.map(({ text }) => ({
      us: now(),
      start: now() - 1_000_000,
      value: 1,
      attributes: { "session.id": session, label: text.slice(0, 200) },
    }));
    await taken(json(weir, "/v1/metrics", sumRequest("a.b", points, 1)));
  },
  "OTLP rejected": async (weir, planted) => {
    const bad = {
      resourceLogs: [
        {
          scopeLogs: [
            { logRecords: planted.map(({ text }) => ({ timeUnixNano: "no number", body: { stringValue: text } })) },
          ],
        },
      ],
    };
    await json(weir, "/v1/logs", bad);
    await weir.http("/v1/traces", {
      method: "POST",
      headers: { "Content-Type": "application/x-protobuf" },
      body: Buffer.from(planted.map((p) => p.text).join("\n")),
    });
  },
  "MCP wrap": (weir, planted, session) => wrapped(weir, planted, session, []),
  "MCP wrap, full payloads": (weir, planted, session) => wrapped(weir, planted, session, ["--payloads", "full"]),
  "POST /api/events as JSON": async (weir, planted, session) => {
    await json(weir, "/api/events", eventsOf(planted, session), "application/cloudevents-batch+json");
    await json(
      weir,
      "/api/events",
      planted.map(({ text }) => ({ nonsense: text })),
      "application/cloudevents-batch+json",
    );
  },
  "POST /api/events as MessagePack": async (weir, planted, session) => {
    await weir.http("/api/events", {
      method: "POST",
      headers: { "Content-Type": "application/msgpack" },
      body: Buffer.from(pack(eventsOf(planted, session) as never)),
    });
  },
  "weir publish": async (weir, planted, session) => {
    await weir.run(["publish", "--file", "-"], {
      input: eventsOf(planted, session)
        .map((event) => JSON.stringify(event))
        .join("\n"),
    });
  },
  SDK: (weir, planted, session) => emitted(weir, planted, session),
  "frames over NATS": async (weir, planted, session) => {
    await using bus = await connectBroker({
      url: weir.runtime.nats_url,
      credentials: await readCredential(join(weir.dataDir, "nats"), "producer"),
      name: "raw",
      log,
    });
    const events = eventsOf(planted, session).map(({ specversion: _, ...event }) => ({
      ...event,
      id: newId(now()),
      v: 1,
      source: "raw://x",
      time: now(),
    }));
    for (const part of cut(events, 40))
      await publishFrame(bus, "weir.in.0", encodeEvents(part as never), { count: part.length });
    for (const { text } of planted) await publishFrame(bus, "weir.in.0", Buffer.from(`no frame ${text}`), { count: 1 });
  },
};

async function wrapped(
  weir: Weir,
  planted: readonly Planted[],
  session: string,
  flags: readonly string[],
): Promise<void> {
  const echo = `process.stdin.setEncoding("utf8");let b="";process.stdin.on("data",(d)=>{b+=d;for(let i;(i=b.indexOf("\\n"))>=0;b=b.slice(i+1)){const m=JSON.parse(b.slice(0,i));if(m.id===undefined)continue;const a=m.params&&m.params.arguments||{};process.stdout.write(JSON.stringify({jsonrpc:"2.0",id:m.id,...(m.id%3===2?{error:{code:-32000,message:a.text}}:{result:{content:[{type:"text",text:a.text||""}]}})})+"\\n");if(m.id%3===0)process.stderr.write(String(a.text)+"\\n")}})`;
  const messages = planted.map(({ text }, k) => ({
    jsonrpc: "2.0",
    id: k + 1,
    method: "tools/call",
    params: { name: "echo", arguments: { text }, _meta: { "claudecode/toolUseId": `${session}-${k}` } },
  }));
  const proxy = start(process.execPath, [CLI, "wrap", "--name", "echo", ...flags, "--", process.execPath, "-e", echo], {
    env: weir.env,
    cwd: weir.dataDir,
  });
  for (const message of messages) proxy.child.stdin!.write(`${JSON.stringify(message)}\n`);
  await until("all answers came", () => proxy.stdout().split("\n").length > messages.length, PATIENT);
  proxy.child.stdin!.end();
  await proxy.ended;
}

async function emitted(weir: Weir, planted: readonly Planted[], session: string): Promise<void> {
  const producer = createWeir({ dataDir: weir.dataDir, source: "sdk://x", check: false });
  for (const { specversion: _, ...event } of eventsOf(planted, session))
    await producer.emit(event as never).catch(() => {});
  await producer.close();
}

/** The session that a way's events belong to. */
export const sessionOf = (way: string): string => way.toLowerCase().replace(/[^a-z]+/g, "-");
