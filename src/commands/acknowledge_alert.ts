import { defineCommand } from "../define/command.ts";
import { optional, ref, text } from "../define/field.ts";
import { alertAcknowledged } from "../events/alert.ts";

export default defineCommand({
  title: "Acknowledge an alert",
  about:
    "Says that somebody takes an alert in hand; it stays visible until it is resolved. The query alerts lists the ids.",
  role: "operator",
  input: { id: ref("id of the alert", { max: 64 }), note: optional(text("what to say about it", { max: 2_000 })) },
  needs: ({ id }) => ({ query: "alert", input: { id }, missing: `no alert has the id ${id}` }),
  decide: ({ id, note }, now_us) => [alertAcknowledged.of({ time: now_us, subject: id }, { alert: id, note })],
});
