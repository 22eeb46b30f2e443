import { id, int, json, optional, ref, text, time } from "../src/define/field.ts";
import { defineFold } from "../src/define/projection.ts";
import { mergeSources } from "../src/events/merge.ts";
import { promptSubmitted } from "../src/events/session.ts";

const merge = mergeSources({
  own: ["prompt", "event_id", "sources", "parts"],
  order: ["transcript", "hook", "otlp", "sdk", "api"],
  earliest: ["time"],
  rank: () => 0,
  ranked: [],
});

export default defineFold({
  version: 1,
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
  fold: (row, event) => {
    const data = event.data as { text?: string; chars?: number; kind: string };
    // one literal: building rows by spreading costs more than all else here
    const made = {
      prompt: event.fact ?? event.id,
      session: event.session,
      time: event.time,
      text: data.text,
      chars: data.chars ?? data.text?.length,
      kind: data.kind,
      project: event.project,
      branch: event.branch,
      assistant: event.assistant,
      event_id: event.id,
      sources: event.via ?? "api",
      parts: undefined,
    };
    return row ? merge(row, made, made.sources) : made;
  },
});
