import { defineEvent } from "../define/event.ts";
import { int, json, optional, ref, text } from "../define/field.ts";

export const hookReceived = defineEvent(
  "hook.received",
  1,
  "A hook of an assistant told something no other event has a place for: a new kind, new fields, or no JSON at all.",
  {
    kind: optional(text("name of the hook event (hook_event_name)", { max: 128 })),
    payload: optional(json("the payload, or those of its fields that no other event holds", { private: true })),
    raw: optional(text("the beginning of what was no JSON object", { private: true })),
    bytes: optional(int("size of the whole payload", { min: 0, unit: "byte" })),
    prompt_id: optional(ref("the assistant's id of the prompt", { max: 128 })),
    agent: optional(text("subagent it came from", { max: 256 })),
  },
);

export default [hookReceived] as const;
