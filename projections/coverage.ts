import { ref, text } from "../src/define/field.ts";
import { defineRollup, shareKeys } from "../src/define/projection.ts";

const keys = shareKeys();
const ONE = [1];
const seen = (fact: string) => (row: Readonly<Record<string, unknown>>) => [
  { key: keys(row.session as string | undefined, fact, row.sources as string), add: ONE },
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
