import history from "../../../projections/alert_history.ts";
import alerts from "../../../projections/alerts.ts";
import { ref } from "../../define/field.ts";
import { defineQuery } from "../../define/query.ts";
import { pick } from "../statement.ts";

export default defineQuery({
  title: "One alert with its history",
  about:
    "One alert and everything that happened to it, oldest first: raised (again), acknowledged, resolved, by whom and with which note. The alert's own columns stand in every row. Needs the id from `alerts`.",
  input: { id: ref("id of the alert", { max: 64 }) },
  row: {
    ...pick(history.row, ["time", "what", "actor", "value", "note"]),
    ...pick(alerts.row, ["id", "status", "severity", "rule", "series", "raised_at", "times"]),
  },
  sql: ({ id }) => ({
    sql: `select h.time, h.what, h.actor, h.value, h.note, a.id, a.status, a.severity, a.rule, a.series, a.raised_at, a.times
from alerts a join alert_history h on h.alert = a.id where a.id = $id and h.alert = $id order by h.time, h.event_id limit 1000`,
    values: { id },
  }),
});
