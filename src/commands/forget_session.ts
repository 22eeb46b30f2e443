import { defineCommand } from "../define/command.ts";
import { optional, ref, text } from "../define/field.ts";
import { sessionForgotten } from "../events/session.ts";

export default defineCommand({
  title: "Forget a session",
  about:
    "Makes what persons wrote and tools printed in a session unreadable, for good: the session's key is dropped, so that what is encrypted can be read nowhere any more, log and copies included, and the tables' private columns are emptied. Of a session that was recorded without encryption the tables forget, while the log keeps its bytes. Counts, times, costs and names stay. Nothing private is recorded of the session from then on. It cannot be undone.",
  role: "operator",
  destructive: true,
  input: {
    session: ref("id of the session", { max: 128 }),
    reason: optional(text("why, for the audit", { max: 2_000 })),
  },
  needs: ({ session }) => ({
    query: "session",
    input: { session },
    missing: `weir has no event of a session ${session}`,
  }),
  decide: ({ session, reason }, now_us) => [
    sessionForgotten.of({ time: now_us, subject: session }, { forgotten: session, reason }),
  ],
});
