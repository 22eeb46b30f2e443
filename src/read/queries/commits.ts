import commits from "../../../projections/commits.ts";
import { float, int, optional, text } from "../../define/field.ts";
import { defineQuery } from "../../define/query.ts";
import { contains, equals, period, pick, rows, rowsOf, statement, within } from "../statement.ts";

/**
 * Commits with the session that made them. The transcript names it where the assistant itself ran git; otherwise it is the only session that
 * ran in the repository's folder then, or ended at most ten minutes before. Where two sessions ran there, nobody knows, and none is named.
 * What a session only commented on is not made of its commits.
 */
const LINKED = `linked as (
select c.* exclude (session), coalesce(c.session, f.session) as session,
  case when c.session is not null then 'transcript' when f.session is not null then 'time_and_folder' end as linked_by
from commits c left join (
  select c.commit, any_value(s.session) as session from commits c join session_facts s
  on (s.project = c.project or starts_with(s.project, c.project || '/')) and c.time between s.started_at and s.last_event_at + interval 10 minutes
  where c.session is null group by c.commit having count(*) = 1) f on f.commit = c.commit),
-- a session's pull request is made of its commits on that branch; of several, the one that came next, else the last one before
pulls as (select c.commit, arg_min(p.number, case when p.time >= c.time then epoch_us(p.time) - epoch_us(c.time)
    else epoch_us(c.time) - epoch_us(p.time) + 4611686018427387904 end) as number
  from linked c join pull_requests p on p.session = c.session and coalesce(p.branch, c.branch, '') = coalesce(c.branch, p.branch, '')
  where c.pull_request is null and p.action is distinct from 'commented' group by c.commit),
-- what a session spent since its commit before
spans as (select *, lag(time) over (partition by session order by time, sha) as since from linked)`;

export default defineQuery({
  title: "Commits",
  about:
    "Git commits, newest first, with hash, message, branch, project, the session that made them, and what that session spent on each: model calls, tool calls and cost since its commit before, or since its start. linked_by tells how the session is known: transcript (it ran git itself), or time_and_folder (it was the only one at work in that folder then).",
  input: {
    ...period(30),
    session: optional(text("only this session")),
    project: optional(text("only this project's folder")),
    text: optional(text("part of the message, or the beginning of the hash", { max: 200 })),
    limit: rows(50),
  },
  row: {
    ...pick(commits.row, ["time", "sha", "kind", "message", "author", "branch", "project", "session"]),
    linked_by: optional(text("transcript, time_and_folder, or empty where no session is known")),
    ...pick(commits.row, ["call", "files", "pull_request"]),
    model_calls: int("answers of models since the session's commit before"),
    tool_calls: int("calls of tools since then"),
    cost_usd: float("list price of these answers", { unit: "USD" }),
  },
  sql: (input) =>
    statement(
      [
        within("time", input),
        equals("session", "session", input.session),
        equals("project", "project", input.project),
        contains(["message", "sha"], "text", input.text),
      ],
      (where) => `with ${LINKED},
shown as (select * from spans where ${where} order by time desc, sha limit $rows),
spent as (select w.commit, count(*) as model_calls, coalesce(sum(m.cost_usd), 0) as cost_usd
  from shown w join model_calls m on m.session = w.session and m.time <= w.time and (w.since is null or m.time > w.since) group by w.commit),
called as (select w.commit, count(*) as tool_calls
  from shown w join tool_calls t on t.session = w.session and t.time <= w.time and (w.since is null or t.time > w.since) group by w.commit)
select w.time, w.sha, w.kind, w.message, w.author, w.branch, w.project, w.session, w.linked_by, w.call, w.files, coalesce(w.pull_request, p.number) as pull_request,
  coalesce(s.model_calls, 0) as model_calls, coalesce(c.tool_calls, 0) as tool_calls, coalesce(s.cost_usd, 0)::double as cost_usd
from shown w left join spent s on s.commit = w.commit left join called c on c.commit = w.commit left join pulls p on p.commit = w.commit order by w.time desc, w.sha`,
      { rows: rowsOf(input.limit, 50) },
    ),
});
