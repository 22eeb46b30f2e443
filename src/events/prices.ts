import { covers, type Model, type Provider, type Rates, readPriceTable } from "./price-table.ts";

/** What one model answer used. Counts are tokens; `input_tokens` is without the cached ones. */
export interface Usage {
  readonly model: string;
  /** Who served it, as telemetry names it (`anthropic`, `aws.bedrock`); without it the maker of the model is taken. */
  readonly provider?: string | undefined;
  /** When it was answered, microseconds since the Unix epoch: prices have dates. */
  readonly time_us: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  /** Written to the cache for five minutes. */
  readonly cache_creation_tokens?: number | undefined;
  /** Written to the cache for one hour. */
  readonly cache_creation_1h_tokens?: number | undefined;
  readonly cache_read_tokens?: number | undefined;
  /** `fast` has a price of its own. */
  readonly speed?: string | undefined;
  readonly web_search_requests?: number | undefined;
}

/** A cost in US dollars at list price; null, with the reason, where the table does not know. A number may have a remark. */
export interface Cost {
  readonly cost_usd: number | null;
  readonly reason?: string;
  /** The entry that was used, `provider/model` and `@date` where the entry is dated. */
  readonly price_id?: string;
}

/** A price table ready for use. */
export interface Pricing {
  /** Name of the table's version; kept beside every cost. */
  readonly version: string;
  cost(usage: Usage): Cost;
}

interface Period {
  readonly id: string;
  readonly rates: Rates;
  readonly from_us: number;
  /** Only between these two times of the day, microseconds since midnight UTC. */
  readonly daily?: readonly [from: number, to: number];
}

/** What is known about one name of a model: its periods, the last that applies wins, and the entry of its fast mode. */
interface Entry {
  readonly periods: readonly Period[];
  readonly claude: boolean;
  readonly fast?: Entry;
}

const CACHED_NAMES_MAX = 2_048; // names are few; a producer that invents them must not fill the memory
const DAY_US = 86_400_000_000;

function timeOfDayUs(text: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = text.slice(0, -1).split(":").map(Number);
  return (hours * 3_600 + minutes * 60 + seconds) * 1_000_000;
}

function periodsOf(provider: Provider, model: Model): Period[] {
  const id = `${provider.id}/${model.id}`;
  if (!Array.isArray(model.prices)) return [{ id, rates: model.prices, from_us: -Infinity }];
  return model.prices.map(({ constraint, prices: rates }): Period => {
    if (!constraint) return { id, rates, from_us: -Infinity };
    if ("start_date" in constraint) {
      const { start_date } = constraint;
      return { id: `${id}@${start_date}`, rates, from_us: Date.parse(`${start_date}T00:00:00Z`) * 1_000 };
    }
    const daily = [timeOfDayUs(constraint.start_time), timeOfDayUs(constraint.end_time)] as const;
    return { id: `${id}@${constraint.start_time}`, rates, from_us: -Infinity, daily };
  });
}

function applies({ from_us, daily }: Period, time_us: number): boolean {
  if (time_us < from_us) return false;
  if (!daily) return true;
  const time = ((time_us % DAY_US) + DAY_US) % DAY_US;
  const [from, to] = daily;
  return from <= to ? time >= from && time < to : time >= from || time < to;
}

function periodAt(periods: readonly Period[], time_us: number): Period {
  for (let i = periods.length - 1; i > 0; i--) if (applies(periods[i]!, time_us)) return periods[i]!;
  return periods[0]!;
}

const modelOf = (provider: Provider, name: string): Model | undefined =>
  provider.models.find((m) => covers(m.match, name.toLowerCase(), name));

/** The providers to ask for a model, the named one first. */
function* candidates(all: readonly Provider[], model: string, name: string): Generator<Provider> {
  const id = name.toLowerCase().trim();
  const named =
    id && (all.find((p) => p.id === id) ?? all.find((p) => p.provider_match && covers(p.provider_match, id)));
  if (named) {
    yield named;
    for (const other of named.fallback_model_providers ?? []) yield* all.filter((p) => p.id === other);
  }
  const maker = all.find((p) => p.model_match && covers(p.model_match, model.toLowerCase(), model));
  if (maker) yield maker;
}

/**
 * The entry for a model: the named provider's, then its maker's. Where neither has one, the only provider that knows the
 * name (`us.anthropic.claude-…` is Bedrock's); two that know it may differ, so then there is none.
 */
function find(all: readonly Provider[], model: string, name: string): { provider: Provider; model: Model } | undefined {
  for (const provider of candidates(all, model, name)) {
    const found = modelOf(provider, model);
    if (found) return { provider, model: found };
  }
  const knowing = all.flatMap((provider) => {
    const found = modelOf(provider, model);
    return found ? [{ provider, model: found }] : [];
  });
  return knowing.length === 1 ? knowing[0] : undefined;
}

/** An entry `…-fast` whose name without that is covered by the entry found; the same provider's, or a reseller's of it. */
function findFast(all: readonly Provider[], found: { provider: Provider; model: Model }): Entry | undefined {
  const { provider, model } = found;
  for (const seller of [provider, ...all.filter((p) => p !== provider)]) {
    const prefix = seller === provider ? "" : `${provider.id}/`;
    const fast = seller.models.find(
      (m) =>
        m.id.startsWith(prefix) &&
        m.id.endsWith("-fast") &&
        covers(model.match, m.id.slice(prefix.length, -"-fast".length).toLowerCase()),
    );
    if (fast) return { periods: periodsOf(seller, fast), claude: /claude/.test(fast.id) };
  }
  return undefined;
}

function resolve(all: readonly Provider[], model: string, name: string): Entry | string {
  if (model === "") return "no model is named";
  if (model.startsWith("<")) return `${model} is not a model: no answer was billed`;
  const found = find(all, model, name);
  if (!found) return `the price table does not know ${model}${name === "" ? "" : ` of ${name}`}`;
  const fast = findFast(all, found);
  return {
    periods: periodsOf(found.provider, found.model),
    claude: /claude/.test(found.model.id),
    ...(fast ? { fast } : {}),
  };
}

function rateOf(rates: Rates, key: string, input_total: number): number | undefined {
  const rate = rates[key];
  if (rate === undefined || typeof rate === "number") return rate;
  let price = rate.base;
  let reached = -1;
  for (const tier of rate.tiers) {
    if (input_total > tier.start && tier.start > reached) [price, reached] = [tier.price, tier.start];
  }
  return price; // the whole request is billed at the tier it reaches
}

function price({ id, rates }: Period, claude: boolean, usage: Usage): Cost {
  const written = usage.cache_creation_tokens ?? 0;
  const written_1h = usage.cache_creation_1h_tokens ?? 0;
  const read = usage.cache_read_tokens ?? 0;
  const searches = usage.web_search_requests ?? 0;
  const total = usage.input_tokens + written + written_1h + read;
  if (!Number.isFinite(total + usage.output_tokens + searches))
    return { cost_usd: null, reason: "a count is not a number" };

  const input = rateOf(rates, "input_mtok", total);
  const output = rateOf(rates, "output_mtok", total);
  if (total > 0 && input === undefined) return { cost_usd: null, reason: `no input rate for ${id}`, price_id: id };
  if (usage.output_tokens > 0 && output === undefined) {
    return { cost_usd: null, reason: `no output rate for ${id}`, price_id: id };
  }
  // A kind without a rate of its own is billed as the kind it is part of, as genai-prices does it.
  const write = rateOf(rates, "cache_write_mtok", total) ?? input ?? 0;
  const hour = rateOf(rates, "cache_write_1h_mtok", total);
  const search = rateOf(rates, "web_searches_kcount", total);
  const micros =
    usage.input_tokens * (input ?? 0) +
    written * write +
    written_1h * (hour ?? (claude ? 2 * (input ?? 0) : write)) +
    read * (rateOf(rates, "cache_read_mtok", total) ?? input ?? 0) +
    usage.output_tokens * (output ?? 0);
  const thousandths = searches * (search ?? 0) + (rateOf(rates, "requests_kcount", total) ?? 0);
  const cost_usd = micros / 1_000_000 + thousandths / 1_000;

  if (searches > 0 && search === undefined)
    return { cost_usd, reason: "web searches have no rate and are left out", price_id: id };
  if (written_1h > 0 && hour === undefined) {
    const as = claude ? "twice the input rate" : "ordinary cache writes";
    return { cost_usd, reason: `no rate for one-hour cache writes: taken as ${as}`, price_id: id };
  }
  return { cost_usd, price_id: id };
}

/**
 * Prices from a table: weir's `prices.json` or a file of genai-prices v2. Throws `bad_config` where the table is not valid.
 * The table's input is all input, cached included; tiers go by that sum. One-hour cache writes without a rate cost twice
 * the input rate for Claude (Anthropic's published rule, also at resellers). `speed: "fast"` takes the `-fast` entry of the
 * model, null where there is none: standard prices would be several times too low. Names are looked up once and remembered.
 */
export function createPricing(table: unknown): Pricing {
  const { version, providers } = readPriceTable(table);
  let known = new Map<string, Map<string, Entry | string>>();
  let names = 0;

  function entryOf(model: string, provider: string): Entry | string {
    let ofProvider = known.get(provider);
    const found = ofProvider?.get(model);
    if (found !== undefined) return found;
    if (++names > CACHED_NAMES_MAX) [known, names, ofProvider] = [new Map(), 1, undefined];
    const entry = resolve(providers, model, provider);
    if (ofProvider) ofProvider.set(model, entry);
    else known.set(provider, new Map([[model, entry]]));
    return entry;
  }

  return {
    version,
    cost(usage) {
      let entry = entryOf(usage.model, usage.provider ?? "");
      if (typeof entry === "string") return { cost_usd: null, reason: entry };
      if (usage.speed === "fast") {
        if (!entry.fast) return { cost_usd: null, reason: `no price for the fast mode of ${usage.model}` };
        entry = entry.fast;
      }
      return price(periodAt(entry.periods, usage.time_us), entry.claude, usage);
    },
  };
}
