import thresholds from "../../../projections/thresholds.ts";
import { LIMITS } from "../../base/limits.ts";
import { defineQuery } from "../../define/query.ts";
import { pick } from "../statement.ts";

export default defineQuery({
  title: "Thresholds",
  about:
    "The static thresholds that are set: which metric and labels they watch, above or below what, and the severity of their alerts. set_threshold adds or changes one, remove_threshold takes one away.",
  input: {},
  row: pick(thresholds.row, ["name", "metric", "labels", "above", "below", "severity", "set_at", "set_by"]),
  sql: () => ({
    sql: `select name, metric, labels, above, below, severity, set_at, set_by from thresholds where removed is distinct from 'true' order by name limit ${LIMITS.thresholds_max}`,
    values: {},
  }),
});
