import { bool, int, optional, text, time } from "../../define/field.ts";
import { defineQuery } from "../../define/query.ts";
import { contains, equals, period, rows, rowsOf, statement, when, within } from "../statement.ts";

export default defineQuery({
  title: "Files",
  about:
    "Files that assistants worked on or that changed in a watched project, one row a file, the most often changed first: how often it was made or changed, read, by how many sessions, lines added and removed, and when last. A change that a tool reported and the watcher saw within ten seconds counts once. Use it for what a session or project touched.",
  input: {
    ...period(7),
    path: optional(text("part of the path", { max: 512 })),
    session: optional(text("only this session")),
    project: optional(text("only this project's folder")),
    changed: optional(bool("leave out files that were only read")),
    limit: rows(50),
  },
  row: {
    path: text("path"),
    changes: int("times it was made, changed, renamed or removed"),
    reads: int("times it was read"),
    sessions: int("sessions that touched it"),
    lines_added: int("lines added", { unit: "line" }),
    lines_removed: int("lines removed", { unit: "line" }),
    last_at: time("last time"),
    last_action: text("last action"),
  },
  sql: (input) =>
    statement(
      [
        within("time", input, 7),
        contains(["path"], "path", input.path),
        equals("session", "session", input.session),
        equals("project", "project", input.project),
        when(input.changed, "action <> 'read'"),
        {
          sql: `not (source = 'watch' and exists (select 1 from files told where told.path = files.path and told.source <> 'watch' and told.action <> 'read'
  and abs(epoch_ms(told.time) - epoch_ms(files.time)) < 10000))`,
        },
      ],
      (
        where,
      ) => `select path, count(*) filter (action <> 'read') as changes, count(*) filter (action = 'read') as reads, count(distinct session) as sessions,
  coalesce(sum(lines_added), 0)::bigint as lines_added, coalesce(sum(lines_removed), 0)::bigint as lines_removed, max(time) as last_at, arg_max(action, time) as last_action
from files where ${where} group by path order by changes desc, last_at desc, path limit $rows`,
      { rows: rowsOf(input.limit, 50) },
    ),
});
