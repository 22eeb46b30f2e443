import { ref } from "../src/define/field.ts";
import { defineRollup, shareKeys } from "../src/define/projection.ts";

type Row = Readonly<Record<string, unknown>>;
const NANO = 1_000_000_000;
const keys = shareKeys();
const share = (row: Row, add: readonly number[]) => (row.session ? [{ key: keys(row.session as string), add }] : []);
// one list for all rows alike: they are made for every event
const PROMPT = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
const CALL = [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
const FAILED_CALL = [0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
const count = (yes: unknown): number => (yes ? 1 : 0);
const whole = (value: unknown): number => (value as number | null | undefined) ?? 0;

export default defineRollup({
  version: 1,
  about: "What a session amounts to.",
  key: { session: ref("session") },
  sums: {
    prompts: { about: "prompts", scale: 1 },
    tool_calls: { about: "calls of tools", scale: 1 },
    tool_errors: { about: "calls of tools that failed", scale: 1 },
    model_calls: { about: "answers of models", scale: 1 },
    input_tokens: { about: "input tokens without cached ones", scale: 1, unit: "token" },
    output_tokens: { about: "output tokens", scale: 1, unit: "token" },
    cache_creation_tokens: { about: "input tokens written to the cache", scale: 1, unit: "token" },
    cache_read_tokens: { about: "input tokens read from the cache", scale: 1, unit: "token" },
    cost_usd: { about: "list price of the answers whose model has one", scale: NANO, unit: "USD" },
    unpriced_calls: { about: "answers whose model has no known price", scale: 1 },
    files_changed: { about: "changes of files", scale: 1 },
    commits: { about: "commits", scale: 1 },
  },
  sketch: false,
  of: {
    prompts: (row) => share(row, PROMPT),
    tool_calls: (row) => share(row, row.status === "failed" ? FAILED_CALL : CALL),
    model_calls: (row) =>
      share(row, [
        0,
        0,
        0,
        1,
        whole(row.input_tokens),
        whole(row.output_tokens),
        whole(row.cache_creation_tokens),
        whole(row.cache_read_tokens),
        Math.round(whole(row.cost_usd) * NANO),
        count(row.cost_usd === undefined || row.cost_usd === null),
        0,
        0,
      ]),
    files: (row) => (row.action === "read" ? [] : share(row, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0])),
    commits: (row) => share(row, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
  },
});
