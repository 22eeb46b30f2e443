import { existsSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { environment, readConfig } from "../base/config.ts";
import { WeirError } from "../base/errors.ts";
import { openKeys } from "../base/keys.ts";
import { createLog } from "../base/log.ts";
import { openSealed } from "../base/seal.ts";
import { toCloudEvent } from "../capture/cloudevents.ts";
import { defaultDirs, TRANSCRIPT_KINDS, type TranscriptKind } from "../capture/discover.ts";
import { importTranscripts } from "../capture/import.ts";
import { noSessionFile } from "../capture/report.ts";
import { openLog } from "../engine/archive/read-log.ts";
import { createWeir } from "../sdk/index.ts";
import { readFrame } from "../wire/frame.ts";
import { streamIdentity } from "../wire/streams.ts";
import { openArchive } from "./archiving.ts";
import { connectBus } from "./bus.ts";
import { patientSink } from "./patience.ts";
import { note, progress, say, sayJson } from "./print.ts";
import { needRuntime } from "./runtime.ts";

const isKind = (kind: string): kind is TranscriptKind => TRANSCRIPT_KINDS.some((known) => known === kind);

/** `weir import ASSISTANT [DIR]`: takes an assistant's session files in; what was taken before is not read again. */
export async function importCommand(
  kind: string,
  dir: string | undefined,
  { json }: { json?: boolean },
): Promise<void> {
  if (!isKind(kind)) throw new WeirError("usage", `weir imports ${TRANSCRIPT_KINDS.join(", ")}, not ${kind}`);
  const config = readConfig();
  needRuntime(config.dataDir);
  if (dir !== undefined && !existsSync(dir))
    throw new WeirError("bad_input", `${dir} does not exist`, {
      hint: "name a folder of session files, or none for the assistant's own",
    });
  const dirs = dir === undefined ? defaultDirs(kind, { env: environment(), home: homedir() }) : [resolve(dir)];
  const log = createLog("weir import", config.logLevel);
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
  const bar = progress(`import ${kind}`);
  await using producer = createWeir({
    name: "import",
    source: `${kind}://local`,
    via: "transcript",
    dataDir: config.dataDir,
    check: false,
  });
  const sink = patientSink(producer, {
    signal: stop.signal,
    onSilence: () => {
      bar.end();
      note("weir takes nothing at the moment, and the import waits. `weir status` tells why; Ctrl-C ends the import.");
    },
    onGivenUp: () => {
      bar.end();
      note("The import was ended before weir took what was read; run it again, it reads that again.");
      process.exit(1);
    },
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
  if (stop.signal.aborted) {
    note("The import was ended before it was done; run it again for the rest.");
    process.exitCode = 1;
  }
  const strange = noSessionFile(report);
  if (strange !== undefined && dirs.length === 1 && statSync(dirs[0]!).isFile())
    throw new WeirError("bad_input", `${strange} is no session file of ${kind}: no event came of its lines`, {
      hint: "name a session file, or a folder of them",
    });
  if (json) return sayJson(report);
  say(
    `${report.files} files read, ${report.files_skipped_unchanged} unchanged: ${report.lines} lines, ${report.events} events (${report.prompts} prompts, ${report.tool_calls} tool calls, ${report.model_calls} model answers)`,
  );
  for (const { file, line, reason } of report.bad_lines) note(`  ${file}:${line}: ${reason}`);
  if (report.bad_lines_total > report.bad_lines.length)
    note(`  … and ${report.bad_lines_total - report.bad_lines.length} more lines`);
  for (const { file, reason } of report.unreadable) note(`  ${file}: ${reason}`);
  if (report.files + report.files_skipped_unchanged === 0) note(`No session files were found in ${dirs.join(", ")}.`);
  else if (report.files > 0 && report.events === 0)
    note(`No event came of what was read: see whether those are session files of ${kind}.`);
}

/** `weir tail`: events as they enter the log. */
export async function tail({ json, from }: { json?: boolean; from?: string }): Promise<void> {
  if (from !== undefined && !(Number.isSafeInteger(Number(from)) && Number(from) >= 1))
    throw new WeirError("usage", `--from takes a sequence of the log, not ${from}`);
  const config = readConfig();
  const log = createLog("weir tail", config.logLevel);
  const bus = await connectBus(config, "reader", "tail", log);
  const { keyOf } = openKeys(config.dataDir, { make: false });
  const { last_seq } = await streamIdentity(bus.jsm, "WEIR_EVENTS");
  if (from !== undefined && Number(from) > last_seq + 1) {
    await bus.close();
    throw new WeirError("usage", `the log ends at ${last_seq}, before ${from}`, {
      hint: "without --from it begins at the end",
    });
  }
  const reader = openLog(bus, openArchive(config), { after: from === undefined ? last_seq : Number(from) - 1 });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void reader.close());
  while (await reader.ready()) {
    const message = reader.shift()!;
    for (const event of readFrame(message.data).events()) {
      const cloud = toCloudEvent(event);
      if (json) say(openSealed(JSON.stringify({ ...cloud, stream_seq: message.seq }), keyOf));
      else
        say(
          `${String(cloud.time).slice(0, 23).replace("T", " ")}  ${event.type.padEnd(18)} ${(event.session ?? "").slice(0, 8).padEnd(8)}  ${openSealed(JSON.stringify(cloud.data), keyOf).slice(0, 140)}`,
        );
    }
  }
  await bus.close();
}
