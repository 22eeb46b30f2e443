import { bool, float, id, int, json, optional, ref, text, time } from "../src/define/field.ts";
import { attribute, defineFact, either, field, value } from "../src/define/projection.ts";
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
  first: ["session", "project", "agent"],
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

export default defineFact({
  version: 2,
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
  complete: [modelCalled],
  from: {
    call: either(attribute("fact"), attribute("id")),
    session: attribute("session"),
    time: attribute("time"),
    model: field("model"),
    provider: field("provider"),
    input_tokens: field("input_tokens"),
    output_tokens: field("output_tokens"),
    cache_creation_tokens: field("cache_creation_tokens"),
    cache_read_tokens: field("cache_read_tokens"),
    cost_usd: field("cost_usd"),
    cache_creation_1h_tokens: field("cache_creation_1h_tokens"),
    reasoning_tokens: field("reasoning_tokens"),
    duration_ms: field("duration_ms"),
    speed: field("speed"),
    stop_reason: field("stop_reason"),
    success: either(field("success"), value(true)),
    error: field("error"),
    reported_cost_usd: field("reported_cost_usd"),
    price: field("price"),
    message_id: field("message_id"),
    request_id: field("request_id"),
    project: attribute("project"),
    branch: attribute("branch"),
    assistant: attribute("assistant"),
    agent: field("agent"),
    event_id: attribute("id"),
    sources: either(attribute("via"), value("api")),
    parts: value(undefined),
  },
  merge: (row, made) => merge(row, made, made.sources),
});
