import type { Meter, Observable } from "@opentelemetry/api";
import type { Status } from "../read/status.ts";
import { NO_ARCHIVE } from "./archive-status.ts";
import { statusMetrics } from "./status-metrics.ts";

/** A status nothing has happened in: it tells which metrics there are before the first real one is asked for. */
const EMPTY: Status = {
  version: "",
  uptime_s: 0,
  profile: "",
  health: { state: "ok", reasons: [] },
  broker: { url: "", version: "", ok: false },
  streams: [],
  processors: [],
  tables: {
    state: "",
    seq: 0,
    head_seq: 0,
    lag: 0,
    applied: 0,
    repeated: 0,
    set_aside: 0,
    lost: [],
    last_commit_ms: null,
  },
  archive: NO_ARCHIVE,
  producers: { spooled: 0, hooks_waiting: 0, dropped: 0 },
  following: [],
  watching: [],
};

/** Exports the metrics of the status, which is asked for once an export. */
export function observeStatus(meter: Meter, status: () => Promise<Status>): void {
  const instruments = new Map<string, Observable>();
  for (const { name, type, help } of statusMetrics(EMPTY)) {
    const options = { description: help };
    instruments.set(
      name,
      type === "counter" ? meter.createObservableCounter(name, options) : meter.createObservableGauge(name, options),
    );
  }
  meter.addBatchObservableCallback(
    async (result) => {
      for (const { name, samples } of statusMetrics(await status()))
        for (const [labels, value] of samples) result.observe(instruments.get(name)!, value, labels);
    },
    [...instruments.values()],
  );
}
