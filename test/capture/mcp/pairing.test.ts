import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { calledOf } from "../../../src/capture/mcp/called.ts";
import { createConnection } from "../../../src/capture/mcp/connection.ts";
import { createLineSplitter, type MessageLine } from "../../../src/capture/mcp/lines.ts";
import { messagesOf } from "../../../src/capture/mcp/message.ts";
import { createPairing, type Side } from "../../../src/capture/mcp/pairing.ts";
import type { Draft } from "../../../src/define/event.ts";
import { definitionOf } from "../../../src/events/catalog.ts";

const RECORDED = new URL("../../../../shared/data/mcp/agent-vcr", import.meta.url).pathname;
const ORIGIN = { server: "s", payloads: "redacted", project: "/home/ada/app" } as const;

/** What a connection makes of messages, told as [side, message or text]. */
function recorded(told: readonly (readonly [Side, unknown])[], payloads: "off" | "redacted" | "full" = "redacted") {
  const drafts: Draft[] = [];
  const connection = createConnection({ ...ORIGIN, payloads }, (draft) => void drafts.push(draft));
  told.forEach(([side, message], k) => {
    const text = typeof message === "string" ? message : JSON.stringify(message);
    connection.take(side, Buffer.from(`${text}\n`), 1_000_000 + k * 1_000);
  });
  for (const draft of drafts) {
    const { list } = definitionOf(draft.type)!;
    expect(Object.keys(draft.data).filter((name) => !list.some(([known]) => known === name))).toEqual([]);
  }
  return { connection, data: () => drafts.map((d) => d.data as Record<string, unknown>), drafts };
}
const request = (id: unknown, method: string, params: unknown = {}) => ({ jsonrpc: "2.0", id, method, params });
const result = (id: unknown, value: unknown = {}) => ({ jsonrpc: "2.0", id, result: value });

/** Cuts bytes at the places given. */
const cutAt = (bytes: Uint8Array, places: readonly number[]): Uint8Array[] => {
  const at = [...new Set(places.map((p) => p % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((from, k) => bytes.subarray(from, at[k] ?? bytes.length));
};

describe("lines", () => {
  test("are the same in whatever chunks they come", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constant(10), fc.integer({ min: 0, max: 255 })), { maxLength: 400 }),
        fc.array(fc.nat(400), { maxLength: 30 }),
        (list, places) => {
          const bytes = Uint8Array.from(list);
          const lines: MessageLine[] = [];
          const splitter = createLineSplitter(50, 8);
          for (const chunk of cutAt(bytes, places)) splitter.push(chunk, (line) => lines.push(line));
          const expected = Buffer.from(bytes).toString("latin1").split("\n").slice(0, -1);
          expect(lines.map((l) => l.bytes)).toEqual(expected.map((l) => l.length));
          for (const [k, text] of expected.entries()) {
            const { whole, head, tail } = lines[k]!;
            if (text.length <= 50) expect(whole!.toString("latin1")).toBe(text);
            else
              expect([whole, head.toString("latin1"), tail.toString("latin1")]).toEqual([
                undefined,
                text.slice(0, 8),
                text.slice(-8),
              ]);
          }
        },
      ),
    );
  });

  test("nothing is taken for a message behind a gap until a line begins", () => {
    const lines: string[] = [];
    const splitter = createLineSplitter();
    const push = (text: string) => splitter.push(Buffer.from(text), (line) => lines.push(line.whole!.toString()));
    push("one\nhalf of");
    splitter.gap();
    push("another\ntwo\n");
    expect(lines).toEqual(["one", "two"]);
  });

  test("any bytes at all are read without an error", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((t) => Buffer.from(t)),
        ),
        (bytes) => {
          const whole = {
            bytes: bytes.length,
            whole: Buffer.from(bytes),
            head: Buffer.alloc(0),
            tail: Buffer.alloc(0),
          };
          messagesOf(whole);
          messagesOf({ ...whole, whole: undefined, head: Buffer.from(bytes), tail: Buffer.from(bytes) });
        },
      ),
    );
  });

  test.each([
    ["id first", (x: string) => `{"jsonrpc":"2.0","id":"a","result":{"content":[{"text":"${x}"}]}}`],
    ["id last", (x: string) => `{"result":{"content":[{"text":"${x}\\"id\\":7}"}]},"jsonrpc":"2.0","id":"a"}`],
  ])("an answer too long to be read whole is known by its edges: %s", (_, make) => {
    const text = make("x".repeat(5_000_000));
    const { data } = recorded([
      ["client", request("a", "tools/call", { name: "big" })],
      ["server", text],
    ]);
    expect(data()).toMatchObject([{ tool: "big", success: true, response_bytes: text.length }]);
    expect((data()[0]!.output as string).slice(0, 8)).toBe(text.slice(0, 8));
    expect((data()[0]!.output as string).slice(-40)).toContain(`[the beginning of ${text.length} bytes]`);
  });

  test("a request too long to be read whole is known by its edges", () => {
    const text = `{"method":"tools/call","params":{"name":"put","arguments":{"x":"${"y".repeat(5_000_000)}"}},"jsonrpc":"2.0","id":3}`;
    const { data } = recorded([
      ["client", text],
      ["server", result(3)],
    ]);
    expect(data()).toMatchObject([{ method: "tools/call", tool: "put", request_bytes: text.length, success: true }]);
    expect((JSON.parse(data()[0]!.input as string) as string).slice(-40)).toContain("the beginning of");
  });
});

describe("requests and answers", () => {
  test("what became of a request is told apart, in OpenTelemetry's words", () => {
    const { connection, data } = recorded([
      ["client", request(1, "tools/call", { name: "ok" })],
      ["client", request("1", "tools/call", { name: "refused" })],
      ["client", request(2, "tools/call", { name: "failing" })],
      ["client", request(3, "tools/call", { name: "stopped" })],
      ["client", request(4, "tools/call", { name: "killed" })],
      ["server", { jsonrpc: "2.0", id: "1", error: { code: -32602, message: "Unknown tool" } }],
      ["server", result(2, { content: [{ type: "text", text: "no such file" }], isError: true })],
      ["server", result(1, { content: [] })],
      ["client", { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 3, reason: "enough" } }],
      ["server", result(3)],
    ]);
    const estate = connection.died({ at: 2_000_000, signal: "SIGKILL", uptime_ms: 5, stderr: "", restart_in_ms: 100 });
    expect(estate.unanswered).toBe(1);
    expect(JSON.parse(Buffer.from(estate.answers).toString())).toMatchObject({ id: 4, error: { code: -32000 } });
    connection.take(
      "client",
      Buffer.from(`${JSON.stringify(request(5, "tools/call", { name: "late" }))}\n`),
      3_000_000,
    );
    connection.end(4_000_000);
    expect(data().map((d) => [d.tool ?? d.exit_code ?? d.signal, d.success, d.error_type])).toEqual([
      ["refused", false, "-32602"],
      ["failing", false, "tool_error"],
      ["ok", true, undefined],
      ["stopped", false, "cancelled"],
      ["killed", false, "server_died"],
      ["SIGKILL", undefined, undefined],
      ["late", false, "unanswered"],
    ]);
    expect(data()[0]).toMatchObject({ error: "-32602: Unknown tool", request_id: 'client:"1"', duration_ms: 4 });
  });

  test("null is no error where a result stands beside it", () => {
    const answer = (more: object) =>
      recorded([
        ["client", request(1, "tools/call", { name: "t" })],
        ["server", { jsonrpc: "2.0", id: 1, ...more }],
      ]).data()[0]!;
    expect(answer({ result: { content: [] }, error: null })).toMatchObject({ success: true, output: '{"content":[]}' });
    expect(answer({ error: null })).toMatchObject({ success: false, error_type: "_OTHER" });
  });

  test("what a tool said of its failure is kept as its output is", () => {
    const error = (content: unknown, payloads?: "off" | "redacted" | "full") =>
      recorded(
        [
          ["client", request(1, "tools/call", { name: "failing" })],
          ["server", result(1, { content, isError: true })],
        ],
        payloads,
      ).data()[0]!.error;
    const said = [
      { type: "image", data: "" },
      { type: "text", text: "no such file, password=hunter2xyz" },
    ];
    expect(error(said)).toMatch(/^tool_error: no such file, password=\[redacted:/);
    expect(error(said, "full")).toBe("tool_error: no such file, password=hunter2xyz");
    expect(error(said, "off")).toBe("tool_error");
    for (const nothing of [undefined, null, 1, "text", [], [null, { text: 1 }]])
      expect(error(nothing)).toBe("tool_error");
    const long = String(error([{ text: "x".repeat(10_000) }]));
    expect(long.length).toBeLessThanOrEqual(4_000);
    expect(long).toMatch(/characters cut\]$/);
  });

  test("ids of the two directions are different, and batches are taken apart", () => {
    const { data } = recorded([
      ["client", [request(1, "tools/list"), request(2, "resources/read", { uri: "file:///a" })]],
      ["server", request(1, "sampling/createMessage")],
      ["server", [result(2), result(1)]],
      ["client", result(1)],
    ]);
    expect(data().map((d) => [d.request_id, d.method, d.tool])).toEqual([
      ["client:2", "resources/read", "file:///a"],
      ["client:1", "tools/list", undefined],
      ["server:1", "sampling/createMessage", undefined],
    ]);
  });

  test("both eras tell revision and client; a request tells its trace and the assistant's call", () => {
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const older = recorded([
      ["client", request(0, "initialize", { protocolVersion: "2025-11-25", clientInfo: { name: "cc", version: "2" } })],
      ["server", result(0, { protocolVersion: "2025-06-18" })],
      ["client", request(1, "tools/call", { name: "t", _meta: { traceparent, "claudecode/toolUseId": "toolu_1" } })],
      ["server", result(1)],
    ]);
    expect(older.data()[1]).toMatchObject({ protocol: "2025-06-18", client: "cc 2", call_id: "toolu_1" });
    expect(older.drafts[1]).toMatchObject({ traceparent, subject: "tools/call", time: 1_003_000 });
    const _meta = {
      "io.modelcontextprotocol/protocolVersion": "2026-07-28",
      "io.modelcontextprotocol/clientInfo": { name: "new", version: "3" },
    };
    const newer = recorded([
      ["client", request(1, "tools/call", { name: "t", _meta })],
      ["server", result(1, { resultType: "complete" })],
    ]);
    expect(newer.data()).toMatchObject([{ protocol: "2026-07-28", client: "new 3", success: true }]);
  });

  test("payloads are kept as they were asked to be", () => {
    const secret = "password=hunter2hunter2";
    const told = [
      ["client", request(1, "tools/call", { name: "t", arguments: { text: secret } })],
      ["server", { jsonrpc: "2.0", id: 1, error: { code: 1, message: secret } }],
    ] as const;
    expect(JSON.stringify(recorded(told, "full").data())).toContain("hunter2");
    const redacted = JSON.stringify(recorded(told).data());
    expect(redacted).toContain("[redacted:");
    expect(redacted).not.toContain("hunter2");
    const off = recorded(told, "off").data()[0]!;
    expect(off).toMatchObject({ tool: "t", error: "1", error_type: "1" });
    expect([off.input, off.output]).toEqual([undefined, undefined]);
  });

  test("a request that never ends does not fill memory", () => {
    const pairing = createPairing(2);
    for (let id = 1; id <= 5; id++) pairing.take("client", { id, method: "m", bytes: 1 }, id);
    expect(pairing.forgotten()).toBe(3);
    expect(pairing.pending("client").map((call) => call.id)).toEqual([4, 5]);
    expect(calledOf(pairing.take("server", { id: 5, result: {}, bytes: 1 }, 9)[0]!, ORIGIN).data).toMatchObject({
      request_id: "client:5",
    });
  });

  test.skipIf(!existsSync(RECORDED))("recorded sessions of another tool pair completely", () => {
    for (const file of ["calculator-v1.vcr", "calculator-errors.vcr"]) {
      const { session } = JSON.parse(readFileSync(join(RECORDED, file), "utf8")) as {
        session: { interactions: { request: unknown; response: { error?: unknown } }[] };
      };
      const { data } = recorded(
        session.interactions.flatMap(({ request: asked, response }): (readonly [Side, unknown])[] => [
          ["client", asked],
          ["server", response],
        ]),
      );
      expect(data().map((d) => d.success)).toEqual(session.interactions.map((i) => !i.response.error));
      expect(data().length).toBeGreaterThan(2);
    }
  });
});
