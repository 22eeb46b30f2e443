import { defineEvent } from "../define/event.ts";
import { bool, float, int, optional, ref, text } from "../define/field.ts";

export const modelCalled = defineEvent("model.called", 1, "A model gave one answer.", {
  model: text("model that answered", { max: 256 }),
  provider: optional(text("provider after gen_ai.provider.name: anthropic, openai, …", { max: 64 })),
  message_id: optional(ref("id of the answer", { max: 128 })),
  request_id: optional(ref("id of the request", { max: 128 })),
  input_tokens: int("input tokens without cached ones", { min: 0, unit: "token" }),
  output_tokens: int("output tokens, reasoning included", { min: 0, unit: "token" }),
  cache_creation_tokens: int("input tokens written to the cache, five-minute and one-hour ones", {
    min: 0,
    unit: "token",
  }),
  cache_creation_1h_tokens: optional(int("the one-hour part of cache_creation_tokens", { min: 0, unit: "token" })),
  cache_read_tokens: int("input tokens read from the cache", { min: 0, unit: "token" }),
  reasoning_tokens: optional(int("the reasoning part of output_tokens", { min: 0, unit: "token" })),
  web_search_requests: optional(int("web searches the provider ran", { min: 0 })),
  duration_ms: optional(float("time to the whole answer", { min: 0, unit: "ms" })),
  speed: optional(text("standard or fast", { max: 32 })),
  stop_reason: optional(text("why the answer ended", { max: 64 })),
  agent: optional(text("subagent that asked, where it was not the main thread", { max: 256 })),
  success: optional(bool("false where the request failed")),
  error: optional(text("what failed", { max: 4_000, private: true })),
  reported_cost_usd: optional(float("cost the assistant itself reported", { min: 0, unit: "USD" })),
  cost_usd: optional(
    float("list price computed by weir at the time of the call; absent where the model has no known price", {
      min: 0,
      unit: "USD",
    }),
  ),
  price: optional(text("price entry and table version the cost was computed with, or why there is none", { max: 256 })),
});

export default [modelCalled] as const;
