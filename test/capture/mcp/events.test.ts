import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createEventSplitter, type ServerEvent } from "../../../src/capture/mcp/http/events.ts";

describe("server-sent events", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "é", ":", " ", "{") });
  const lines = fc.record({
    event: fc.option(fc.constantFrom("message", "endpoint"), { nil: undefined }),
    id: fc.boolean(),
    data: fc.array(text, { minLength: 1, maxLength: 4 }),
    comment: fc.boolean(),
  });
  test("are the same in whatever chunks and with whatever line ends they come", () => {
    fc.assert(
      fc.property(
        fc.array(lines, { maxLength: 8 }),
        fc.constantFrom("\n", "\r\n"),
        fc.boolean(),
        fc.array(fc.nat(600), { maxLength: 20 }),
        (list, eol, mark, places) => {
          const whole = list
            .flatMap(({ event: name, id, data, comment }) => [
              ...(comment ? [": still here"] : []),
              ...(name ? [`event: ${name}`] : []),
              ...(id ? ["id:7"] : []),
              ...data.map((line) => `data: ${line}`),
              "",
            ])
            .map((line) => line + eol)
            .join("");
          const bytes = Buffer.from((mark ? "\uFEFF" : "") + whole);
          const at = [...new Set(places.map((p) => p % (bytes.length + 1)))].sort((a, b) => a - b);
          const splitter = createEventSplitter();
          const got: ServerEvent[] = [];
          for (const [k, from] of [0, ...at].entries())
            splitter.push(bytes.subarray(from, at[k] ?? bytes.length), (one) => got.push(one));
          expect(got.map(({ event: name, data }) => [name, data.whole!.toString(), data.bytes])).toEqual(
            list.map(({ event: name, data }) => [name, data.join("\n"), Buffer.byteLength(data.join("\n"))]),
          );
          expect(splitter.resumable).toBe(list.some(({ id }) => id));
        },
      ),
    );
  });

  test("of any length are kept by their edges", () => {
    const splitter = createEventSplitter();
    const got: ServerEvent[] = [];
    const push = (chunk: string) => splitter.push(Buffer.from(chunk), (one) => got.push(one));
    push('data: {"id":1,');
    for (let k = 0; k < 10; k++) push("x".repeat(1_000_000));
    push("}\ndata: }\n\n");
    expect(got).toHaveLength(1);
    expect(got[0]!.data).toMatchObject({ bytes: 10_000_000 + 8 + 1 + 2, whole: undefined });
    expect(got[0]!.data.head.subarray(0, 8).toString()).toBe('{"id":1,');
    expect(got[0]!.data.tail.subarray(-4).toString()).toBe("x}\n}");
  });
});
