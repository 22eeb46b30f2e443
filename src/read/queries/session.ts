import sessions from "../../../projections/sessions.ts";
import { ref } from "../../define/field.ts";
import { defineQuery } from "../../define/query.ts";

export default defineQuery({
  title: "One session",
  about:
    "Everything known of one session in one row: assistant and its version, project, branch, model, when it began and ended and why, and its totals (prompts, tool calls and errors, model calls, tokens, cost, files changed, commits). Needs the session's id from `sessions`. No row means that weir has no event of such a session.",
  input: { session: ref("id of the session", { max: 128 }) },
  row: sessions.row,
  sql: ({ session }) => ({
    sql: `select ${Object.keys(sessions.row).join(", ")} from sessions where session = $session limit 1`,
    values: { session },
  }),
});
