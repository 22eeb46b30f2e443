import type { Status } from "../read/status.ts";

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

const escaped = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");

function metric(name: string, type: "gauge" | "counter", help: string, samples: readonly Sample[]): string {
  const lines = samples.map(([labels, value]) => {
    const text = Object.entries(labels).map(([key, label]) => `${key}="${escaped(label)}"`);
    return `${name}${text.length > 0 ? `{${text.join(",")}}` : ""} ${value}`;
  });
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines].join("\n");
}

/** The status in the text format of Prometheus, version 0.0.4. */
export function prometheus(status: Status): string {
  const { tables, producers, processors, streams } = status;
  const of = (p: Status["processors"][number]) => ({ processor: p.name, partition: String(p.partition) });
  return `${[
    metric("weir_up", "gauge", "1 while weir runs", [[{ version: status.version }, 1]]),
    metric("weir_health", "gauge", "2 ok, 1 degraded, 0 failing", [
      [{}, { ok: 2, degraded: 1, failing: 0 }[status.health.state]],
    ]),
    metric("weir_uptime_seconds", "gauge", "time since the start", [[{}, status.uptime_s]]),
    metric("weir_broker_up", "gauge", "1 while the broker answers", [[{}, status.broker.ok ? 1 : 0]]),
    metric(
      "weir_stream_messages",
      "gauge",
      "messages a stream holds",
      streams.map((s) => [{ stream: s.name }, s.messages]),
    ),
    metric(
      "weir_stream_bytes",
      "gauge",
      "bytes a stream holds",
      streams.map((s) => [{ stream: s.name }, s.bytes]),
    ),
    metric(
      "weir_stream_last_sequence",
      "counter",
      "last sequence of a stream",
      streams.map((s) => [{ stream: s.name }, s.last_seq]),
    ),
    metric(
      "weir_processor_position",
      "counter",
      "last input sequence a processor worked on",
      processors.map((p) => [of(p), p.input_seq]),
    ),
    metric(
      "weir_processor_lag_messages",
      "gauge",
      "messages a processor is behind",
      processors.map((p) => [of(p), p.lag_events]),
    ),
    metric("weir_tables_position", "counter", "sequence of the log the tables stand at", [[{}, tables.seq]]),
    metric("weir_tables_lag_messages", "gauge", "messages the tables are behind", [[{}, tables.lag]]),
    metric("weir_events_applied_total", "counter", "events applied to the tables", [[{}, tables.applied]]),
    metric("weir_events_repeated_total", "counter", "repeated events the tables dropped", [[{}, tables.repeated]]),
    metric("weir_events_set_aside_total", "counter", "events that could not be applied", [[{}, tables.set_aside]]),
    metric("weir_log_lost_sequences", "gauge", "sequences missing in the log", [
      [{}, tables.lost.reduce((sum, l) => sum + l.last_seq - l.first_seq + 1, 0)],
    ]),
    metric("weir_events_dropped_total", "counter", "events given up at a limit", [[{}, producers.dropped]]),
    metric("weir_spool_waiting", "gauge", "what waits on disk for the broker", [[{}, producers.spooled]]),
    metric(
      "weir_follow_bytes_waiting",
      "gauge",
      "bytes of transcripts that wait to be read",
      status.following.map((f) => [{ assistant: f.assistant }, f.bytes_waiting]),
    ),
  ].join("\n")}\n`;
}
