import { id, int, json, optional, ref, text, time } from "../src/define/field.ts";
import { attribute, defineFact, either, field, value } from "../src/define/projection.ts";
import { mergeSources } from "../src/events/merge.ts";
import { promptSubmitted } from "../src/events/session.ts";

const merge = mergeSources({
  own: ["prompt", "event_id", "sources", "parts"],
  order: ["transcript", "hook", "otlp", "sdk", "api"],
  earliest: ["time"],
  first: ["session", "project"],
  rank: () => 0,
  ranked: [],
});

export default defineFact({
  version: 2,
  about: "One row a prompt that a person gave.",
  on: [promptSubmitted],
  key: "prompt",
  row: {
    prompt: ref("key of the prompt"),
    session: optional(ref("session", { max: 128 })),
    time: time("when it was given"),
    text: optional(text("what was typed", { private: true })),
    chars: optional(int("length", { unit: "character" })),
    kind: text("text, command or shell"),
    project: optional(text("folder of the project")),
    branch: optional(text("git branch")),
    assistant: optional(text("assistant")),
    event_id: id("first event about the prompt"),
    sources: text("how weir learned of it, comma-separated"),
    parts: optional(json("what each source said, where there are several", { private: true })),
  },
  keyOf: (event) => event.fact ?? event.id,
  complete: [promptSubmitted],
  from: {
    prompt: either(attribute("fact"), attribute("id")),
    session: attribute("session"),
    time: attribute("time"),
    text: field("text"),
    chars: either(field("chars"), ({ data }) => (data as { text?: string }).text?.length),
    kind: field("kind"),
    project: attribute("project"),
    branch: attribute("branch"),
    assistant: attribute("assistant"),
    event_id: attribute("id"),
    sources: either(attribute("via"), value("api")),
    parts: value(undefined),
  },
  merge: (row, made) => merge(row, made, made.sources),
});
