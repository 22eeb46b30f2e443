import commits from "../../../projections/commits.ts";
import { optional, text } from "../../define/field.ts";
import { defineQuery } from "../../define/query.ts";
import { contains, equals, period, pick, rows, rowsOf, statement, within } from "../statement.ts";

export default defineQuery({
  title: "Commits",
  about:
    "Git commits made in sessions, newest first, with hash, message, branch, project and the session that made them.",
  input: {
    ...period(30),
    session: optional(text("only this session")),
    project: optional(text("only this project's folder")),
    text: optional(text("part of the message, or the beginning of the hash", { max: 200 })),
    limit: rows(50),
  },
  row: pick(commits.row, ["time", "sha", "kind", "message", "branch", "project", "session", "files", "pull_request"]),
  sql: (input) =>
    statement(
      [
        within("time", input),
        equals("session", "session", input.session),
        equals("project", "project", input.project),
        contains(["message", "sha"], "text", input.text),
      ],
      (where) =>
        `select time, sha, kind, message, branch, project, session, files, pull_request from commits where ${where} order by time desc, sha limit $rows`,
      { rows: rowsOf(input.limit, 50) },
    ),
});
