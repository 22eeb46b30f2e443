import { float, int, optional, ref, text, time } from "../src/define/field.ts";
import { defineFold } from "../src/define/projection.ts";
import { alertAcknowledged, alertRaised, alertResolved } from "../src/events/alert.ts";

export default defineFold({
  version: 1,
  about: "One row an alert, from raised to resolved.",
  on: [alertRaised, alertAcknowledged, alertResolved],
  key: "id",
  row: {
    id: ref("id of the alert"),
    rule: text("threshold or detector behind it"),
    status: text("open, acknowledged or resolved"),
    severity: text("severity"),
    raised_at: time("when it was first raised"),
    acknowledged_by: optional(text("who took it in hand")),
    resolved_at: optional(time("when it ended")),
    series: text("series it concerns"),
    message: text("one sentence for people"),
    value: float("last value that raised it"),
    times: int("how often it was raised"),
    last_at: time("when it was last raised"),
    acknowledged_at: optional(time("when it was taken in hand")),
    resolved_by: optional(text("who ended it, where a person did")),
    note: optional(text("what they said")),
    session: optional(ref("session of the value that raised it")),
  },
  keyOf: (event) => (event.data as { alert: string }).alert,
  open: (row) => row.status !== "resolved",
  fold: (row, event) => {
    const data = event.data as {
      alert: string;
      rule: string;
      series: string;
      severity: string;
      value: number;
      message: string;
      note?: string;
    };
    const old = row ?? {
      id: data.alert,
      rule: data.rule ?? "",
      status: "open",
      severity: data.severity ?? "info",
      raised_at: event.time,
      series: data.series ?? "",
      message: data.message ?? "",
      value: data.value ?? 0,
      times: 0,
      last_at: event.time,
      session: event.session,
    };
    if (event.type === alertRaised.type) {
      return {
        ...old,
        rule: data.rule,
        series: data.series,
        severity: data.severity,
        message: data.message,
        value: data.value,
        times: old.times + 1,
        last_at: Math.max(old.last_at, event.time),
      };
    }
    if (event.type === alertAcknowledged.type) {
      return {
        ...old,
        status: old.status === "resolved" ? old.status : "acknowledged",
        acknowledged_by: event.actor ?? "unknown",
        acknowledged_at: event.time,
        note: data.note ?? old.note,
      };
    }
    return {
      ...old,
      status: "resolved",
      resolved_at: event.time,
      resolved_by: event.actor,
      note: data.note ?? old.note,
    };
  },
});
