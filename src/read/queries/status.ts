import { int, text } from "../../define/field.ts";
import { defineQuery } from "../../define/query.ts";

const TABLES = [
  "events",
  "session_facts",
  "prompts",
  "tool_calls",
  "model_calls",
  "mcp_calls",
  "measurements",
  "anomalies",
  "alerts",
  "alert_history",
  "thresholds",
  "files",
  "commits",
  "branches",
  "watched_paths",
  "rejected",
  "gaps",
  "audit",
  "set_aside",
] as const;

export default defineQuery({
  title: "What the tables hold",
  about:
    "How many rows each table has. as_of tells the log's sequence the tables stand at and the time of the newest event. set_aside counts events that could not be applied; it should be 0. How the running parts are doing (lag, health) is not here: the tool health and `weir status` tell that.",
  input: {},
  row: { table: text("table"), rows: int("rows") },
  sql: () => ({
    sql: TABLES.map((name) => `select '${name}' as "table", count(*) as "rows" from ${name}`).join(" union all "),
    values: {},
  }),
});
