import gaps from "../../../projections/gaps.ts";
import { choice, optional, text } from "../../define/field.ts";
import { defineQuery } from "../../define/query.ts";
import { equals, period, pick, rows, rowsOf, statement, within } from "../statement.ts";

export default defineQuery({
  title: "Gaps and losses",
  about:
    "Times when events were missing: a gap in a producer's numbers was found or closed later (events arrived after all), a producer gave events up at a limit (dropped), or the broker's log lost stored messages (lost). No rows mean that nothing is known to be missing. Newest first.",
  input: {
    ...period(365),
    what: optional(choice("only these", ["found", "closed", "dropped", "lost"])),
    of: optional(text("only this producer or stream")),
    limit: rows(100),
  },
  row: pick(gaps.row, ["time", "what", "of", "epoch", "first", "last", "events", "place"]),
  sql: (input) =>
    statement(
      [within("time", input, 365), equals("what", "what", input.what), equals('"of"', "of", input.of)],
      (where) =>
        `select time, what, "of", epoch, "first", "last", events, place from gaps where ${where} order by time desc, event_id limit $rows`,
      { rows: rowsOf(input.limit, 100) },
    ),
});
