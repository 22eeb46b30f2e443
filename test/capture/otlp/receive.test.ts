import { describe, expect, test } from "vitest";
import type { Signal } from "../../../src/capture/otlp/batch.ts";
import { type Received, receive } from "../../../src/capture/otlp/receive.ts";
import { SeriesMarks } from "../../../src/capture/otlp/series.ts";
import type { Event } from "../../../src/define/event.ts";
import { checkEvent } from "../../../src/events/check.ts";
import { eventOf } from "../../../src/sdk/frames.ts";
import { logsRequest, spansRequest, sumRequest } from "../../support/otlp.ts";

const NOW = 1_790_000_000_000_000;
const T = 1_789_000_000_000_000;
const take = (signal: Signal, request: unknown, series = new SeriesMarks()): Received =>
  receive(signal, "json", Buffer.from(JSON.stringify(request)), { series, now_us: NOW });
const of = (received: Received, type: string): Event[] => received.drafts.filter((d) => d.type === type) as Event[];
const valid = ({ drafts }: Received): void => {
  for (const draft of drafts)
    expect(checkEvent(eventOf(draft, { source: "x://y", via: "otlp" }, false)), JSON.stringify(draft)).toBeUndefined();
};

describe("Claude Code", () => {
  const common = { "session.id": "s1", "prompt.id": "p1", "user.email": "a@example.com" };

  test("logs become typed events, whatever the types of their values", () => {
    const received = take(
      "logs",
      logsRequest([
        { us: T, name: "user_prompt", attributes: { ...common, prompt: "<REDACTED>", prompt_length: "12" } },
        {
          us: T + 1,
          name: "api_request",
          attributes: {
            ...common,
            model: "claude-opus-4-1",
            cost_usd: "0.25",
            duration_ms: "1200",
            input_tokens: 10,
            output_tokens: "20",
            cache_read_tokens: 30,
            cache_creation_tokens: 40,
            request_id: "req_011CSHoEeqs5C35K2UUqR7Fy",
            speed: "normal",
            query_source: "main",
          },
        },
        {
          us: T + 2,
          name: "tool_result",
          attributes: {
            ...common,
            tool_name: "mcp_tool",
            tool_use_id: "toolu_1",
            success: "false",
            duration_ms: "45",
            error: "no such file",
          },
        },
        {
          us: T + 3,
          name: "tool_decision",
          attributes: {
            ...common,
            tool_name: "Bash",
            tool_use_id: "toolu_2",
            decision: "reject",
            source: "user_reject",
          },
        },
        { us: T + 4, name: "hook_registered", attributes: { ...common, hook_event: "Stop", empty: {} } },
      ]),
    );
    valid(received);
    expect(of(received, "prompt.submitted")).toMatchObject([
      {
        fact: "prompt:p1",
        session: "s1",
        assistant: "claude-code",
        data: { chars: 12, text: undefined, kind: "text" },
      },
    ]);
    expect(of(received, "model.called")).toMatchObject([
      {
        fact: "model:req_011CSHoEeqs5C35K2UUqR7Fy",
        via: "otlp",
        data: {
          input_tokens: 10,
          output_tokens: 20,
          cache_read_tokens: 30,
          cache_creation_tokens: 40,
          duration_ms: 1200,
          reported_cost_usd: 0.25,
          speed: "standard",
        },
      },
    ]);
    expect(of(received, "tool.called")).toMatchObject([
      { fact: "tool:toolu_1", data: { tool: "mcp_tool", success: false, duration_ms: 45, error: "no such file" } },
    ]);
    expect(of(received, "tool.denied")).toMatchObject([{ fact: "tool:toolu_2", data: { reason: "user_reject" } }]);
    // every record is kept as well
    expect(of(received, "log.recorded").map((e) => e.data.name)).toHaveLength(5);
  });

  test("spans join the facts of logs, and a count of sessions starts one", () => {
    const scope = "com.anthropic.claude_code.tracing";
    const spans = take(
      "traces",
      spansRequest(
        [
          {
            id: "00000000000000a1",
            name: "claude_code.llm_request",
            us: T,
            ms: 900,
            attributes: { ...common, model: "m", request_id: "req_011CSHoEeqs5C35K2UUqR7Fy", output_tokens: 5 },
          },
          {
            id: "00000000000000a2",
            name: "claude_code.tool",
            us: T,
            ms: 90,
            attributes: { ...common, tool_name: "Bash", tool_use_id: "toolu_1" },
          },
          {
            id: "00000000000000a3",
            name: "claude_code.tool.execution",
            us: T,
            ms: 80,
            attributes: { ...common, tool_use_id: "toolu_1", success: "true", duration_ms: 80 },
          },
        ],
        { scope },
      ),
    );
    valid(spans);
    expect(spans.drafts.map((d) => [d.type, d.fact])).toEqual([
      ["span.ended", undefined],
      ["model.called", "model:req_011CSHoEeqs5C35K2UUqR7Fy"],
      ["span.ended", undefined],
      ["tool.started", "tool:toolu_1"],
      ["span.ended", undefined],
      ["tool.called", "tool:toolu_1"],
    ]);
    const count = take(
      "metrics",
      sumRequest(
        "claude_code.session.count",
        [{ us: T, start: T - 1_000, value: 1, attributes: { "session.id": "s1", start_type: "fresh" } }],
        1,
        { "service.name": "claude-code" },
      ),
    );
    valid(count);
    expect(count.drafts.map((d) => d.type)).toEqual(["metric.measured", "session.started"]);
    // a person's or session's id is no label
    expect(JSON.parse(String(count.drafts[0]!.data.labels))).toEqual({
      "service.name": "claude-code",
      start_type: "fresh",
    });
  });
});

test("Codex and Gemini: their input holds the cached part", () => {
  const codex = take(
    "logs",
    logsRequest(
      [
        {
          us: T,
          name: "codex.sse_event",
          attributes: {
            "conversation.id": "c1",
            "event.kind": "response.completed",
            input_token_count: "100",
            cached_token_count: "60",
            output_token_count: 7,
            model: "gpt-5",
          },
        },
        { us: T, name: "codex.sse_event", attributes: { "conversation.id": "c1", "event.kind": "response.created" } },
      ],
      { resource: { "service.name": "codex_cli_rs" }, scope: "" },
    ),
  );
  valid(codex);
  expect(of(codex, "model.called")).toMatchObject([
    { session: "c1", assistant: "codex", data: { input_tokens: 40, cache_read_tokens: 60, output_tokens: 7 } },
  ]);
  const gemini = take(
    "logs",
    logsRequest(
      [
        {
          us: T,
          name: "gemini_cli.api_response",
          attributes: {
            "session.id": "g1",
            model: "gemini-2.5-pro",
            input_token_count: 100,
            cached_content_token_count: 25,
            output_token_count: 10,
            thoughts_token_count: 5,
          },
        },
      ],
      { resource: { "service.name": "gemini-cli" }, scope: "" },
    ),
  );
  valid(gemini);
  expect(of(gemini, "model.called")).toMatchObject([
    { session: "g1", data: { input_tokens: 75, cache_read_tokens: 25, output_tokens: 15, reasoning_tokens: 5 } },
  ]);
});

test("GenAI and MCP conventions: cached tokens are taken out of the input, an agent's sum is not counted, one request is one call", () => {
  const usage = {
    "gen_ai.usage.input_tokens": 1_000,
    "gen_ai.usage.cache_read.input_tokens": 700,
    "gen_ai.usage.cache_creation.input_tokens": 200,
    "gen_ai.usage.output_tokens": 50,
  };
  const received = take(
    "traces",
    spansRequest([
      {
        id: "00000000000000b1",
        name: "invoke_agent a",
        us: T,
        ms: 5_000,
        attributes: { "gen_ai.operation.name": "invoke_agent", "gen_ai.conversation.id": "k1", ...usage },
      },
      {
        id: "00000000000000b2",
        parent: "00000000000000b1",
        name: "chat gpt-5",
        us: T,
        ms: 900,
        kind: 3,
        attributes: {
          "gen_ai.operation.name": "chat",
          "gen_ai.conversation.id": "k1",
          "gen_ai.request.model": "gpt-5",
          "gen_ai.response.id": "resp_1",
          ...usage,
        },
      },
      {
        id: "00000000000000b3",
        name: "tools/call read",
        us: T,
        ms: 30,
        kind: 3,
        attributes: { "mcp.method.name": "tools/call", "gen_ai.tool.name": "read", "error.type": "tool_error" },
      },
      {
        id: "00000000000000b4",
        parent: "00000000000000b3",
        name: "tools/call read",
        us: T,
        ms: 20,
        kind: 2,
        attributes: { "mcp.method.name": "tools/call", "gen_ai.tool.name": "read" },
      },
    ]),
  );
  valid(received);
  expect(of(received, "span.ended")).toHaveLength(4);
  expect(of(received, "model.called")).toMatchObject([
    {
      session: "k1",
      fact: "model:resp_1:",
      data: {
        input_tokens: 100,
        cache_read_tokens: 700,
        cache_creation_tokens: 200,
        output_tokens: 50,
        duration_ms: 900,
      },
    },
  ]);
  expect(of(received, "mcp.called")).toMatchObject([
    { data: { method: "tools/call", tool: "read", success: false, error: "tool_error", duration_ms: 30 } },
  ]);
});

describe("sums", () => {
  const values = (received: Received): unknown[] => of(received, "metric.measured").map((e) => e.data.value);

  test("deltas are kept as they are", () => {
    const points = [5, 5, 3].map((value, k) => ({ us: T + k, start: T + k - 1, value }));
    expect(values(take("metrics", sumRequest("hits", points, 1)))).toEqual([5, 5, 3]);
  });

  test("cumulative totals are differenced, resets are noticed, repeats add nothing, and the state survives a restart", () => {
    const series = new SeriesMarks();
    const send = (us: number, start: number, value: number, marks = series): unknown[] =>
      values(take("metrics", sumRequest("hits", [{ us, start, value }], 2), marks));
    expect(send(T + 1, T, 10)).toEqual([10]);
    expect(send(T + 2, T, 25)).toEqual([15]);
    expect(send(T + 2, T, 25)).toEqual([]);
    expect(send(T + 3, T, 25)).toEqual([]);
    const after = new SeriesMarks();
    after.load(JSON.parse(JSON.stringify(series)));
    expect(send(T + 4, T, 26, after)).toEqual([1]);
    expect(send(T + 9, T + 8, 4, after)).toEqual([4]);
    expect(send(T + 10, T + 8, 2, after)).toEqual([2]);
  });

  test("a request that was not stored is undone, and gives the same events when it comes again", () => {
    const series = new SeriesMarks();
    take("metrics", sumRequest("hits", [{ us: T + 1, start: T, value: 10 }], 2), series);
    const request = sumRequest("hits", [{ us: T + 2, start: T, value: 12 }], 2);
    const first = take("metrics", request, series);
    first.undo();
    expect(take("metrics", request, series).drafts).toEqual(first.drafts);
  });

  test("a series that was forgotten is not counted twice", () => {
    const series = new SeriesMarks();
    take("metrics", sumRequest("first", [{ us: T + 1, start: T, value: 10 }], 2), series);
    const others = Array.from({ length: 10_000 }, (_, k) => ({
      us: T + 2,
      start: T,
      value: 1,
      attributes: { k },
    }));
    take("metrics", sumRequest("others", others, 2), series);
    expect(values(take("metrics", sumRequest("first", [{ us: T + 3, start: T, value: 11 }], 2), series))).toEqual([]);
    expect(values(take("metrics", sumRequest("first", [{ us: T + 4, start: T, value: 13 }], 2), series))).toEqual([2]);
  });
});

test("a request that is no JSON is refused in words that hold nothing of it", () => {
  const text = '{"password": "hunter2-and-more", oops}';
  const { drafts, message, malformed } = receive("logs", "json", Buffer.from(text), {
    series: new SeriesMarks(),
    now_us: NOW,
  });
  expect({ malformed, message }).toEqual({ malformed: true, message: "the logs request is no JSON" });
  expect(drafts[0]!.data.detail).toBe(message);
});

test("what is no span is refused with its reason, and its neighbours pass", () => {
  const request = spansRequest([
    { id: "00000000000000c1", name: "good", us: T, ms: 1, attributes: {} },
    { id: "0000000000000000", name: "bad", us: T, ms: 1, attributes: {} },
  ]);
  const received = take("traces", request);
  valid(received);
  expect(received).toMatchObject({ rejected: 1, malformed: false, message: expect.stringContaining("span id") });
  expect(received.drafts.map((d) => d.type)).toEqual(["span.ended", "input.rejected"]);
});

test("the same request gives the same events, and equal records of one request are several", () => {
  const request = logsRequest([
    { us: T, body: "tick", attributes: {} },
    { us: T, body: "tick", attributes: {} },
  ]);
  const [a, b] = [take("logs", request), take("logs", request)];
  expect(a.drafts).toEqual(b.drafts);
  expect(new Set(a.drafts.map((d) => d.id)).size).toBe(2);
});
