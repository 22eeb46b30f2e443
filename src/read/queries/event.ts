import events from "../../../projections/events.ts";
import { id } from "../../define/field.ts";
import { defineQuery } from "../../define/query.ts";

const COLUMNS = Object.keys(events.row);

export default defineQuery({
  title: "One event",
  about:
    "One event by its id, in full: the envelope and its data as JSON. Ids stand in the rows of the other queries as event_id or cause.",
  input: { id: id("id of the event") },
  row: events.row,
  // ids begin with their time, so DuckDB finds the part of the table by the smallest and largest id of each part
  sql: (input) => ({
    sql: `select ${COLUMNS.map((c) => `"${c}"`).join(", ")} from events where id = $id::uuid limit 1`,
    values: { id: input.id },
  }),
});
