import {
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamManager,
  type StreamConfig,
  type StreamInfo,
  type StreamUpdateConfig,
} from "@nats-io/jetstream";
import { usFromIso } from "../base/clock.ts";
import type { Config } from "../base/config.ts";
import { WeirError } from "../base/errors.ts";
import { LIMITS } from "../base/limits.ts";
import { STREAM_SUBJECTS, type StreamName } from "./subjects.ts";

export { isFenced, publishError } from "./publish-error.ts";
export { eventsSubject, inSubject, partitionOf, type StreamName, subjectToken, validSubject } from "./subjects.ts";

/** The options of weir that its streams depend on. */
export type StreamsConfig = Pick<Config, "logBytes" | "partitions" | "natsReplicas">;

/** What tells one log from another, and how far it goes. */
export interface StreamIdentity {
  readonly stream: string;
  /** Creation time as the broker gave it when the stream was made; another one means that the log was replaced. */
  readonly created: string;
  readonly first_seq: number;
  readonly last_seq: number;
  readonly messages: number;
  readonly num_deleted: number;
  /** The archive that keeps what was trimmed from it; undefined while nothing was. */
  readonly archive: ArchiveMark | undefined;
}

/** What a stream says about its archive, so that who has none, or another one, knows what is missing. */
export interface ArchiveMark {
  readonly id: string;
  /** Last sequence that was archived: messages up to it may be gone from the stream. */
  readonly end: number;
}

const PARTITIONS_KEY = "weir_partitions";
const ARCHIVE_KEY = "weir_archive";
/** When the stream was made, remembered where an update keeps it: nats-server 2.14 gives a stream that was updated a new creation time at its next start. */
const CREATED_KEY = "weir_created";

/** The size of each stream when the event log has `logBytes`. */
export function streamBytes(logBytes: number): Readonly<Record<StreamName, number>> {
  const quarter = Math.max(LIMITS.stream_bytes_min, Math.floor(logBytes / 4));
  return { WEIR_IN: quarter, WEIR_VALID: quarter, WEIR_EVENTS: logBytes };
}

/** The settings weir makes a stream with. */
export function streamConfig(name: StreamName, config: StreamsConfig): Partial<StreamConfig> & { name: string } {
  return {
    name,
    subjects: [STREAM_SUBJECTS[name]],
    storage: "file",
    retention: "limits",
    discard: "new", // a full stream refuses, which is back-pressure; "old" would drop silently
    max_bytes: streamBytes(config.logBytes)[name],
    max_age: 0,
    max_msgs: -1,
    max_msgs_per_subject: -1,
    max_msg_size: -1,
    duplicate_window: LIMITS.duplicate_window_ms * 1_000_000,
    deny_delete: true,
    deny_purge: false, // trimming purges
    allow_direct: true,
    allow_rollup_hdrs: false,
    compression: "none", // before nats-server 2.14.3 a compressed block can be corrupted when it is compacted
    num_replicas: config.natsReplicas,
    metadata: { [PARTITIONS_KEY]: String(config.partitions) },
  };
}

/**
 * Settings of a stream that is there already with which weir would lose, drop or reorder events. `ok` says which values do no
 * harm, `wanted` what to tell the user.
 */
const GUARDS: readonly { of: keyof StreamConfig; wanted: string; ok: (value: unknown) => boolean }[] = [
  { of: "storage", wanted: "file", ok: (v) => v === "file" },
  { of: "retention", wanted: "limits", ok: (v) => v === "limits" },
  { of: "discard", wanted: "new", ok: (v) => v === "new" },
  { of: "max_age", wanted: "0", ok: (v) => !v },
  { of: "max_msgs_per_subject", wanted: "-1", ok: (v) => v === undefined || Number(v) < 1 },
  { of: "persist_mode", wanted: "default", ok: (v) => v === undefined || v === "" || v === "default" },
  { of: "compression", wanted: "none", ok: (v) => v === undefined || v === "none" },
  { of: "mirror", wanted: "none", ok: (v) => v === undefined },
  { of: "sources", wanted: "none", ok: (v) => v === undefined },
  { of: "subject_transform", wanted: "none", ok: (v) => v === undefined },
  { of: "discard_new_per_subject", wanted: "false", ok: (v) => !v },
  { of: "deny_purge", wanted: "false", ok: (v) => !v },
  { of: "allow_rollup_hdrs", wanted: "false", ok: (v) => !v },
  { of: "allow_msg_ttl", wanted: "false", ok: (v) => !v },
  { of: "allow_msg_counter", wanted: "false", ok: (v) => !v },
  { of: "allow_msg_schedules", wanted: "false", ok: (v) => !v },
  { of: "sealed", wanted: "false", ok: (v) => !v },
  { of: "no_ack", wanted: "false", ok: (v) => !v },
];

/** Settings that may differ from ours without harm and are brought to ours. */
const UPDATED = [
  "max_bytes",
  "max_msgs",
  "max_msg_size",
  "duplicate_window",
  "deny_delete",
  "allow_direct",
] as const satisfies (keyof StreamUpdateConfig)[];

/**
 * Makes the three streams, or checks those that are there: harmless differences are updated, settings that break a guarantee
 * are refused (`broker_refused` naming stream, setting, found, wanted), another number of partitions is `bad_config`. Without `adjust`, sizes and
 * copies of those that are there stay as they are: they are for the weir that owns the log to say.
 */
export async function ensureStreams(
  jsm: JetStreamManager,
  config: StreamsConfig,
  { adjust = true }: { adjust?: boolean } = {},
): Promise<void> {
  for (const name of Object.keys(STREAM_SUBJECTS) as StreamName[]) {
    const wanted = streamConfig(name, config);
    const found = (await streamInfo(jsm, name)) ?? (await change(name, () => jsm.streams.add(wanted)));
    guard(name, found.config, wanted, config);
    if (!adjust) continue;
    guardCopies(name, found, config);
    const update = differences(found, wanted);
    if (update) await change(name, () => jsm.streams.update(name, update));
  }
}

/** Who a stream is and how far it goes. Throws `stream_changed` where it is missing. */
export async function streamIdentity(jsm: JetStreamManager, stream: string): Promise<StreamIdentity> {
  const info = await streamInfo(jsm, stream);
  if (!info) throw new WeirError("stream_changed", `the stream ${stream} is missing`);
  const { first_seq, last_seq, messages, num_deleted } = info.state;
  const archive = markOf(info.config.metadata?.[ARCHIVE_KEY]);
  return { stream, created: createdOf(info), first_seq, last_seq, messages, num_deleted: num_deleted ?? 0, archive };
}

const createdOf = ({ config, created }: StreamInfo): string => config.metadata?.[CREATED_KEY] ?? created;

function markOf(text: string | undefined): ArchiveMark | undefined {
  const [, id, end] = /^(\S+) (\d+)$/.exec(text ?? "") ?? [];
  return id === undefined ? undefined : { id, end: Number(end) };
}

/** Writes into a stream which archive keeps what is trimmed from it, and up to where. */
export async function markArchived(jsm: JetStreamManager, stream: string, { id, end }: ArchiveMark): Promise<void> {
  const info = await streamInfo(jsm, stream);
  if (!info) throw new WeirError("stream_changed", `the stream ${stream} is missing`);
  const metadata = { ...info.config.metadata, [ARCHIVE_KEY]: `${id} ${end}` };
  await change(stream, () => jsm.streams.update(stream, { ...info.config, metadata }));
}

/** {@link purgeUpTo} for every subject of a stream. */
export async function trimUpTo(jsm: JetStreamManager, stream: string, seq: number): Promise<number> {
  const { state } = await jsm.streams.info(stream, { subjects_filter: ">" });
  let purged = 0;
  for (const subject of Object.keys(state.subjects ?? {})) purged += await purgeUpTo(jsm, stream, subject, seq);
  return purged;
}

/** The client reads the time of a message as a number too large to be exact. */
const TIME_SLACK_US = 2;

/**
 * Throws `stream_changed` unless a stream is the one that was worked through up to `last`: of the same making where that is given, as long, and
 * with the same message there. The length alone does not tell: one that lost its end in a power cut may have grown again.
 */
export async function checkSame(
  jsm: JetStreamManager,
  stream: string,
  { created, last }: { created?: string; last: { seq: number; stored_us: number | undefined } },
): Promise<StreamIdentity> {
  const now = await streamIdentity(jsm, stream);
  const changed = (how: string): WeirError =>
    new WeirError("stream_changed", `${stream} ${how}`, {
      hint: "bring the streams back as they were together; `weir rebuild` makes the tables again from the log there is",
    });
  if (created !== undefined && now.created !== created)
    throw changed(`of ${created} was replaced by one of ${now.created}`);
  if (now.last_seq < last.seq)
    throw changed(
      `ends at ${now.last_seq}, and was worked through up to ${last.seq}: it was replaced, cut or restored`,
    );
  if (last.seq === 0 || last.stored_us === undefined) return now;
  const message = await jsm.direct.getMessage(stream, { seq: last.seq });
  const time_us = message && usFromIso(message.timestamp); // none where it was trimmed
  if (time_us && Math.abs(time_us - last.stored_us) > TIME_SLACK_US)
    throw changed(
      `has another message at ${last.seq} than was worked through: it was replaced or cut, and has grown again`,
    );
  return now;
}

/**
 * Trims the messages of a subject up to and including `seq`; their effect must be durable downstream. `newest`: the newest message of a subject that a
 * fenced stage writes stays, because the stage finds its position in it. Answers how many went.
 */
export async function purgeUpTo(
  jsm: JetStreamManager,
  stream: string,
  subject: string,
  seq: number,
  newest: "stays" | "goes" = "stays",
): Promise<number> {
  const last = await jsm.direct.getMessage(stream, { last_by_subj: subject });
  if (!last) return 0;
  const before = newest === "goes" ? seq + 1 : Math.min(seq + 1, last.seq);
  if (before <= 1) return 0; // 0 would mean "everything" to the server
  const { purged } = await jsm.streams.purge(stream, { filter: subject, seq: before });
  return purged;
}

async function streamInfo(jsm: JetStreamManager, stream: string): Promise<StreamInfo | undefined> {
  try {
    return await jsm.streams.info(stream);
  } catch (thrown) {
    if (thrown instanceof JetStreamApiError && thrown.code === JetStreamApiCodes.StreamNotFound) return undefined;
    throw new WeirError("broker_unreachable", `the broker does not answer about the stream ${stream}`, {
      cause: thrown,
    });
  }
}

function guard(name: StreamName, found: StreamConfig, wanted: Partial<StreamConfig>, config: StreamsConfig): void {
  const show = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));
  const wrong = GUARDS.filter(({ of, ok }) => !ok(found[of])).map(
    (g) => `${g.of} is ${show(found[g.of])}, wanted ${g.wanted}`,
  );
  if (String(found.subjects) !== String(wanted.subjects)) {
    wrong.push(`subjects is ${show(found.subjects)}, wanted ${show(wanted.subjects)}`);
  }
  if (wrong.length) {
    throw new WeirError("broker_refused", `stream ${name}: ${wrong.join("; ")}`, {
      hint: "move its events to a stream of weir's settings, or give weir a broker of its own",
    });
  }
  const made = found.metadata?.[PARTITIONS_KEY];
  if (made !== undefined && made !== String(config.partitions)) {
    throw new WeirError(
      "bad_config",
      `WEIR_PARTITIONS is ${config.partitions}, but stream ${name} was made with ${made}`,
      {
        hint: `set WEIR_PARTITIONS=${made}: a session must stay in its partition`,
      },
    );
  }
}

/**
 * Refuses several copies on a single node. To a new stream the broker itself says no; a stream that is there it lets have them, and does not find
 * it again when it starts the next time.
 */
function guardCopies(name: StreamName, found: StreamInfo, { natsReplicas }: StreamsConfig): void {
  if (natsReplicas > 1 && !inCluster(found))
    throw new WeirError(
      "broker_refused",
      `stream ${name} cannot have ${natsReplicas} copies: the broker is no cluster`,
      {
        hint: "take WEIR_NATS_REPLICAS away, or name a cluster with WEIR_NATS_URL",
      },
    );
}

const inCluster = ({ cluster }: StreamInfo): boolean => cluster?.name !== undefined && cluster.name !== "";

function differences(found: StreamInfo, wanted: Partial<StreamConfig>): Partial<StreamUpdateConfig> | undefined {
  const changed: Record<string, unknown> = {};
  for (const key of UPDATED) if (found.config[key] !== wanted[key]) changed[key] = wanted[key];
  // Copies are added when more are asked for, never taken away: but of a single node, which would not find the stream again.
  if (found.config.num_replicas < wanted.num_replicas! || (found.config.num_replicas > 1 && !inCluster(found)))
    changed.num_replicas = wanted.num_replicas;
  const { metadata } = found.config;
  if (metadata?.[PARTITIONS_KEY] === undefined || metadata[CREATED_KEY] === undefined) {
    changed.metadata = { ...metadata, ...wanted.metadata, [CREATED_KEY]: createdOf(found) };
  }
  return Object.keys(changed).length ? { ...found.config, ...changed } : undefined;
}

async function change<T>(name: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const code = cause instanceof JetStreamApiError ? "broker_refused" : "broker_unreachable";
    throw new WeirError(code, `stream ${name} cannot be made or changed: ${why}`, { cause });
  }
}
