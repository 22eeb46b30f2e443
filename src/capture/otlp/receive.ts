import { LIMITS } from "../../base/limits.ts";
import { redactText } from "../../base/redact.ts";
import type { Draft } from "../../define/event.ts";
import { inputRejected } from "../../events/flow.ts";
import { boundJson, boundText } from "../bound.ts";
import type { Signal } from "./batch.ts";
import { readJson } from "./json.ts";
import { mapBatch, type Refusal } from "./map.ts";
import { readProtobuf } from "./protobuf.ts";
import type { Moved, SeriesMarks } from "./series.ts";
import { Malformed } from "./wire.ts";

/** How a request is written. */
export type Form = "protobuf" | "json";

/** A request as events to be stored, and what its sender is told when they are. */
export interface Received {
  readonly drafts: readonly Draft[];
  /** Items that were not taken, and why the first was not. */
  readonly rejected: number;
  readonly message: string;
  /** The whole request could not be read: nothing of it was taken, sending it again would not help. */
  readonly malformed: boolean;
  /** Where cumulative series stand when the drafts are stored. */
  readonly moved: Moved;
  /** To be called when the drafts could not be stored. */
  undo(): void;
}

/** Refused items of one request that are kept; all are counted. */
const REFUSALS_KEPT = 20;
/** Bytes of an unreadable request that are kept. */
const ORIGINAL_BYTES_MAX = 65_536;

/** Reads one request. What is not taken is recorded as rejected input. Never throws because of what the bytes hold. */
export function receive(
  signal: Signal,
  form: Form,
  bytes: Uint8Array,
  { series, now_us }: { readonly series: SeriesMarks; readonly now_us: number },
): Received {
  try {
    const batch = form === "protobuf" ? readProtobuf(signal, bytes) : readJson(signal, utf8(bytes));
    const { drafts, refused, moved, undo } = mapBatch(batch, series, now_us);
    for (const refusal of refused.slice(0, REFUSALS_KEPT)) drafts.push(rejected(refusal));
    return { drafts, rejected: refused.length, message: refused[0]?.detail ?? "", malformed: false, moved, undo };
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    const message = `the ${signal} request ${error.message}`;
    const drafts = [unreadable(message, form, bytes, now_us)];
    return { drafts, rejected: 0, message, malformed: true, moved: new Map(), undo() {} };
  }
}

function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Malformed("is no UTF-8 text");
  }
}

const ENVELOPE = { source: "otlp://unknown", via: "otlp" } as const;

function rejected({ detail, type, original, time }: Refusal): Draft {
  const text = redactText(boundJson(original, ORIGINAL_BYTES_MAX / 4));
  return inputRejected.of(
    { ...ENVELOPE, time },
    {
      reason: "invalid",
      detail,
      input_type: type,
      original: new TextEncoder().encode(text),
      content_type: "application/json",
      events: 1,
    },
  );
}

function unreadable(detail: string, form: Form, bytes: Uint8Array, time: number): Draft {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, ORIGINAL_BYTES_MAX));
  return inputRejected.of(
    { ...ENVELOPE, time },
    {
      reason: "undecodable",
      detail: boundText(detail, 2_000),
      original: Buffer.from(redactText(head.toString("latin1")), "latin1").subarray(0, LIMITS.rejected_part_bytes_max),
      content_type: form === "json" ? "application/json" : "application/x-protobuf",
    },
  );
}
