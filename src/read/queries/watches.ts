import { bool, optional, text, time } from "../../define/field.ts";
import { defineQuery } from "../../define/query.ts";
import { rows, rowsOf } from "../statement.ts";

export default defineQuery({
  title: "Watched folders",
  about:
    "The folders whose files and git repositories are watched, the last used first: those added by name with add_watch, and projects in which a session ran within two days. Folders taken out with remove_watch, and projects in them, are not among them; with removed it lists these folders instead. The first 32 are watched at once.",
  input: {
    removed: optional(bool("the folders that were taken out instead")),
    limit: rows(100),
  },
  row: {
    path: text("the folder"),
    reason: text("added, project in use, or removed"),
    since: time("when it was added or removed, or its first session began"),
    last_session_at: optional(time("last event of a session there")),
  },
  sql: ({ removed, limit }) => ({
    sql: `with used as (select project as path, min(started_at) as since, max(last_event_at) as last_session_at from session_facts
  where project is not null and assistant is not null group by project)
select path, reason, since, last_session_at from (
  select w.path, case when w.watched then 'added' else 'removed' end as reason, w.set_at as since, u.last_session_at
  from watched_paths w left join used u on u.path = w.path where w.watched = ${removed !== true}
  union all
  select u.path, 'project in use' as reason, u.since, u.last_session_at from used u
  where ${removed !== true} and u.last_session_at >= make_timestamp($as_of - 172800000000) and u.path not in (select path from watched_paths)
    -- of the folders around it that were named, the next one decides
    and coalesce((select arg_max(w.watched, length(w.path)) from watched_paths w where starts_with(u.path, w.path || '/')), true))
order by reason, coalesce(last_session_at, since) desc, path limit $rows`,
    values: { rows: rowsOf(limit, 100) },
  }),
});
