import thresholds from "../../../projections/thresholds.ts";
import { LIMITS } from "../../base/limits.ts";
import { optional, ref } from "../../define/field.ts";
import { defineQuery } from "../../define/query.ts";
import { equals, pick, statement, when } from "../statement.ts";

export default defineQuery({
  title: "Thresholds",
  about:
    "The static thresholds that are set: which metric and labels they watch, above or below what, and the severity of their alerts. set_threshold adds or changes one, remove_threshold takes one away.",
  input: { name: optional(ref("only the one of that name", { max: 128 })) },
  row: pick(thresholds.row, ["name", "metric", "labels", "above", "below", "severity", "set_at", "set_by"]),
  sql: ({ name }) =>
    statement(
      [when(true, "removed is distinct from 'true'"), equals("name", "name", name)],
      (where) =>
        `select name, metric, labels, above, below, severity, set_at, set_by from thresholds where ${where} order by name limit ${LIMITS.thresholds_max}`,
    ),
});
