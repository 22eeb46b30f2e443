import { readFileSync } from "node:fs";
import { jsonlFiles } from "./transcript-truth.ts";

/*
 * What the answers in transcripts cost by the shipped price table, worked out from the table's own rules alone. It shares no code with
 * src/events/prices.ts, so that the two can check each other; it knows what Anthropic's entries need and no more.
 */

// biome-ignore lint/suspicious/noExplicitAny: the table and the records are whatever the files hold
type Any = any;

const TABLE: Any = JSON.parse(readFileSync(new URL("../../src/events/prices.json", import.meta.url), "utf8"));

function matches(rule: Any, name: string): boolean {
  if (rule.or) return rule.or.some((part: Any) => matches(part, name));
  if (rule.and) return rule.and.every((part: Any) => matches(part, name));
  if (rule.equals !== undefined) return name === rule.equals;
  if (rule.starts_with !== undefined) return name.startsWith(rule.starts_with);
  if (rule.ends_with !== undefined) return name.endsWith(rule.ends_with);
  if (rule.contains !== undefined) return name.includes(rule.contains);
  return new RegExp(rule.regex).test(name);
}

function ratesOf(model: string, time: string): Any {
  const { models } = TABLE.providers.find((p: Any) => p.id === "anthropic");
  const { prices } = models.find((m: Any) => matches(m.match, model));
  if (!Array.isArray(prices)) return prices;
  const held = prices.filter((p: Any) => !p.constraint || p.constraint.start_date <= time.slice(0, 10));
  return held.at(-1).prices;
}

/** List price of one answer in US dollars. */
export function listPrice(model: string, time: string, usage: Any): number {
  const rates = ratesOf(model, time);
  const written = usage.cache_creation_input_tokens ?? 0;
  const hour = usage.cache_creation?.ephemeral_1h_input_tokens ?? 0;
  const read = usage.cache_read_input_tokens ?? 0;
  const total = (usage.input_tokens ?? 0) + written + read;
  const rate = (name: string): number => {
    const found = rates[name];
    if (found === undefined) throw new Error(`no ${name} for ${model}`);
    if (typeof found === "number") return found;
    return found.tiers.reduce((price: number, tier: Any) => (total > tier.start ? tier.price : price), found.base);
  };
  const tokens = (count: number, name: string): number => (count === 0 ? 0 : (count * rate(name)) / 1e6);
  return (
    tokens(usage.input_tokens ?? 0, "input_mtok") +
    tokens(usage.output_tokens ?? 0, "output_mtok") +
    tokens(written - hour, "cache_write_mtok") +
    tokens(hour, "cache_write_1h_mtok") +
    tokens(read, "cache_read_mtok") +
    ((usage.server_tool_use?.web_search_requests ?? 0) * (rates.web_searches_kcount ?? 0)) / 1000
  );
}

/** Cost of each answer in the transcripts below a folder, by message and request id; of an answer's lines the one with most tokens counts. */
export function listPrices(dir: string): Map<string, number> {
  const largest = new Map<string, { sum: number; cost: number }>();
  for (const file of jsonlFiles(dir)) {
    for (const line of readFileSync(file, "utf8").split("\n")) {
      if (!line.includes('"assistant"')) continue;
      let record: Any;
      try {
        record = JSON.parse(line);
      } catch {
        continue; // three lines are no JSON
      }
      const { usage, model, id } = record.message ?? {};
      if (record.type !== "assistant" || !usage || model === "<synthetic>") continue;
      const sum =
        (usage.input_tokens ?? 0) +
        (usage.output_tokens ?? 0) +
        (usage.cache_creation_input_tokens ?? 0) +
        (usage.cache_read_input_tokens ?? 0);
      const key = id ? `${id} ${record.requestId ?? ""}` : record.uuid;
      if (sum > (largest.get(key)?.sum ?? -1))
        largest.set(key, { sum, cost: listPrice(model, record.timestamp, usage) });
    }
  }
  return new Map([...largest].map(([key, { cost }]) => [key, cost]));
}
