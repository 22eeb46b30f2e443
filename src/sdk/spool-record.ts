import { crc32 } from "node:zlib";
import { LIMITS } from "../base/limits.ts";

/** A frame that waits on disk for the broker. */
export interface Spooled {
  readonly partition: number;
  /** Message id under which the broker recognises a repeat. */
  readonly id: string;
  readonly count: number;
  readonly frame: Uint8Array;
}

const HEAD = 8;

/** A frame as a record: length u32, CRC-32 u32, then partition u16, count u16, length of id u8, id, frame. */
export function record(item: Spooled): Buffer {
  const id = Buffer.from(item.id, "latin1");
  const body = Buffer.allocUnsafe(5 + id.length + item.frame.length);
  body.writeUInt16LE(item.partition, 0);
  body.writeUInt16LE(item.count, 2);
  body.writeUInt8(id.length, 4);
  id.copy(body, 5);
  body.set(item.frame, 5 + id.length);
  const head = Buffer.allocUnsafe(HEAD);
  head.writeUInt32LE(body.length, 0);
  head.writeUInt32LE(crc32(body), 4);
  return Buffer.concat([head, body]);
}

/** The record at an offset. Without item: what stands there is broken, and `next` is where the next whole record begins. Undefined: none follows. */
export function readRecord(data: Buffer, offset: number): { item?: Spooled; next: number } | undefined {
  const found = recordAt(data, offset);
  if (found) return found;
  for (let at = offset + 1; at + HEAD + 5 <= data.length; at++) if (recordAt(data, at)) return { next: at };
  return undefined;
}

function recordAt(data: Buffer, offset: number): { item: Spooled; next: number } | undefined {
  if (offset + HEAD + 5 > data.length) return undefined;
  const length = data.readUInt32LE(offset);
  const next = offset + HEAD + length;
  if (length < 5 || next > data.length) return undefined;
  const body = data.subarray(offset + HEAD, next);
  const idLength = body.readUInt8(4);
  // the sum last: what is looked at may be the middle of another record
  if (
    5 + idLength > length ||
    body.readUInt16LE(2) > LIMITS.frame_events_max ||
    crc32(body) !== data.readUInt32LE(offset + 4)
  )
    return undefined;
  return {
    item: {
      partition: body.readUInt16LE(0),
      count: body.readUInt16LE(2),
      id: body.subarray(5, 5 + idLength).toString("latin1"),
      frame: body.subarray(5 + idLength),
    },
    next,
  };
}

/** Events of the records from an offset on, up to the first that is none. */
export function countHeads(data: Buffer, from: number): number {
  let events = 0;
  for (let at = from; at + HEAD + 5 <= data.length; ) {
    const length = data.readUInt32LE(at);
    if (length < 5 || at + HEAD + length > data.length) break;
    events += data.readUInt16LE(at + HEAD + 2);
    at += HEAD + length;
  }
  return events;
}
