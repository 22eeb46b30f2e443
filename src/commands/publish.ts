import { WeirError } from "../base/errors.ts";
import { LIMITS } from "../base/limits.ts";
import { defineCommand } from "../define/command.ts";
import type { Draft } from "../define/event.ts";
import { id, json, optional, ref, text, time } from "../define/field.ts";
import { parseInput, suggestion } from "../define/input.ts";
import { CATALOG, definitionOf } from "../events/catalog.ts";
import { checkClock } from "../events/check.ts";

export default defineCommand({
  title: "Publish an event",
  about:
    "Records one event: its type (noun.verb_past, for example metric.measured or tool.called), its data as a JSON object with the fields of that type, and the session it belongs to. Answers when the event is in the tables. Use it for facts that no other source reports; many events at once go to POST /api/events.",
  role: "producer",
  input: {
    type: text("type of the event, for example metric.measured", { max: 128 }),
    data: optional(json("the type's own fields as a JSON object; docs/reference/events.md lists them")),
    session: optional(ref("session it belongs to", { max: LIMITS.session_chars_max })),
    time: optional(time("when it happened; now where absent")),
    source: optional(ref("where it happened, as a URI reference", { max: LIMITS.source_chars_max })),
    subject: optional(text("what it is about within the source", { max: LIMITS.subject_chars_max })),
    project: optional(text("folder of the project", { max: 1_024 })),
    assistant: optional(text("assistant that ran the session", { max: 64 })),
    id: optional(id("UUID of the event; the same id again has no second effect")),
  },
  decide: ({ type, data, ...envelope }, now_us) => {
    const definition = definitionOf(type);
    if (!definition) {
      const types = CATALOG.map((d) => d.type);
      throw new WeirError("bad_input", `no event type is called ${type}${suggestion(type, types)}`, {
        hint: `types are ${types.join(", ")}`,
      });
    }
    const given: unknown = data === undefined ? {} : JSON.parse(data);
    if (typeof given !== "object" || given === null || Array.isArray(given))
      throw new WeirError("bad_input", "data is no JSON object");
    const fields = parseInput(definition.fields as never, given, now_us, { prefix: "data." });
    const time = envelope.time ?? now_us;
    const fault = checkClock({ id: envelope.id ?? "", time }, now_us);
    if (fault) throw new WeirError("bad_input", fault.detail);
    return [{ via: "api", ...envelope, time, type, data: fields } as Draft];
  },
});
