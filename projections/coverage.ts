import { ref, text } from "../src/define/field.ts";
import { defineRollup } from "../src/define/projection.ts";

const seen = (fact: string) => (row: Readonly<Record<string, unknown>>) => [
  { key: [(row.session ?? null) as string | null, fact, row.sources as string], add: [1] },
];

export default defineRollup({
  version: 1,
  about: "How many facts of a session which sources saw: what one saw and another missed.",
  key: {
    session: ref("session"),
    fact: text("kind of fact: prompt, tool_call, model_call"),
    sources: text("sources that saw it, comma-separated"),
  },
  sums: { facts: { about: "facts seen by exactly these sources", scale: 1 } },
  sketch: false,
  of: { prompts: seen("prompt"), tool_calls: seen("tool_call"), model_calls: seen("model_call") },
});
