#!/usr/bin/env node
/**
 * Makes src/events/prices.json, the price table that weir ships, from prices/new_data/v2/data.json of
 * github.com/pydantic/genai-prices (MIT). Rates, dates, tiers and match rules are kept as they are; names, descriptions,
 * comments and usage extractors are left out, which makes 380 kB to about 220 kB.
 *
 *   node scripts/make-prices.mjs ../shared/data/prices/genai-prices.json --commit 47df840a5ab1… --date 2026-08-21
 */
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { commit: { type: "string" }, date: { type: "string" }, out: { type: "string" } },
});
const [from] = positionals;
if (!from || !values.commit || !values.date) {
  process.stderr.write("usage: make-prices.mjs <data.json> --commit <sha> --date <YYYY-MM-DD> [--out <file>]\n");
  process.exit(2);
}

const models = (list) => list.map(({ id, match, prices }) => ({ id, match, prices }));
const providers = JSON.parse(readFileSync(from, "utf8")).map((p) => ({
  id: p.id,
  model_match: p.model_match,
  provider_match: p.provider_match,
  fallback_model_providers: p.fallback_model_providers,
  models: models(p.models),
}));

const head = {
  format: "weir-prices-1",
  source: "github.com/pydantic/genai-prices prices/new_data/v2/data.json",
  commit: values.commit,
  date: values.date,
  licence: "MIT, see prices.LICENSE",
};
/** One line a model: a new version of the table is a readable difference. */
const lines = providers.map(({ models: list, ...rest }) => {
  const start = JSON.stringify(rest).slice(0, -1);
  return `${start},"models":[\n${list.map((m) => JSON.stringify(m)).join(",\n")}\n]}`;
});
const text = `${JSON.stringify(head, null, 2).slice(0, -2)},\n  "providers": [\n${lines.join(",\n")}\n]}\n`;
writeFileSync(values.out ?? new URL("../src/events/prices.json", import.meta.url), text);
