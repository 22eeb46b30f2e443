import rejected from "../../../projections/rejected.ts";
import { choice, optional, text } from "../../define/field.ts";
import { defineQuery } from "../../define/query.ts";
import { equals, period, pick, rows, rowsOf, statement, within } from "../statement.ts";

export default defineQuery({
  title: "Rejected input",
  about:
    "Input that weir did not take, newest first: why, what exactly was wrong, what it claimed to be, the beginning of it, and whether it was repaired and sent again (status retried). Nothing rejected is lost: the redacted bytes stand in the table rejected.",
  input: {
    ...period(90),
    reason: optional(
      choice("only this reason", ["undecodable", "unknown_type", "unknown_version", "invalid", "clock", "too_large"]),
    ),
    status: optional(choice("only these", ["open", "retried"])),
    limit: rows(50),
  },
  row: {
    ...pick(rejected.row, [
      "id",
      "time",
      "reason",
      "detail",
      "source",
      "input_type",
      "input_id",
      "events",
      "status",
      "sent",
      "content_type",
    ]),
    beginning: optional(text("beginning of the input, where it is text", { private: true })),
  },
  sql: (input) =>
    statement(
      [within("time", input, 90), equals("reason", "reason", input.reason), equals("status", "status", input.status)],
      (
        where,
      ) => `select id, time, reason, detail, source, input_type, input_id, events, status, sent, content_type, left(try(decode(original)), 500) as beginning
from (select * from rejected where ${where} order by time desc, id limit $rows) order by time desc, id`,
      { rows: rowsOf(input.limit, 50) },
    ),
});
