import type { Status } from "../read/status.ts";

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

/** One metric of the status. `name` as OpenTelemetry has it; Prometheus writes `_` for each dot, and `_total` behind what is `summed`. */
export interface StatusMetric {
  readonly name: string;
  readonly type: "gauge" | "counter";
  readonly summed?: true;
  readonly help: string;
  readonly samples: readonly Sample[];
}

/** The metrics that are seen in the status: what /metrics says, and what is exported by OTLP. */
export function statusMetrics(status: Status): readonly StatusMetric[] {
  const { archive, tables, producers, processors, streams } = status;
  const of = (p: Status["processors"][number]) => ({ processor: p.name, partition: String(p.partition) });
  return [
    gauge("weir.up", "1 while weir runs", [[{ version: status.version }, 1]]),
    gauge("weir.health", "2 ok, 1 degraded, 0 failing", [
      [{}, { ok: 2, degraded: 1, failing: 0 }[status.health.state]],
    ]),
    gauge("weir.uptime_seconds", "time since the start", [[{}, status.uptime_s]]),
    gauge("weir.broker.up", "1 while the broker answers", [[{}, status.broker.ok ? 1 : 0]]),
    gauge(
      "weir.stream.messages",
      "messages a stream holds",
      streams.map((s) => [{ stream: s.name }, s.messages]),
    ),
    gauge(
      "weir.stream.bytes",
      "bytes a stream holds",
      streams.map((s) => [{ stream: s.name }, s.bytes]),
    ),
    counter(
      "weir.stream.last_sequence",
      "last sequence of a stream",
      streams.map((s) => [{ stream: s.name }, s.last_seq]),
    ),
    counter(
      "weir.processor.position",
      "last input sequence a processor worked on",
      processors.map((p) => [of(p), p.input_seq]),
    ),
    gauge(
      "weir.processor.lag_messages",
      "messages a processor is behind",
      processors.map((p) => [of(p), p.lag_events]),
    ),
    counter("weir.tables.position", "sequence of the log the tables stand at", [[{}, tables.seq]]),
    gauge("weir.tables.lag_messages", "messages the tables are behind", [[{}, tables.lag]]),
    total("weir.events.applied", "events applied to the tables", tables.applied),
    total("weir.events.repeated", "repeated events the tables dropped", tables.repeated),
    total("weir.events.set_aside", "events that could not be applied", tables.set_aside),
    gauge("weir.log.lost_sequences", "sequences missing in the log", [
      [{}, tables.lost.reduce((sum, l) => sum + l.last_seq - l.first_seq + 1, 0)],
    ]),
    counter("weir.archive.last_sequence", "last sequence of the log that is archived", [[{}, archive.last_seq]]),
    gauge("weir.archive.events", "events in the archive", [[{}, archive.events]]),
    gauge("weir.archive.bytes", "bytes of the archive's files", [[{}, archive.bytes]]),
    gauge("weir.archive.failed", "1 while the log cannot be archived", [[{}, archive.state === "failed" ? 1 : 0]]),
    total("weir.events.dropped", "events given up at a limit", producers.dropped),
    gauge("weir.spool.waiting", "what waits on disk for the broker", [[{}, producers.spooled]]),
    gauge(
      "weir.follow.bytes_waiting",
      "bytes of transcripts that wait to be read",
      status.following.map((f) => [{ assistant: f.assistant }, f.bytes_waiting]),
    ),
  ];
}

const gauge = (name: string, help: string, samples: readonly Sample[]): StatusMetric => ({
  name,
  type: "gauge",
  help,
  samples,
});
const counter = (name: string, help: string, samples: readonly Sample[]): StatusMetric => ({
  name,
  type: "counter",
  help,
  samples,
});
const total = (name: string, help: string, value: number): StatusMetric => ({
  ...counter(name, help, [[{}, value]]),
  summed: true,
});
