import { LIMITS } from "../src/base/limits.ts";
import { recall, remember } from "../src/base/remember.ts";
import type { Event } from "../src/define/event.ts";
import { defineProcessor, type Outcome } from "../src/define/processor.ts";
import { alertAcknowledged, alertRaised, alertResolved } from "../src/events/alert.ts";
import { anomalyDetected, clockTicked } from "../src/events/measure.ts";

interface Open {
  readonly alert: string;
  severity: string;
  /** Last anomaly, and last time it was told, in event time. */
  seen_us: number;
  told_us: number;
}

interface State {
  /** Open alerts by rule and series. */
  readonly open: Map<string, Open>;
  /** The last tick of the clock, in event time. */
  now_us: number;
}

const SEVERITY = ["info", "warning", "critical"];
/** An open alert is told again at most this often, unless it grows worse. */
const AGAIN_US = 300_000_000;
/** An alert whose series stayed normal this long resolves itself. */
const RECOVERED_US = 600_000_000;
/** Of an open alert that makes room for a new one: nobody would end it any more. */
const FORGOTTEN = "more alerts are open than are remembered, and this one was quiet for longest";

/**
 * One alert a rule and series: raised by the first anomaly of at least `warning`, told again when it grows worse or goes on, taken in hand and
 * ended by orders, ended by itself when its series stays normal. Silence is measured on ticks of the clock, so a replay decides the same.
 */
export default defineProcessor<State>({
  about: "Raises, repeats and resolves alerts.",
  on: [anomalyDetected, alertAcknowledged, alertResolved, clockTicked] as never,
  emits: [alertRaised, alertResolved] as never,
  reads: "events",
  passes: false,
  start: () => ({ open: new Map(), now_us: 0 }),
  step: (state, event) => {
    switch (event.type) {
      case anomalyDetected.type:
        return raise(state, event);
      case alertResolved.type:
        for (const [key, open] of state.open)
          if (open.alert === (event.data as { alert: string }).alert) state.open.delete(key);
        return undefined;
      case clockTicked.type:
        return recover(state, event);
      default:
        return undefined; // an acknowledged alert stays open
    }
  },
});

function raise(state: State, event: Event): Outcome | undefined {
  const { series, severity, value, method, kind, expected_low, expected_high } = event.data as {
    series: string;
    severity: string;
    value: number;
    method: string;
    kind: string;
    expected_low: number;
    expected_high: number;
  };
  // history that is imported, or comes again, is over: it stands among the anomalies and calls nobody
  if (severity === "info" || event.time < state.now_us - RECOVERED_US) return undefined;
  const key = `${method} ${series}`;
  let open = recall(state.open, key, LIMITS.state_entries_max);
  const worse = open !== undefined && SEVERITY.indexOf(severity) > SEVERITY.indexOf(open.severity);
  if (open && !worse && event.time - open.told_us < AGAIN_US) {
    open.seen_us = Math.max(open.seen_us, event.time);
    return undefined;
  }
  let gone: Open | undefined;
  if (!open) {
    open = { alert: event.id, severity, seen_us: event.time, told_us: event.time };
    gone = remember(state.open, key, open, LIMITS.state_entries_max);
  }
  open.severity = worse ? severity : open.severity;
  open.seen_us = Math.max(open.seen_us, event.time);
  open.told_us = Math.max(open.told_us, event.time);
  const expected = kind === "high" ? `at most ${round(expected_high)}` : `at least ${round(expected_low)}`;
  return {
    emit: [
      alertRaised.of(
        {},
        {
          alert: open.alert,
          rule: method,
          series,
          severity: open.severity as "warning",
          value,
          message: `${series} is ${round(value)}, ${expected} was expected`.slice(0, 1_000),
        },
      ),
      ...(gone ? [alertResolved.of({}, { alert: gone.alert, how: "recovered", note: FORGOTTEN })] : []),
    ],
  };
}

const round = (value: number): number => Number(value.toPrecision(4));

function recover(state: State, tick: Event): Outcome | undefined {
  const emit = [];
  state.now_us = Math.max(state.now_us, tick.time);
  for (const [key, open] of state.open) {
    if (tick.time - open.seen_us < RECOVERED_US) continue;
    state.open.delete(key);
    emit.push(alertResolved.of({}, { alert: open.alert, how: "recovered" }));
  }
  return emit.length > 0 ? { emit } : undefined;
}
