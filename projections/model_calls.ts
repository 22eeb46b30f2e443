import { bool, float, id, int, json, optional, ref, text, time } from "../src/define/field.ts";
import { defineFold } from "../src/define/projection.ts";
import { mergeSources } from "../src/events/merge.ts";
import { modelCalled } from "../src/events/model.ts";

const total = (said: Readonly<Record<string, unknown>>): number =>
  Number(said.input_tokens ?? 0) +
  Number(said.output_tokens ?? 0) +
  Number(said.cache_creation_tokens ?? 0) +
  Number(said.cache_read_tokens ?? 0);

/** Transcripts write an answer's usage several times while it grows: the largest total is the answer's. */
const merge = mergeSources({
  own: ["call", "event_id", "sources", "parts"],
  order: ["transcript", "otlp", "proxy", "sdk", "api", "hook"],
  earliest: ["time"],
  rank: total,
  ranked: [
    "input_tokens",
    "output_tokens",
    "cache_creation_tokens",
    "cache_creation_1h_tokens",
    "cache_read_tokens",
    "cost_usd",
    "price",
  ],
});

export default defineFold({
  version: 1,
  about: "One row a model's answer, however many lines or sources reported it.",
  on: [modelCalled],
  key: "call",
  row: {
    call: ref("key of the answer: message and request id, else the event's id"),
    session: optional(ref("session", { max: 128 })),
    time: time("when it was given"),
    model: text("model", { max: 256 }),
    provider: optional(text("provider")),
    input_tokens: int("input tokens without cached ones", { unit: "token" }),
    output_tokens: int("output tokens", { unit: "token" }),
    cache_creation_tokens: int("input tokens written to the cache", { unit: "token" }),
    cache_read_tokens: int("input tokens read from the cache", { unit: "token" }),
    cost_usd: optional(float("list price; empty where no price is known", { unit: "USD" })),
    cache_creation_1h_tokens: optional(int("one-hour part of cache_creation_tokens", { unit: "token" })),
    reasoning_tokens: optional(int("reasoning part of output_tokens", { unit: "token" })),
    duration_ms: optional(float("time to the whole answer", { unit: "ms" })),
    speed: optional(text("standard or fast")),
    stop_reason: optional(text("why it ended")),
    success: bool("false where the request failed"),
    error: optional(text("what failed", { private: true })),
    reported_cost_usd: optional(float("cost the assistant itself reported", { unit: "USD" })),
    price: optional(text("price entry and table version, or why there is no cost")),
    message_id: optional(ref("id of the answer")),
    request_id: optional(ref("id of the request")),
    project: optional(text("folder of the project")),
    branch: optional(text("git branch")),
    assistant: optional(text("assistant")),
    agent: optional(text("subagent that asked")),
    event_id: id("first event about the answer"),
    sources: text("how weir learned of it, comma-separated"),
    parts: optional(json("what each source said, where there are several")),
  },
  keyOf: (event) => event.fact ?? event.id,
  fold: (row, event) => {
    const data = event.data as Readonly<Record<string, unknown>>;
    // one literal: building rows by spreading costs more than all else here
    const made = {
      call: event.fact ?? event.id,
      session: event.session,
      time: event.time,
      model: data.model as string,
      provider: data.provider as string | undefined,
      input_tokens: data.input_tokens as number,
      output_tokens: data.output_tokens as number,
      cache_creation_tokens: data.cache_creation_tokens as number,
      cache_read_tokens: data.cache_read_tokens as number,
      cost_usd: data.cost_usd as number | undefined,
      cache_creation_1h_tokens: data.cache_creation_1h_tokens as number | undefined,
      reasoning_tokens: data.reasoning_tokens as number | undefined,
      duration_ms: data.duration_ms as number | undefined,
      speed: data.speed as string | undefined,
      stop_reason: data.stop_reason as string | undefined,
      success: (data.success as boolean | undefined) ?? true,
      error: data.error as string | undefined,
      reported_cost_usd: data.reported_cost_usd as number | undefined,
      price: data.price as string | undefined,
      message_id: data.message_id as string | undefined,
      request_id: data.request_id as string | undefined,
      project: event.project,
      branch: event.branch,
      assistant: event.assistant,
      agent: data.agent as string | undefined,
      event_id: event.id,
      sources: event.via ?? "api",
      parts: undefined,
    };
    return row ? merge(row, made, made.sources) : made;
  },
});
