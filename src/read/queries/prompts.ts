import prompts from "../../../projections/prompts.ts";
import { int, optional, text } from "../../define/field.ts";
import { defineQuery } from "../../define/query.ts";
import { contains, equals, period, pick, rows, rowsOf, statement, within } from "../statement.ts";

export default defineQuery({
  title: "Prompts",
  about:
    "What people typed, newest first, by session, project, or a part of the text. Texts are cut to `chars` characters. Use it to find the session in which something was asked.",
  input: {
    ...period(30),
    text: optional(text("part of the prompt", { max: 200 })),
    session: optional(text("only this session")),
    project: optional(text("only this project's folder")),
    chars: optional(int("characters of each text, up to 65536; 500 where absent", { min: 1 })),
    limit: rows(50),
  },
  row: pick(prompts.row, ["time", "session", "project", "assistant", "kind", "text", "chars", "event_id"]),
  sql: (input) =>
    statement(
      [
        within("time", input),
        equals("session", "session", input.session),
        equals("project", "project", input.project),
        contains(["text"], "text", input.text),
      ],
      (where) =>
        `select time, session, project, assistant, kind, left(text, $cut) as text, chars, event_id from prompts where ${where} order by time desc limit $rows`,
      { rows: rowsOf(input.limit, 50), cut: Math.min(input.chars ?? 500, 65_536) },
    ),
});
