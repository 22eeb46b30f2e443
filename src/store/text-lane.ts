import duckdb from "@duckdb/node-bindings";
import { NIL, type Texts } from "../define/column.ts";
import { Base, FIRST_ROWS, grown, VECTOR_ROWS } from "./lane.ts";

/** A lane that grew larger than this lets go of its memory when it is cleared. */
const KEPT_BYTES = 1_048_576;
/** Most lanes of most batches are nearly empty. */
const FIRST_BYTES = 4_096;

const QUOTE = 0x22;
/** Bytes that a JSON string has another form for, and these forms. */
const ESCAPED = new Uint8Array(256);
const ESCAPES: string[] = [];
const ESCAPE_BYTES_MAX = 6;
for (const c of [...Array(32).keys(), QUOTE, 0x5c]) {
  ESCAPED[c] = 1;
  ESCAPES[c] = JSON.stringify(String.fromCharCode(c)).slice(1, -1);
}

const BLOB = duckdb.create_logical_type(duckdb.Type.BLOB);
/** Texts up to this length stand inside DuckDB's `duckdb_string_t` itself. */
const INLINE_BYTES = 12;
const strings = new ArrayBuffer(VECTOR_ROWS * 16);
const string8 = new Uint8Array(strings);
const string32 = new Uint32Array(strings);

/**
 * Texts and bytes. All of a lane stand in one block, which DuckDB is given once; a vector's rows are `duckdb_string_t`s of the C API (length,
 * four bytes of prefix, pointer; or length and up to twelve bytes) that point into it. One call a vector instead of one a value is eight
 * times as fast. The block lives in a chunk that is kept until the rows were appended, which copies them.
 */
export class TextLane extends Base {
  private block = Buffer.allocUnsafe(FIRST_BYTES);
  private used = 0;
  private starts = new Int32Array(FIRST_ROWS);
  private sizes = new Int32Array(FIRST_ROWS);
  private held: duckdb.DataChunk | undefined;
  private low = 0;
  private high = 0;

  override get bytes(): number {
    return this.used;
  }

  /** Makes room for `size` bytes and returns the place where they go. */
  private reserve(size: number): number {
    const at = this.used;
    if (at + size > this.block.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.block.length * 2, at + size));
      this.block.copy(larger, 0, 0, at);
      this.block = larger;
    }
    this.used = at + size;
    return at;
  }

  /** Writes a value into the block; returns its size. */
  private write(value: unknown): number {
    if (typeof value !== "string") {
      const bytes = value as Uint8Array;
      const at = this.reserve(bytes.length); // before the block is looked at: it may move
      this.block.set(bytes, at);
      return bytes.length;
    }
    const at = this.reserve(value.length * 3);
    let i = 0;
    // most texts are short and plain: a loop is quicker than a call
    if (value.length <= 64) {
      for (; i < value.length; i++) {
        const c = value.charCodeAt(i);
        if (c > 127) break;
        this.block[at + i] = c;
      }
    }
    const size = i === value.length ? i : this.block.write(value, at, "utf8");
    this.used = at + size;
    return size;
  }

  protected set(row: number, value: unknown): void {
    this.starts[row] = this.used;
    this.sizes[row] = this.write(value);
  }

  protected override same(value: unknown, rows: number): void {
    if (value === null || value === undefined) {
      this.take(undefined, 0, rows);
      return;
    }
    this.room(rows);
    const start = this.used;
    const size = this.write(value);
    this.starts.fill(start, this.rows, this.rows + rows);
    this.sizes.fill(size, this.rows, this.rows + rows);
    this.rows += rows;
  }

  protected override few(values: readonly unknown[], picks: Uint8Array, from: number, until: number): void {
    this.room(until - from);
    const starts = values.map(() => 0);
    const sizes = values.map((value, k) => {
      starts[k] = this.used;
      return value === null || value === undefined ? -1 : this.write(value);
    });
    for (let i = from; i < until; i++) {
      const row = this.rows++;
      const k = picks[i]!;
      if (sizes[k]! < 0) {
        this.nil[row] = 1;
        this.nils++;
      } else {
        this.starts[row] = starts[k]!;
        this.sizes[row] = sizes[k]!;
      }
    }
  }

  protected override texts(column: Texts, from: number, until: number): void {
    const { bytes, sizes } = column;
    this.room(until - from);
    let at = 0;
    for (let i = 0; i < from; i++) at += (sizes[i] === NIL ? 0 : sizes[i]!) + 1;
    const first = at;
    const base = this.used - first;
    for (let i = from; i < until; i++) {
      const row = this.rows++;
      const size = sizes[i]!;
      if (size === NIL) {
        this.nil[row] = 1;
        this.nils++;
        at++;
        continue;
      }
      this.starts[row] = base + at;
      this.sizes[row] = size;
      at += size + 1;
    }
    const end = Math.min(at, bytes.length);
    const to = this.reserve(end - first);
    this.block.set(bytes.subarray(first, end), to);
  }

  /** Begins a text that is put together from parts. */
  begin(): void {
    this.room(1);
    this.starts[this.rows] = this.used;
  }
  /** A part as it is. */
  part(bytes: Uint8Array): void {
    const at = this.reserve(bytes.length);
    const { block } = this;
    if (bytes.length > 48) block.set(bytes, at);
    else for (let i = 0; i < bytes.length; i++) block[at + i] = bytes[i]!;
  }
  /** A part as UTF-8. */
  text(value: string): void {
    this.write(value);
  }
  /** A part as a JSON string: `size` bytes of UTF-8 from `from` on, quoted and escaped as JSON.stringify does. */
  quoted(bytes: Uint8Array, from: number, size: number): void {
    let at = this.reserve(size * ESCAPE_BYTES_MAX + 2);
    const { block } = this;
    block[at++] = QUOTE;
    const end = from + size;
    for (let i = from; i < end; i++) {
      const c = bytes[i]!;
      if (ESCAPED[c] === 0) block[at++] = c;
      else at += block.write(ESCAPES[c]!, at, "latin1");
    }
    block[at++] = QUOTE;
    this.used = at;
  }
  /** Ends the text. */
  end(): void {
    this.sizes[this.rows] = this.used - this.starts[this.rows]!;
    this.rows++;
  }

  protected resize(rows: number): void {
    this.starts = grown(this.starts, rows);
    this.sizes = grown(this.sizes, rows);
  }

  override ready(): void {
    if (this.used <= INLINE_BYTES) return;
    this.held = duckdb.create_data_chunk([BLOB]);
    duckdb.data_chunk_set_size(this.held, 1);
    const vector = duckdb.data_chunk_get_vector(this.held, 0);
    duckdb.vector_assign_string_element_len(vector, 0, this.block.subarray(0, this.used));
    const held = Buffer.from(duckdb.vector_get_data(vector, 16));
    this.low = held.readUInt32LE(8);
    this.high = held.readUInt32LE(12);
  }

  copy(vector: duckdb.Vector, from: number, count: number): void {
    const { block, starts, sizes } = this;
    for (let i = 0; i < count; i++) {
      const start = starts[from + i]!;
      const size = this.nil[from + i] === 1 ? 0 : sizes[from + i]!;
      const word = i * 4;
      string32[word] = size;
      if (size <= INLINE_BYTES) {
        string32[word + 1] = 0;
        string32[word + 2] = 0;
        string32[word + 3] = 0;
        for (let b = 0; b < size; b++) string8[word * 4 + 4 + b] = block[start + b]!;
        continue;
      }
      const at = word * 4 + 4;
      string8[at] = block[start]!;
      string8[at + 1] = block[start + 1]!;
      string8[at + 2] = block[start + 2]!;
      string8[at + 3] = block[start + 3]!;
      const low = this.low + start;
      string32[word + 2] = low;
      string32[word + 3] = this.high + (low > 0xffffffff ? 1 : 0);
    }
    duckdb.copy_data_to_vector(vector, 0, strings, 0, count * 16);
  }

  override clear(): void {
    super.clear();
    this.used = 0;
    this.held = undefined;
    if (this.block.length > KEPT_BYTES) this.block = Buffer.allocUnsafe(FIRST_BYTES);
  }
}
