import { createReadStream, existsSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { environment, readConfig } from "../base/config.ts";
import { WeirError } from "../base/errors.ts";
import { openKeys } from "../base/keys.ts";
import { createLog } from "../base/log.ts";
import { openSealed } from "../base/seal.ts";
import { toCloudEvent } from "../capture/cloudevents.ts";
import { defaultDirs, type TranscriptKind } from "../capture/discover.ts";
import { importTranscripts } from "../capture/import.ts";
import type { Published } from "../read/context.ts";
import { createWeir } from "../sdk/index.ts";
import { brokerDir } from "../wire/broker.ts";
import { connectBroker } from "../wire/connect.ts";
import { readCredential } from "../wire/credentials.ts";
import { readFrame } from "../wire/frame.ts";
import { openReader } from "../wire/read.ts";
import { streamIdentity } from "../wire/streams.ts";
import { client } from "./ask.ts";
import { note, progress, say, sayJson } from "./print.ts";
import { needRuntime } from "./runtime.ts";

/** `weir import claude-code|codex [DIR]`: takes an assistant's session files in; what was taken before is not read again. */
export async function importCommand(
  kind: string,
  dir: string | undefined,
  { json }: { json?: boolean },
): Promise<void> {
  if (kind !== "claude-code" && kind !== "codex")
    throw new WeirError("usage", `weir imports claude-code and codex, not ${kind}`);
  const config = readConfig();
  needRuntime(config.dataDir);
  if (dir !== undefined && !existsSync(dir))
    throw new WeirError("bad_input", `${dir} does not exist`, {
      hint: "name a folder of session files, or none for the assistant's own",
    });
  const dirs =
    dir === undefined ? defaultDirs(kind as TranscriptKind, { env: environment(), home: homedir() }) : [resolve(dir)];
  const log = createLog("weir import", config.logLevel);
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort());
  const bar = progress(`import ${kind}`);
  await using sink = createWeir({
    name: "import",
    source: `${kind}://local`,
    via: "transcript",
    dataDir: config.dataDir,
    check: false,
  });
  const report = await importTranscripts({
    kind,
    dirs,
    sink,
    positionsFile: join(config.dataDir, "import", `${kind}.jsonl`),
    signal: stop.signal,
    log,
    onProgress: ({ files_done, files_total, bytes_done, bytes_total }) =>
      bar.show(bytes_done, bytes_total, `${files_done} of ${files_total} files`),
  });
  bar.end();
  if (json) return sayJson(report);
  say(
    `${report.files} files read, ${report.files_skipped_unchanged} unchanged: ${report.lines} lines, ${report.events} events (${report.prompts} prompts, ${report.tool_calls} tool calls, ${report.model_calls} model answers)`,
  );
  for (const { file, line, reason } of report.bad_lines) note(`  ${file}:${line}: ${reason}`);
  if (report.bad_lines_total > report.bad_lines.length)
    note(`  … and ${report.bad_lines_total - report.bad_lines.length} more lines`);
  for (const { file, reason } of report.unreadable) note(`  ${file}: ${reason}`);
  if (report.files + report.files_skipped_unchanged === 0) note(`No session files were found in ${dirs.join(", ")}.`);
}

/** Events sent in one request. */
const BATCH_EVENTS = 500;
const BATCH_CHARS = 400_000;

/** `weir publish --file events.jsonl`: CloudEvents, one a line; `-` reads stdin. */
export async function publishFile(file: string, { json }: { json?: boolean }): Promise<void> {
  const asked = client();
  if (file !== "-" && !existsSync(file)) throw new WeirError("bad_input", `${file} does not exist`);
  const input = file === "-" ? process.stdin : createReadStream(file);
  let accepted = 0;
  const rejected: { line: number; id: string | null; error: string }[] = [];
  let batch: { line: number; value: unknown }[] = [];
  let chars = 0;
  const send = async (): Promise<void> => {
    if (batch.length === 0) return;
    const results: readonly Published[] = await asked.publish(batch.map((b) => b.value));
    results.forEach((result, k) => {
      if (result.status === "accepted") accepted++;
      else rejected.push({ line: batch[k]!.line, id: result.id, error: result.error ?? "rejected" });
    });
    batch = [];
    chars = 0;
  };
  let line = 0;
  for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    line++;
    if (text.trim() === "") continue;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      value = text; // recorded as rejected input like every other thing that is no event
    }
    batch.push({ line, value });
    chars += text.length;
    if (batch.length >= BATCH_EVENTS || chars >= BATCH_CHARS) await send();
  }
  await send();
  if (json) sayJson({ accepted, rejected });
  else {
    say(`${accepted} events accepted, ${rejected.length} rejected`);
    for (const r of rejected.slice(0, 20)) note(`  line ${r.line}: ${r.error}`);
  }
  if (rejected.length > 0) process.exitCode = 1;
}

/** `weir tail`: events as they enter the log. */
export async function tail({ json, from }: { json?: boolean; from?: string }): Promise<void> {
  if (from !== undefined && !(Number.isSafeInteger(Number(from)) && Number(from) >= 1))
    throw new WeirError("usage", `--from takes a sequence of the log, not ${from}`);
  const config = readConfig();
  const log = createLog("weir tail", config.logLevel);
  const bus = config.natsUrl
    ? await connectBroker({ url: config.natsUrl, name: "tail", log })
    : await connectBroker({
        url: needRuntime(config.dataDir).nats_url,
        credentials: await readCredential(brokerDir(config.dataDir), "reader"),
        name: "tail",
        log,
      });
  const { keyOf } = openKeys(config.dataDir, { make: false });
  const { last_seq } = await streamIdentity(bus.jsm, "WEIR_EVENTS");
  const reader = openReader(bus, "WEIR_EVENTS", { after: from === undefined ? last_seq : Number(from) - 1 });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void reader.close());
  while (await reader.ready()) {
    const message = reader.shift()!;
    for (const event of readFrame(message.data).events()) {
      const cloud = toCloudEvent(event);
      if (json) say(openSealed(JSON.stringify({ ...cloud, stream_seq: message.seq }), keyOf));
      else
        say(
          `${String(cloud.time).slice(11, 23)}  ${event.type.padEnd(18)} ${(event.session ?? "").slice(0, 8).padEnd(8)}  ${openSealed(JSON.stringify(cloud.data), keyOf).slice(0, 140)}`,
        );
    }
  }
  await bus.close();
}
