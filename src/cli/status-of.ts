import { clock } from "../base/clock.ts";
import type { Config } from "../base/config.ts";
import { counted } from "../base/counted.ts";
import { LIMITS } from "../base/limits.ts";
import { hooksFolder } from "../capture/hooks/append.ts";
import { hooksWaiting } from "../capture/hooks/drain.ts";
import type { Told } from "../capture/watching.ts";
import type { Archive } from "../engine/archive/archive.ts";
import type { ArchiverStatus } from "../engine/archive/archiver.ts";
import type { Projecting } from "../engine/engine.ts";
import type { ProcessorStatus } from "../engine/processor-run.ts";
import { findLeft, findUnattended, unattendedAdvice } from "../engine/unattended.ts";
import type { Status } from "../read/status.ts";
import { spoolsWaiting, unreadableRecords } from "../sdk/spools.ts";
import { type Connection, publicUrl } from "../wire/connect.ts";
import { archiveStatus } from "./archive-status.ts";
import type { OpenBroker } from "./open-broker.ts";

/** Whose status is read. */
export interface StatusParts {
  readonly config: Config;
  readonly bus: Connection;
  /** Events that producers of this process gave up at a limit. */
  readonly dropped: () => number;
  readonly processors: () => readonly ProcessorStatus[];
  readonly version: string;
  readonly started_us: number;
  readonly broker: Pick<OpenBroker, "url" | "broker" | "trouble">;
  /** What the watching process told last. */
  readonly told: () => Told | undefined;
  readonly archive: Archive;
  readonly archiver: () => ArchiverStatus | undefined;
}

/** Reads how the running process is doing. A broker that is away is part of the answer, not a failure of it. */
export async function readStatus(parts: StatusParts & { readonly projecting: Projecting }): Promise<Status> {
  const { bus, projecting, config } = parts;
  const streams = await Promise.all(
    ["WEIR_IN", "WEIR_VALID", "WEIR_EVENTS"].map((name) =>
      bus.jsm.streams
        .info(name)
        .then(({ state }) => ({
          name,
          messages: state.messages,
          bytes: state.bytes,
          first_seq: state.first_seq,
          last_seq: state.last_seq,
        }))
        .catch(() => undefined),
    ),
  );
  const up = streams.every((s) => s !== undefined);
  const headOf = (name: string): number => streams.find((s) => s?.name === name)?.last_seq ?? 0;
  const inputs: Readonly<Record<string, string>> = { validate: "WEIR_IN", enrich: "WEIR_VALID" };
  const processors = parts.processors().map((p) => {
    const head = headOf(inputs[p.name] ?? "WEIR_EVENTS");
    return {
      name: p.name,
      partition: p.partition,
      state: p.state === "standing by" ? "standby" : p.state,
      input_seq: p.input,
      head_seq: head,
      // the head of a stream is that of all partitions
      lag_events: config.partitions > 1 ? p.behind : Math.max(0, head - p.input),
      held_by: p.holder ?? null,
    };
  });
  const tables = projecting.position();
  const head = headOf("WEIR_EVENTS");
  const spool = spoolsWaiting(config.dataDir);
  const dropped = parts.dropped();
  const hooks = hooksWaiting(hooksFolder(config.dataDir));
  const reasons: string[] = [];
  if (!up) reasons.push("the broker does not answer; producers keep their events on disk");
  const trouble = parts.broker.trouble();
  if (trouble !== undefined)
    reasons.push(`the broker cannot store: ${trouble}; free disk space, nothing acknowledged is lost`);
  if (projecting.stopped) reasons.push(projecting.stopped.line());
  if (projecting.status.state === "failed" && !projecting.stopped)
    reasons.push("the tables could not be written and are opened again");
  if (projecting.status.lost.length > 0)
    reasons.push(
      `sequences of the log are missing: ${projecting.status.lost
        .map(([a, b]) => (a === b ? a : `${a}-${b}`))
        .slice(0, 5)
        .join(", ")}`,
    );
  const log = streams.find((s) => s?.name === "WEIR_EVENTS");
  // what the log lacks, as long as nothing was archived and trimmed
  const lacks = log && parts.archive.look().end === 0 ? log.last_seq - log.messages : 0;
  if (lacks > 0 && projecting.status.lost.length === 0)
    reasons.push(`the log lacks ${lacks} of its ${log?.last_seq} sequences`);
  if (projecting.status.verified === false) reasons.push("weir verify found that something is missing; it names what");
  const unattended = up ? await findUnattended(bus, config.partitions).catch(() => []) : [];
  if (unattended.length > 0)
    reasons.push(
      `${unattended.reduce((sum, { messages }) => sum + messages, 0)} messages wait on ${unattended
        .map(({ subject }) => subject)
        .slice(0, 5)
        .join(", ")}, and ${unattendedAdvice(config.partitions)}`,
    );
  const here = new Set(parts.processors().map(({ name }) => name));
  const left = up ? await findLeft(bus, config.partitions, here).catch(() => []) : [];
  for (const { processor, partition, since_us } of left) {
    const waited_ms = clock.nowMs() - since_us / 1_000;
    if (waited_ms > LIMITS.left_ms_max)
      reasons.push(
        `events have waited ${Math.round(waited_ms / 1_000)} s for ${processor} of partition ${partition}, which this instance does not run: see that another one does (weir run ${processor})`,
      );
  }
  const failing = reasons.length > 0;
  for (const { name, state, trouble, notice } of parts.processors()) {
    if (state === "stopped") reasons.push(`the processor ${name} has stopped`);
    if (trouble && up) reasons.push(`the processor ${name} cannot go on: ${trouble}`);
    if (notice) reasons.push(`${name}: ${notice}`);
  }
  if (tables && tables.set_aside > 0)
    reasons.push(
      `${counted(tables.set_aside, "event")} set aside, for they could not be applied; see the table set_aside`,
    );
  const archive = archiveStatus(parts.archive, parts.archiver());
  if (archive.problem) reasons.push(`the log is not archived: ${archive.problem}`);
  if (log && log.bytes > config.logBytes * LIMITS.log_full_share)
    reasons.push(
      `the log holds ${Math.floor((log.bytes / config.logBytes) * 100)} percent of WEIR_LOG_BYTES, and a full log takes nothing more: producers keep events on disk. ${
        archive.problem
          ? "It is archived once what is said above is put right"
          : `Archiving does not keep up, it stands at sequence ${archive.last_seq} of ${head}: see which processor or table is behind, or start weir with a larger WEIR_LOG_BYTES`
      }`,
    );
  if (dropped > 0) reasons.push(`${counted(dropped, "event")} given up at a limit`);
  if (spool.events > 0) reasons.push(`${counted(spool.events, "event")} waiting on disk for the broker`);
  const unreadable = unreadableRecords();
  if (unreadable > 0)
    reasons.push(
      `${counted(unreadable, "unreadable record")} in spools that producers left; weir verify names what is missing`,
    );
  if (hooks.since_ms !== undefined && clock.nowMs() - hooks.since_ms > LIMITS.hook_wait_ms_max)
    reasons.push(`${counted(hooks.events, "payload")} of hooks waiting on disk, not taken`);
  return {
    version: parts.version,
    uptime_s: Math.round((clock.nowUs() - parts.started_us) / 1_000_000),
    profile: config.profile,
    health: { state: failing ? "failing" : reasons.length > 0 ? "degraded" : "ok", reasons },
    broker: {
      url: publicUrl(parts.broker.url),
      version: parts.broker.broker()?.version ?? bus.nc.info?.version ?? "unknown",
      ok: up,
    },
    streams: streams.filter((s) => s !== undefined),
    processors,
    tables: {
      state: projecting.stopped
        ? "failed"
        : projecting.status.state === "running" && head - projecting.status.seq > 16
          ? "catching_up"
          : projecting.status.state,
      seq: tables?.seq ?? projecting.status.seq,
      head_seq: head,
      lag: Math.max(0, head - (tables?.seq ?? projecting.status.seq)),
      applied: tables?.applied ?? 0,
      repeated: tables?.repeated ?? 0,
      set_aside: tables?.set_aside ?? 0,
      lost: projecting.status.lost.map(([first_seq, last_seq]) => ({ first_seq, last_seq })),
      last_commit_ms:
        projecting.status.commits > 0 ? Math.round(performance.now() - projecting.status.committed_at) : null,
    },
    archive,
    producers: {
      spooled: spool.events + hooks.events,
      hooks_waiting: hooks.events,
      dropped: dropped + hooks.dropped,
    },
    following: (parts.told()?.following ?? []).map((f) => ({ ...f, folders: [...f.folders] })),
    watching: [...(parts.told()?.watching ?? [])],
  };
}
