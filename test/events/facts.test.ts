import { describe, expect, test } from "vitest";
import calls from "../../projections/tool_calls.ts";
import type { Event } from "../../src/define/event.ts";
import { factOf } from "../../src/events/facts.ts";

let k = 0;
const event = (type: string, via: string, time: number, data: object, more: object = {}): Event => {
  const made = { id: `e${++k}`, source: "s", type, time, via, v: 1, data, ...more } as unknown as Event;
  return { ...made, fact: factOf(made) } as Event;
};
const orders = <T>(list: readonly T[]): T[][] =>
  list.length < 2
    ? [[...list]]
    : list.flatMap((one, at) => orders(list.toSpliced(at, 1)).map((rest) => [one, ...rest]));

describe("a call of a tool that passes the proxy", () => {
  const call_id = "toolu_01";
  const seen = [
    event(
      "tool.started",
      "hook",
      100,
      { tool: "mcp__files__read", call_id, mcp_server: "files", input: '{"path":"a"}' },
      { session: "S" },
    ),
    event(
      "tool.called",
      "hook",
      400,
      { tool: "mcp__files__read", call_id, mcp_server: "files", success: true, output: "text", duration_ms: 0.3 },
      { session: "S" },
    ),
    event("mcp.called", "proxy", 300, {
      server: "my-files",
      method: "tools/call",
      tool: "read",
      call_id,
      duration_ms: 0.1,
      success: true,
      cpu: 12,
      memory_mb: 80,
      input: '{"name":"read","arguments":{"path":"a"}}',
      output: '{"content":[]}',
    }),
  ];

  test("is one row with the assistant's words and the proxy's measures, in whatever order they come", () => {
    for (const order of orders(seen)) {
      expect(new Set(order.map((one) => calls.keyOf(one)))).toEqual(new Set([`tool:${call_id}`]));
      const row = order.reduce<unknown>((held, one) => calls.fold(held as never, one), undefined);
      expect(row).toMatchObject({
        session: "S",
        time: 100,
        tool: "mcp__files__read",
        mcp_server: "files",
        status: "done",
        success: true,
        duration_ms: 0.1,
        cpu: 12,
        memory_mb: 80,
        input: '{"path":"a"}',
        output: "text",
        sources: "hook,proxy",
      });
    }
  });

  test("keeps the assistant's words on what went wrong", () => {
    const failed = [
      event("tool.called", "transcript", 400, {
        tool: "mcp__files__read",
        call_id,
        success: false,
        error: "no such file",
      }),
      event("mcp.called", "proxy", 300, {
        server: "files",
        method: "tools/call",
        call_id,
        success: false,
        error: "tool_error",
      }),
    ];
    for (const order of orders(failed)) {
      const row = order.reduce<unknown>((held, one) => calls.fold(held as never, one), undefined);
      expect(row).toMatchObject({ status: "failed", success: false, error: "no such file" });
    }
  });

  test("is no row of its own where nothing names the assistant's call", () => {
    const alone = event("mcp.called", "proxy", 1, { server: "s", method: "tools/call", tool: "t", success: true });
    const read = event("mcp.called", "proxy", 1, { server: "s", method: "resources/read", call_id, success: true });
    const claimed = { ...read, fact: "tool:other" } as Event;
    expect([alone, read, claimed].map((one) => calls.keyOf(one))).toEqual([undefined, undefined, undefined]);
  });
});
