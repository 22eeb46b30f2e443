import { z } from "zod";
import { WeirError } from "../base/errors.ts";

/** Which names an entry covers. Letter case is ignored, except by `regex`. */
export type Match =
  | { or: Match[] }
  | { and: Match[] }
  | { equals: string }
  | { starts_with: string }
  | { ends_with: string }
  | { contains: string }
  | { regex: string };

const price = z.number().min(0);
const tiered = z.object({
  base: price,
  tiers: z.array(z.object({ start: z.number().int().min(0), price })),
});
/** US dollars per million tokens, or per thousand for `_kcount`; tiers go by all input tokens of the request. */
const rates = z.record(z.string(), z.union([price, tiered]));
const text = z.string().max(512);
const match: z.ZodType<Match> = z.lazy(() =>
  z.union([
    z.object({ equals: text }),
    z.object({ starts_with: text }),
    z.object({ or: z.array(match) }),
    z.object({ contains: text }),
    z.object({ and: z.array(match) }),
    z.object({ ends_with: text }),
    z.object({
      regex: text.refine((source) => {
        try {
          return Boolean(new RegExp(source));
        } catch {
          return false;
        }
      }, "is not a regular expression"),
    }),
  ]),
);
const timeOfDay = z.string().regex(/^\d{2}:\d{2}:\d{2}(?:\.\d+)?Z$/, "is not a UTC time of day such as 16:30:00Z");
const constraint = z.union([
  z.object({ start_date: z.iso.date() }),
  z.object({ start_time: timeOfDay, end_time: timeOfDay }),
]);
const model = z.object({
  id: text,
  match,
  prices: z.union([z.array(z.object({ constraint: constraint.optional(), prices: rates })).min(1), rates]),
});
const provider = z.object({
  id: text,
  model_match: match.optional(),
  provider_match: match.optional(),
  fallback_model_providers: z.array(text).optional(),
  models: z.array(model),
});
const compact = z.object({
  format: z.literal("weir-prices-1"),
  source: text,
  commit: text,
  date: text,
  providers: z.array(provider),
});
const original = z.array(provider).min(1);

export type Rates = z.infer<typeof rates>;
export type Model = z.infer<typeof model>;
export type Provider = z.infer<typeof provider>;

/** A checked price table and the name of its version. */
export interface PriceTable {
  readonly version: string;
  readonly providers: readonly Provider[];
}

/** A short name for a table without one: the same content, the same name (FNV-1a over its JSON). */
function nameOf(table: unknown): string {
  let hash = 0x811c9dc5;
  const json = JSON.stringify(table);
  for (let i = 0; i < json.length; i++) hash = Math.imul(hash ^ json.charCodeAt(i), 0x01000193);
  return `custom-${(hash >>> 0).toString(16).padStart(8, "0")}`;
}

/**
 * Checks a price table: our compact form, or the list of providers of genai-prices v2 as it is published. Throws
 * `bad_config` naming the first place that is wrong.
 */
export function readPriceTable(table: unknown): PriceTable {
  const isList = Array.isArray(table);
  const checked = isList ? original.safeParse(table) : compact.safeParse(table);
  if (!checked.success) {
    const issue = checked.error.issues[0];
    const place = issue?.path.length ? issue.path.join(".") : "the table";
    throw new WeirError("bad_config", `price table: ${place}: ${issue?.message ?? "is not valid"}`, {
      hint: "give a file in the format of genai-prices v2 (prices/new_data/v2/data.json), or remove WEIR_PRICES_FILE",
    });
  }
  if (Array.isArray(checked.data)) return { version: nameOf(table), providers: checked.data };
  const { source, commit, date, providers } = checked.data;
  const name = /genai-prices/.test(source) ? "genai-prices" : "custom";
  return { version: `${name} ${commit.slice(0, 12)} ${date}`, providers };
}

/** Whether `name`, in small letters, is covered. Patterns see the name as it was written. */
export function covers(rule: Match, name: string, written = name): boolean {
  if ("or" in rule) return rule.or.some((r) => covers(r, name, written));
  if ("and" in rule) return rule.and.every((r) => covers(r, name, written));
  if ("equals" in rule) return name === rule.equals.toLowerCase();
  if ("starts_with" in rule) return name.startsWith(rule.starts_with.toLowerCase());
  if ("ends_with" in rule) return name.endsWith(rule.ends_with.toLowerCase());
  if ("contains" in rule) return name.includes(rule.contains.toLowerCase());
  return new RegExp(rule.regex).test(written);
}
