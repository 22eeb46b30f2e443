import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Line, type LinesOptions, type ReadAt, readLines } from "../../src/capture/lines.ts";

/** Bytes read in pieces of the sizes given, as a slow disk or a small buffer would. */
function readerOf(bytes: Uint8Array, sizes: readonly number[] = [1_000]): ReadAt {
  let turn = 0;
  return async (into, position) => {
    const part = bytes.subarray(position, position + Math.min(into.length, sizes[turn++ % sizes.length]!));
    into.set(part);
    return part.length;
  };
}

async function linesOf(
  text: string | Uint8Array,
  options: LinesOptions = {},
  sizes?: readonly number[],
): Promise<Line[]> {
  const bytes = typeof text === "string" ? Buffer.from(text) : text;
  const lines: Line[] = [];
  for await (const line of readLines(readerOf(bytes, sizes), options)) lines.push(line);
  return lines;
}

describe("lines", () => {
  test("carry number, offsets and text; carriage returns and a byte order mark are no text", async () => {
    expect(await linesOf("\uFEFFa\r\n\nbé\n")).toEqual([
      { line: 1, offset: 0, end: 6, text: "a", open: false },
      { line: 2, offset: 6, end: 7, text: "", open: false },
      { line: 3, offset: 7, end: 11, text: "bé", open: false },
    ]);
  });

  test("a last line without newline counts only where it is a whole record", async () => {
    expect((await linesOf('{"a":1}\n{"b":2}')).map(({ text, open, end }) => ({ text, open, end }))).toEqual([
      { text: '{"a":1}', open: false, end: 8 },
      { text: '{"b":2}', open: true, end: 15 },
    ]);
    for (const part of ['{"b":', "42", '"text"', '{"b":2}x', "[1]"])
      expect(await linesOf(`{}\n${part}`)).toHaveLength(1);
  });

  test("the newline that comes after an open line is no line", async () => {
    const options = { offset: 7, line: 1, open: true };
    expect(await linesOf('{"a":1}\n{"b":2}\n', options)).toEqual([
      { line: 2, offset: 8, end: 16, text: '{"b":2}', open: false },
    ]);
    expect(await linesOf('{"a":1}', options)).toEqual([]);
    expect((await linesOf('{"a":1}garbage\n', options)).map(({ text }) => text)).toEqual(["garbage"]);
  });

  test("a line over the limit is skipped and reported, the next one is read", async () => {
    const text = `{"a":"${"x".repeat(500)}"}\n{"b":2}\n`;
    const lines = await linesOf(text, { line_bytes_max: 100, chunk_bytes: 64 });
    expect(lines.map(({ line, text: value }) => [line, value])).toEqual([
      [1, undefined],
      [2, '{"b":2}'],
    ]);
    expect(await linesOf("y".repeat(500), { line_bytes_max: 100 })).toEqual([]);
  });

  test("reading stops at the limit of a growing file", async () => {
    expect((await linesOf("a\nb\nc\n", { limit: 4 })).map(({ text }) => text)).toEqual(["a", "b"]);
  });

  test("equal splitting at newlines, whatever the chunks", async () => {
    const text = fc.array(
      fc.string({ unit: "grapheme", maxLength: 40 }).map((part) => part.replaceAll(/[\r\n\uFEFF]/g, "")),
    );
    const sizes = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 });
    await fc.assert(
      fc.asyncProperty(text, sizes, fc.integer({ min: 1, max: 64 }), async (parts, chunks, chunk_bytes) => {
        const whole = parts.map((part) => `${part}\n`).join("");
        const lines = await linesOf(whole, { chunk_bytes }, chunks);
        expect(lines.map((line) => line.text)).toEqual(parts);
        expect(lines.map((line) => line.line)).toEqual(parts.map((_, index) => index + 1));
        let end = 0;
        for (const line of lines) {
          expect(line.offset).toBe(end);
          end = line.end;
        }
        expect(end).toBe(Buffer.byteLength(whole));
      }),
    );
  });

  test("going on at the end of any line gives the rest", async () => {
    const text = '{"a":1}\n\nnot json\n{"b":"é👋"}\n{"c":3}';
    const all = await linesOf(text);
    for (const [index, { end, line, open }] of all.entries()) {
      expect(await linesOf(text, { offset: end, line, open })).toEqual(all.slice(index + 1));
    }
  });
});
