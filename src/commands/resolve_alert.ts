import { defineCommand } from "../define/command.ts";
import { optional, ref, text } from "../define/field.ts";
import { alertResolved } from "../events/alert.ts";

export default defineCommand({
  title: "Resolve an alert",
  about:
    "Ends an alert. Should its series leave the ordinary again, a new alert is raised. The query alerts lists the ids.",
  role: "operator",
  input: { id: ref("id of the alert", { max: 64 }), note: optional(text("what was done about it", { max: 2_000 })) },
  needs: ({ id }) => ({ query: "alert", input: { id }, missing: `no alert has the id ${id}` }),
  decide: ({ id, note }, now_us) => [
    alertResolved.of({ time: now_us, subject: id }, { alert: id, how: "order", note }),
  ],
});
