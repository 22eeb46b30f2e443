import type { Signal } from "./batch.ts";
import type { Form } from "./receive.ts";

const REJECTED: Readonly<Record<Signal, string>> = {
  traces: "rejectedSpans",
  logs: "rejectedLogRecords",
  metrics: "rejectedDataPoints",
};

/** An export response: empty where all was taken, else how many items were not, and why. In the form of the request. */
export function exportResponse(signal: Signal, form: Form, rejected: number, message: string): Uint8Array {
  if (form === "json") {
    const body = rejected === 0 ? {} : { partialSuccess: { [REJECTED[signal]]: rejected, errorMessage: message } };
    return Buffer.from(JSON.stringify(body));
  }
  if (rejected === 0) return new Uint8Array();
  return field(1, Buffer.concat([Buffer.from([8]), varint(rejected), field(2, Buffer.from(message))]));
}

/** A google.rpc.Status, which says why a request failed, in the form of the request. */
export function statusResponse(form: Form, code: number, message: string): Uint8Array {
  if (form === "json") return Buffer.from(JSON.stringify({ code, message }));
  return Buffer.concat([Buffer.from([8]), varint(code), field(2, Buffer.from(message))]);
}

const field = (number: number, bytes: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from([number * 8 + 2]), varint(bytes.length), bytes]);

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let left = value;
  for (; left > 127; left = Math.floor(left / 128)) bytes.push((left % 128) | 128);
  bytes.push(left);
  return Buffer.from(bytes);
}
