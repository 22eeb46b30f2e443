import { defineEvent } from "../define/event.ts";
import { choice, float, optional, ref, text } from "../define/field.ts";

export const alertRaised = defineEvent("alert.raised", 1, "An alert was raised, or happened again while it was open.", {
  alert: ref("id of the alert; stays the same until it is resolved", { max: 64 }),
  rule: text("threshold or detector behind it", { max: 256 }),
  series: text("series it concerns", { max: 1_000 }),
  severity: choice("severity", ["info", "warning", "critical"]),
  value: float("value that raised it"),
  message: text("one sentence for people", { max: 1_000 }),
});

export const alertAcknowledged = defineEvent(
  "alert.acknowledged",
  1,
  "Somebody took an alert in hand.",
  { alert: ref("id of the alert", { max: 64 }), note: optional(text("what they said", { max: 2_000 })) },
  { audited: true },
);

export const alertResolved = defineEvent(
  "alert.resolved",
  1,
  "An alert ended: by an order, or because its series stayed normal.",
  {
    alert: ref("id of the alert", { max: 64 }),
    how: choice("by an order or by itself", ["order", "recovered"]),
    note: optional(text("what they said", { max: 2_000 })),
  },
  { audited: true },
);

export default [alertRaised, alertAcknowledged, alertResolved] as const;
