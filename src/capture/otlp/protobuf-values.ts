import { type Attributes, type Budget, setAttribute } from "./batch.ts";
import type { WireReader } from "./wire.ts";

/** A KeyValue, put into the attributes. */
export function readAttribute(r: WireReader, end: number, attributes: Attributes, budget: Budget, depth = 0): void {
  let name = "";
  let value: unknown;
  while (r.pos < end) {
    const tag = r.tag(end);
    if (tag === 10) name = r.name(end);
    else if (tag === 18) value = readValue(r, r.enter(end), budget, depth);
    else r.skip(tag, end);
  }
  setAttribute(attributes, name, value ?? null);
}

/** An AnyValue; nothing where no field of it is set. */
export function readValue(r: WireReader, end: number, budget: Budget, depth: number): unknown {
  budget.value(depth);
  let value: unknown;
  while (r.pos < end) {
    const tag = r.tag(end);
    switch (tag) {
      case 10:
        value = r.text(end);
        break;
      case 16:
        value = r.varint(end) !== 0;
        break;
      case 24:
        value = r.int64(end);
        break;
      case 33:
        value = r.double(end);
        break;
      case 42:
        value = readList(r, r.enter(end), budget, depth + 1);
        break;
      case 50: {
        const inside: Attributes = {};
        const stop = r.enter(end);
        while (r.pos < stop) {
          const inner = r.tag(stop);
          if (inner === 10) readAttribute(r, r.enter(stop), inside, budget, depth + 1);
          else r.skip(inner, stop);
        }
        value = inside;
        break;
      }
      case 58: {
        const stop = r.enter(end);
        value = r.bytes.toString("base64", r.pos, stop);
        r.pos = stop;
        break;
      }
      default:
        r.skip(tag, end);
    }
  }
  return value;
}

function readList(r: WireReader, end: number, budget: Budget, depth: number): unknown[] {
  const values: unknown[] = [];
  while (r.pos < end) {
    const tag = r.tag(end);
    if (tag === 10) values.push(readValue(r, r.enter(end), budget, depth) ?? null);
    else r.skip(tag, end);
  }
  return values;
}
