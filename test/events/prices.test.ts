import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { WeirError } from "../../src/base/errors.ts";
import shipped from "../../src/events/prices.json" with { type: "json" };
import { createPricing, type Usage } from "../../src/events/prices.ts";

const pricing = createPricing(shipped);
const at = (iso: string): number => Date.parse(iso) * 1_000;
const usage = (model: string, more: Partial<Usage> = {}): Usage => ({
  model,
  time_us: at("2026-07-01T12:00:00Z"),
  input_tokens: 0,
  output_tokens: 0,
  ...more,
});
const cost = (model: string, more: Partial<Usage> = {}) => pricing.cost(usage(model, more));

describe("Claude", () => {
  it("sonnet 5 costs 2/10 until 2026-08-31 and 3/15 from 2026-09-01, UTC", () => {
    const used = { input_tokens: 1_000_000, output_tokens: 100_000 };
    expect(cost("claude-sonnet-5", { ...used, time_us: at("2026-08-31T23:59:59.999Z") })).toEqual({
      cost_usd: 3, // 2 + 0.1 × 10
      price_id: "anthropic/claude-sonnet-5",
    });
    expect(cost("claude-sonnet-5", { ...used, time_us: at("2026-09-01T00:00:00Z") })).toEqual({
      cost_usd: 4.5, // 3 + 0.1 × 15
      price_id: "anthropic/claude-sonnet-5@2026-09-01",
    });
  });

  it("each kind of cache has its rate", () => {
    // opus 5: input 5, 5 min write 6.25, 1 h write 10, read 0.5, output 25
    const { cost_usd } = cost("claude-opus-5", {
      input_tokens: 12,
      output_tokens: 1_500,
      cache_creation_tokens: 2_000,
      cache_creation_1h_tokens: 4_000,
      cache_read_tokens: 150_000,
    });
    expect(cost_usd).toBeCloseTo((12 * 5 + 1_500 * 25 + 2_000 * 6.25 + 4_000 * 10 + 150_000 * 0.5) / 1e6, 12);
    expect(cost_usd).toBeCloseTo(0.16506, 12);
  });

  it("a dated name, and a name with the size of its window, mean the model", () => {
    expect(cost("claude-haiku-4-5-20251001", { input_tokens: 1_000_000 }).cost_usd).toBe(1);
    expect(cost("claude-opus-4-6[1m]", { input_tokens: 100_000 }).cost_usd).toBe(0.5);
  });

  it("the long-context tier goes by all input, cached included, and bills the whole request", () => {
    const time_us = at("2026-01-10T00:00:00Z");
    // sonnet 4.5: 3 → 6, read 0.3 → 0.6, output 15 → 22.5, above 200,000
    const below = cost("claude-sonnet-4-5-20250929", {
      time_us,
      input_tokens: 1_000,
      cache_read_tokens: 199_000,
      output_tokens: 1_000,
    });
    expect(below.cost_usd).toBeCloseTo(0.003 + 0.0597 + 0.015, 12);
    const above = cost("claude-sonnet-4-5-20250929", {
      time_us,
      input_tokens: 1_001,
      cache_read_tokens: 199_000,
      output_tokens: 1_000,
    });
    expect(above.cost_usd).toBeCloseTo(0.006006 + 0.1194 + 0.0225, 12);
  });

  it("opus 4.6 lost its long-context tier on 2026-03-13", () => {
    const used = { input_tokens: 300_000, output_tokens: 1_000 };
    expect(cost("claude-opus-4-6", { ...used, time_us: at("2026-03-12T23:00:00Z") }).cost_usd).toBeCloseTo(
      3 + 0.0375,
      12,
    );
    expect(cost("claude-opus-4-6", { ...used, time_us: at("2026-03-13T00:00:00Z") }).cost_usd).toBeCloseTo(
      1.5 + 0.025,
      12,
    );
  });

  it("web searches are ten dollars a thousand, where the table says so", () => {
    expect(cost("claude-opus-5", { web_search_requests: 3 }).cost_usd).toBeCloseTo(0.03, 12);
    expect(cost("claude-3-opus-20240229", { input_tokens: 1_000_000, web_search_requests: 3 })).toEqual({
      cost_usd: 15,
      reason: "web searches have no rate and are left out",
      price_id: "anthropic/claude-3-opus-latest",
    });
  });

  it("fast mode has its own price, or none", () => {
    // openrouter lists anthropic/claude-opus-4.6-fast: 30/150; one-hour writes are twice the input
    expect(cost("claude-opus-4-6", { speed: "fast", input_tokens: 1_000_000, output_tokens: 10_000 })).toEqual({
      cost_usd: 31.5,
      price_id: "openrouter/anthropic/claude-opus-4.6-fast",
    });
    expect(cost("claude-opus-5", { speed: "fast", cache_creation_1h_tokens: 100_000 }).cost_usd).toBeCloseTo(2, 12);
    expect(cost("claude-sonnet-5", { speed: "fast", input_tokens: 5 })).toEqual({
      cost_usd: null,
      reason: "no price for the fast mode of claude-sonnet-5",
    });
    expect(cost("claude-opus-5", { speed: "standard", input_tokens: 1_000_000 }).cost_usd).toBe(5);
  });
});

describe("other makers and providers", () => {
  it("OpenAI: o3 before and after its price cut", () => {
    const used = { input_tokens: 100_000, cache_read_tokens: 100_000, output_tokens: 10_000 };
    expect(cost("o3", { ...used, time_us: at("2025-06-09T00:00:00Z") }).cost_usd).toBeCloseTo(1 + 0.05 + 0.4, 12);
    expect(cost("o3", { ...used, time_us: at("2025-06-10T00:00:00Z") }).cost_usd).toBeCloseTo(0.2 + 0.05 + 0.08, 12);
  });

  it("OpenAI: a pattern with a date, and the tier above 272,000", () => {
    // gpt-5.6-sol: input 5 → 10, output 30 → 45
    expect(cost("gpt-5.6-sol-2026-07-07", { input_tokens: 272_000, output_tokens: 1_000 }).cost_usd).toBeCloseTo(
      1.39,
      12,
    );
    expect(cost("gpt-5.6-sol-2026-07-07", { input_tokens: 272_001, output_tokens: 1_000 }).cost_usd).toBeCloseTo(
      2.72001 + 0.045,
      12,
    );
  });

  it("Google: Gemini by its own name", () => {
    // gemini-3.7-flash: 0.75/3.75 until the end of 2026, then 1.5/7.5
    const used = { input_tokens: 1_000_000, output_tokens: 1_000_000 };
    expect(cost("gemini-3.7-flash", { ...used, time_us: at("2026-12-31T23:59:59Z") }).cost_usd).toBe(4.5);
    expect(cost("gemini-3.7-flash", { ...used, time_us: at("2027-01-01T00:00:00Z") }).cost_usd).toBe(9);
  });

  it("the price of the day's hour, where a provider has one", () => {
    const table = [
      {
        id: "deep",
        model_match: { starts_with: "deep" },
        models: [
          {
            id: "deep-1",
            match: { equals: "deep-1" },
            prices: [
              { prices: { input_mtok: 1 } },
              { constraint: { start_time: "00:30:00Z", end_time: "16:30:00Z" }, prices: { input_mtok: 2 } },
            ],
          },
        ],
      },
    ];
    const hourly = createPricing(table);
    const on = (iso: string) => hourly.cost(usage("Deep-1", { time_us: at(iso), input_tokens: 1_000_000 })).cost_usd;
    expect([on("2026-01-01T00:29:59Z"), on("2026-01-01T00:30:00Z"), on("2026-01-01T16:30:00Z")]).toEqual([1, 2, 1]);
    expect(hourly.version).toMatch(/^custom-[0-9a-f]{8}$/);
  });

  it("the provider that is named comes first, then the maker", () => {
    const million = { input_tokens: 1_000_000 };
    expect(cost("claude-opus-5", { ...million, provider: "anthropic" }).price_id).toBe("anthropic/claude-opus-5");
    expect(cost("anthropic/claude-sonnet-5", { ...million, provider: "openrouter" }).price_id).toBe(
      "openrouter/anthropic/claude-sonnet-5",
    );
    expect(cost("claude-opus-4-5@20251101", { ...million, provider: "gcp.vertex_ai" }).cost_usd).toBe(5);
    expect(cost("gpt-5.4", { ...million, provider: "azure" }).cost_usd).not.toBeNull();
    expect(cost("claude-opus-5", { ...million, provider: "somebody" }).price_id).toBe("anthropic/claude-opus-5");
  });

  it("a name that only one provider knows is that provider's", () => {
    expect(cost("global.anthropic.claude-sonnet-5-v1:0", { input_tokens: 1_000_000 }).price_id).toBe(
      "aws/global.anthropic.claude-sonnet-5-v1:0",
    );
  });

  it("one-hour writes at a reseller without such a rate are twice the input for Claude, and say so", () => {
    expect(cost("global.anthropic.claude-sonnet-5-v1:0", { cache_creation_1h_tokens: 1_000_000 })).toEqual({
      cost_usd: 4,
      reason: "no rate for one-hour cache writes: taken as twice the input rate",
      price_id: "aws/global.anthropic.claude-sonnet-5-v1:0",
    });
  });
});

describe("what the table does not know is null, never zero", () => {
  it.each(["", "<synthetic>", "my-own-model", "gpt-99-unheard-of"])("%j", (model) => {
    const { cost_usd, reason } = cost(model, { input_tokens: 10, output_tokens: 10 });
    expect(cost_usd).toBeNull();
    expect(reason).toMatch(/\w/);
  });

  it("a rate that is missing, a count that is no number", () => {
    const own = createPricing([{ id: "a", models: [{ id: "m", match: { equals: "m" }, prices: { input_mtok: 1 } }] }]);
    expect(own.cost(usage("m", { output_tokens: 1 }))).toEqual({
      cost_usd: null,
      reason: "no output rate for a/m",
      price_id: "a/m",
    });
    expect(own.cost(usage("m", { input_tokens: Number.NaN })).cost_usd).toBeNull();
    expect(own.cost(usage("m", { input_tokens: 2_000_000 })).cost_usd).toBe(2);
  });
});

describe("tables", () => {
  it("the shipped one names its source", () => {
    expect(pricing.version).toBe("genai-prices 47df840a5ab1 2026-08-21");
  });

  it.each([
    [null, "the table"],
    [{ format: "weir-prices-2" }, "format"],
    [[{ id: "a", models: [{ id: "m", match: { equals: "m" }, prices: { input_mtok: -1 } }] }], "0.models.0.prices"],
    [[{ id: "a", models: [{ id: "m", match: { regex: "(" }, prices: { input_mtok: 1 } }] }], "0.models.0.match"],
    [[], "the table"],
  ])("a wrong one is refused with the place: %j", (table, place) => {
    const attempt = () => createPricing(table);
    expect(attempt).toThrow(WeirError);
    expect(attempt).toThrow(new RegExp(`price table: ${place}`));
  });

  it("many invented names do not fill the memory and do not disturb", () => {
    for (let i = 0; i < 5_000; i++) expect(cost(`invented-${i}`).cost_usd).toBeNull();
    expect(cost("claude-opus-5", { input_tokens: 1_000_000 }).cost_usd).toBe(5);
  });

  const file = join(import.meta.dirname, "../../../shared/data/prices/genai-prices.json");
  it.skipIf(!existsSync(file))(
    "the original file gives the same prices as the shipped one (needs ../shared/data/prices)",
    () => {
      const original = JSON.parse(readFileSync(file, "utf8")) as { id: string; models: { id: string }[] }[];
      const theirs = createPricing(original);
      const used = {
        input_tokens: 150_000,
        output_tokens: 500,
        cache_read_tokens: 90_000,
        cache_creation_1h_tokens: 70,
      };
      for (const provider of original) {
        for (const { id } of provider.models) {
          const what = usage(id, { ...used, provider: provider.id });
          expect(theirs.cost(what)).toEqual(pricing.cost(what));
        }
      }
    },
  );
});
