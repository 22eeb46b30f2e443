import type { ShapeOf } from "../../define/field.ts";
import { answerFact } from "../../events/facts.ts";
import type { modelCalled } from "../../events/model.ts";
import { short } from "../bound.ts";
import { countOf, isLoose, type Loose, looseOf, textOf } from "../loose.ts";

/** The token figures of one line of an answer, under the names of `model.called`. */
export type Usage = Pick<
  ShapeOf<typeof modelCalled.fields>,
  | "input_tokens"
  | "output_tokens"
  | "cache_creation_tokens"
  | "cache_creation_1h_tokens"
  | "cache_read_tokens"
  | "web_search_requests"
  | "speed"
>;

/** The usage of a message; undefined where the record carries none. */
export function usageOf(value: unknown): Usage | undefined {
  if (!isLoose(value)) return undefined;
  const nested = looseOf(value.cache_creation);
  const hour = countOf(nested.ephemeral_1h_input_tokens);
  const parts = hour + countOf(nested.ephemeral_5m_input_tokens);
  const searches = countOf(looseOf(value.server_tool_use).web_search_requests);
  return {
    input_tokens: countOf(value.input_tokens),
    output_tokens: countOf(value.output_tokens),
    // versions before 2.1.152 can say 0 although the parts are not
    cache_creation_tokens: Math.max(countOf(value.cache_creation_input_tokens), parts),
    cache_creation_1h_tokens: isLoose(value.cache_creation) ? hour : undefined,
    cache_read_tokens: countOf(value.cache_read_input_tokens),
    web_search_requests: searches > 0 ? searches : undefined,
    speed: short(value.speed, 32),
  };
}

/** All tokens of an answer. Of the lines of one answer the one with the largest total is right. */
export const totalOf = (usage: Usage): number =>
  usage.input_tokens + usage.output_tokens + usage.cache_creation_tokens + usage.cache_read_tokens;

/** The key of an answer, as all sources that tell of it make it; a line without message id stands for itself. */
export function answerKey(record: Loose, message: Loose, own: string): string {
  const fact = answerFact(textOf(message.id), textOf(record.requestId));
  return fact === undefined ? own : fact.slice("model:".length);
}
