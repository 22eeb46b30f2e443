import { existsSync, renameSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { DuckDBInstance } from "@duckdb/node-api";
import { clock } from "../base/clock.ts";
import { readConfig } from "../base/config.ts";
import { counted } from "../base/counted.ts";
import { type ErrorCode, toWeirError, WeirError } from "../base/errors.ts";
import { makeFolder } from "../base/folder.ts";
import { createLog } from "../base/log.ts";
import { hooksFolder } from "../capture/hooks/append.ts";
import { hooksWaiting } from "../capture/hooks/drain.ts";
import { loadProjections } from "../engine/load.ts";
import { removeStore, replay } from "../engine/replay.ts";
import { unattendedAdvice } from "../engine/unattended.ts";
import type { Verification } from "../engine/verify.ts";
import { setAsideStore } from "../store/open.ts";
import { startBroker } from "../wire/broker.ts";
import { type Connection, connectBroker } from "../wire/connect.ts";
import { streamIdentity } from "../wire/streams.ts";
import { openArchive } from "./archiving.ts";
import { connectBus } from "./bus.ts";
import type { Rebuilt } from "./operations.ts";
import { note, progress, say, sayJson, sayTable } from "./print.ts";
import { definitionsRoot } from "./root.ts";
import { needRuntime, runningHere } from "./runtime.ts";

/** Runs a long operation of the running weir, showing its progress. */
export async function operate<T>(name: string): Promise<T> {
  const { http_url, token } = needRuntime(readConfig().dataDir);
  const response = await fetch(`${http_url}/api/${name}`, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}` },
  }).catch((cause: unknown) => {
    throw new WeirError("not_running", `nobody answers at ${http_url}`, { cause });
  });
  if (!response.ok) {
    const { error } = (await response.json()) as { error: { code: ErrorCode; message: string; hint: string } };
    throw new WeirError(error.code, error.message, { hint: error.hint });
  }
  const bar = progress(name);
  for await (const line of createInterface({ input: Readable.fromWeb(response.body as never) })) {
    const said = JSON.parse(line) as {
      progress?: { done: number; total: number };
      result?: T;
      error?: { code: ErrorCode; message: string; hint: string };
    };
    if (said.progress) bar.show(said.progress.done, said.progress.total);
    bar.end();
    if (said.error) throw new WeirError(said.error.code, said.error.message, { hint: said.error.hint });
    if (said.result !== undefined) return said.result;
  }
  throw new WeirError("not_running", "weir ended before the operation did");
}

/** `weir verify`: proves that nothing is lost, or names what is. Ends with 1 where something is missing. */
export async function verifyCommand({ json }: { json?: boolean }): Promise<void> {
  const found = await operate<Verification>("verify");
  if (json) sayJson(found);
  else {
    for (const { law, left, right, holds } of found.laws) say(`${holds ? "ok " : "NO "} ${law}: ${left} = ${right}`);
    for (const { producer, epoch, first, last } of found.missing)
      say(`NO  ${producer} (epoch ${epoch}): numbers ${first} to ${last} are missing`);
    for (const { producer, events } of found.dropped)
      say(`    ${producer} gave up ${counted(events, "event")} at a limit`);
    for (const { first, last } of found.lost) say(`NO  the log lacks sequences ${first} to ${last}`);
    for (const { seq, in_log, in_tables } of found.frames)
      say(`NO  sequence ${seq}: ${counted(in_log, "event")} in the log, ${in_tables} in the tables`);
    for (const { stream, subject, messages } of found.unattended)
      say(`NO  ${messages} messages wait on ${subject} (${stream}): ${unattendedAdvice(readConfig().partitions)}`);
    for (const { file, first, last, why } of found.archive.faults)
      say(`NO  the archive's file ${file} (sequences ${first} to ${last}): ${why}; put it back from a backup`);
    const { segments, last_seq: archived } = found.archive;
    if (segments > 0) say(`    the archive holds sequences up to ${archived} in ${counted(segments, "segment")}`);
    const { events, producers, first_seq, last_seq } = found.checked;
    say(
      `${found.ok ? "Nothing is lost" : "Something is missing or waits for ever"}: ${counted(events, "event")} of ${counted(producers, "producer")}, sequences ${first_seq} to ${last_seq}.`,
    );
  }
  if (!found.ok) process.exitCode = 1;
}

async function logConnection(): Promise<{ bus: Connection; close(): Promise<void> }> {
  const config = readConfig();
  const log = createLog("weir rebuild", config.logLevel);
  if (config.natsUrl || (await runningHere(config.dataDir))) {
    const bus = await connectBus(config, "engine", "rebuild", log);
    return { bus, close: () => bus.close() };
  }
  const broker = await startBroker({ config, log, port: 0 });
  const bus = await connectBroker({ url: broker.url, credentials: broker.credentials.engine, name: "rebuild", log });
  return {
    bus,
    async close() {
      await bus.close();
      await broker.stop();
    },
  };
}

/**
 * `weir rebuild`: makes the tables again from the log. While weir runs, it goes on answering and swaps at the end. While it does not, a broken
 * or foreign store is set aside first and a new one is made.
 */
export async function rebuild({ into, json }: { into?: string; json?: boolean }): Promise<void> {
  const config = readConfig();
  if (into) return rebuildInto(into);
  const tell = (done: Rebuilt): void => {
    for (const [first, last] of done.lost)
      note(
        `the log lacks ${first === last ? `sequence ${first}` : `sequences ${first} to ${last}`}: their events are lost`,
      );
    if (done.kept) note(`the old tables are kept as ${done.kept}`);
    if (json) sayJson(done);
    else say(`${done.events} events replayed, the tables stand at sequence ${done.seq}`);
  };
  if (await runningHere(config.dataDir)) return tell(await operate<Rebuilt>("rebuild"));
  const file = join(config.dataDir, "weir.duckdb");
  const next = join(config.dataDir, "weir.next.duckdb");
  const { bus, close } = await logConnection();
  const bar = progress("rebuild");
  try {
    const { last_seq } = await streamIdentity(bus.jsm, "WEIR_EVENTS");
    const done = await replay({
      file: next,
      projections: await loadProjections(definitionsRoot()),
      config,
      bus,
      archive: openArchive(config),
      until: () => last_seq,
      onProgress: ({ seq, head, events }) => bar.show(seq, head, `${events} events`),
    });
    bar.end();
    const kept = existsSync(file) ? setAsideStore(file, String(clock.nowMs())) : undefined;
    rmSync(`${file}.keys`, { recursive: true, force: true });
    for (const suffix of ["", ".keys"])
      if (existsSync(`${next}${suffix}`)) renameSync(`${next}${suffix}`, `${file}${suffix}`);
    tell({ ...done, ...(kept && { kept }) });
  } finally {
    bar.end();
    removeStore(next);
    await close();
  }
}

/** The worker behind a live rebuild: follows the log into a file, tells its progress as lines of JSON, ends at the sequence read from stdin. */
async function rebuildInto(file: string): Promise<void> {
  const { bus, close } = await logConnection();
  let until: number | undefined;
  const lines = createInterface({ input: process.stdin });
  lines.once("line", (text) => {
    until = Number(text);
  });
  process.stdin.once("end", () => {
    until ??= 0; // whoever asked is gone
  });
  try {
    await replay({
      file,
      projections: await loadProjections(definitionsRoot()),
      config: readConfig(),
      bus,
      archive: openArchive(readConfig()),
      until: () => until,
      onProgress: (p) => sayJson(p),
    });
  } catch (thrown) {
    const { code, message, hint } = toWeirError(thrown);
    sayJson({ error: { code, message, hint } }); // who asked tells it
    process.exitCode = 1;
  }
  lines.close();
  process.stdin.destroy();
  await close();
}

/** `weir export`: the events as Parquet files by day, or as CloudEvents, one a line. */
export async function exportEvents({ format, out }: { format: string; out?: string }): Promise<void> {
  if (format !== "parquet" && format !== "jsonl")
    throw new WeirError("usage", `--format takes parquet or jsonl, not ${format}`);
  if (format === "jsonl" && out !== undefined)
    throw new WeirError(
      "usage",
      "--out is the folder of Parquet files; jsonl goes to stdout: weir export --format jsonl > file",
    );
  const { file } = await operate<{ file: string }>("snapshot");
  const instance = await DuckDBInstance.create(file, { access_mode: "READ_ONLY", memory_limit: "512MB" });
  const connection = await instance.connect();
  try {
    if (format === "parquet") {
      const folder = resolve(out ?? "weir-export");
      makeFolder(folder);
      await connection.run(
        `copy (select *, strftime(time, '%Y-%m-%d') as day from events order by stream_seq) to '${folder.replaceAll("'", "''")}' (format parquet, partition_by (day), overwrite_or_ignore, compression zstd)`,
      );
      const [[rows]] = (await connection.runAndReadAll("select count(*) from events")).getRowsJS() as [[bigint]];
      say(`${rows} events in ${folder}, one folder a day`);
      return;
    }
    const result = await connection.stream(
      "select * replace (id::varchar as id, cause::varchar as cause, strftime(time, '%Y-%m-%dT%H:%M:%S.%fZ') as time) from events order by stream_seq",
    );
    const names = result.columnNames();
    for (let chunk = await result.fetchChunk(); chunk && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
      for (const row of chunk.getRows()) sayJson(cloudEvent(names, row));
    }
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

function cloudEvent(names: readonly string[], row: readonly unknown[]): Record<string, unknown> {
  const out: Record<string, unknown> = { specversion: "1.0" };
  names.forEach((name, k) => {
    const value = row[k];
    if (value === null || value === undefined || name === "stream_seq") return;
    out[name] = name === "data" ? JSON.parse(String(value)) : typeof value === "bigint" ? Number(value) : value;
  });
  return out;
}

/** `weir status`. */
export async function status({ json }: { json?: boolean }): Promise<void> {
  const { client } = await import("./ask.ts");
  let s: Awaited<ReturnType<ReturnType<typeof client>["status"]>>;
  try {
    s = await client().status();
  } catch (error) {
    const { events } = hooksWaiting(hooksFolder(readConfig().dataDir));
    if (events > 0) note(`${events} payloads of hooks wait on disk; they are taken when weir runs`);
    throw error;
  }
  if (json) return sayJson(s);
  say(`weir ${s.version}, up ${s.uptime_s} s, profile ${s.profile}: ${s.health.state}`);
  for (const reason of s.health.reasons) say(`  - ${reason}`);
  say(`broker ${s.broker.url} (${s.broker.version}) ${s.broker.ok ? "answers" : "is away"}`);
  sayTable(
    [{ name: "stream" }, { name: "messages" }, { name: "MB" }, { name: "last" }],
    s.streams.map((x) => [x.name, x.messages, x.bytes / 1e6, x.last_seq]),
  );
  const shared = new Set(s.processors.map((p) => p.held_by)).size > 1;
  sayTable(
    ["processor", "state", "input", "behind", ...(shared ? ["held by"] : [])].map((name) => ({ name })),
    s.processors.map((p) => [
      p.partition > 0 ? `${p.name} ${p.partition}` : p.name,
      p.state,
      p.input_seq,
      p.lag_events,
      ...(shared ? [p.held_by] : []),
    ]),
  );
  say(
    `tables ${s.tables.state}: sequence ${s.tables.seq} of ${s.tables.head_seq}; ${counted(s.tables.applied, "event")}, ${counted(s.tables.repeated, "repeat")} dropped, ${s.tables.set_aside} set aside`,
  );
  const { archive } = s;
  if (archive.segments > 0)
    say(
      `archive ${archive.state}: ${counted(archive.events, "event")} up to sequence ${archive.last_seq}, ${archive.first_day} to ${archive.last_day}, in ${counted(archive.segments, "segment")} of ${(archive.bytes / 1e6).toFixed(1)} MB`,
    );
  if (s.producers.spooled + s.producers.dropped > 0)
    say(
      `producers: ${s.producers.spooled} waiting on disk (${s.producers.hooks_waiting} from hooks), ${s.producers.dropped} given up`,
    );
  for (const f of s.following) {
    const left =
      f.files_waiting > 0
        ? `, ${f.files_waiting} of them (${(f.bytes_waiting / 1e6).toFixed(1)} of ${(f.bytes / 1e6).toFixed(1)} MB) wait to be read`
        : "";
    const faults =
      f.bad_lines + f.unreadable > 0 ? `; ${counted(f.bad_lines, "bad line")}, ${f.unreadable} unreadable` : "";
    say(
      `${f.assistant} transcripts ${f.state}: ${counted(f.files, "file")}${left}; ${counted(f.lines, "line")} read${faults}`,
    );
  }
  if (s.watching.length > 0)
    say(
      `watching ${counted(s.watching.length, "folder")}: ${counted(
        s.watching.reduce((sum, w) => sum + w.files, 0),
        "file",
      )}; weir watch list`,
    );
  return;
}
