import type { Draft } from "../../define/event.ts";
import { logRecorded } from "../../events/telemetry.ts";
import { boundJson } from "../bound.ts";
import { timeOf } from "../loose.ts";
import { attributesJson, textIn, tidy, without } from "./attributes.ts";
import type { LogRecord, Origin } from "./batch.ts";
import { isTraceId, resourceJson } from "./spans.ts";
import type { Told } from "./told.ts";
import type { Known } from "./vocabulary.ts";

/** When a record was written: its own time, else what an attribute says, else when it was seen. */
export const timeOfLog = (log: LogRecord, now_us: number): number =>
  log.time || timeOf(log.attributes["event.timestamp"]) || log.observed || now_us;

/** Name of the event that a record is, where it is one. */
export const logNameOf = (log: LogRecord): string | undefined =>
  log.event_name !== "" ? log.event_name : textIn(log.attributes, "event.name");

const BODY_CHARS_MAX = 65_536;

/** The record as it is. */
export function logDraft(
  log: LogRecord,
  name: string | undefined,
  known: Known,
  origin: Origin,
  envelope: Told["envelope"],
  id: string,
  contents: ReadonlySet<string>,
): Draft {
  const { body } = log;
  return logRecorded.of(
    { ...envelope, id },
    {
      name: name === undefined ? undefined : tidy(name, 256),
      severity: log.severity_text === "" ? undefined : tidy(log.severity_text, 32),
      severity_number: log.severity_number > 0 ? Math.min(log.severity_number, 24) : undefined,
      body:
        body === undefined || body === null
          ? undefined
          : typeof body === "string"
            ? tidy(body, BODY_CHARS_MAX)
            : boundJson(body, BODY_CHARS_MAX),
      service: known.service,
      scope: known.scope,
      resource: resourceJson(origin),
      trace_id: isTraceId(log.trace_id) ? log.trace_id : undefined,
      span_id: /^[0-9a-f]{16}$/.test(log.span_id) ? log.span_id : undefined,
      attributes: attributesJson(contents.size > 0 ? without(log.attributes, contents) : log.attributes),
      dropped: log.dropped > 0 ? Math.min(log.dropped, Number.MAX_SAFE_INTEGER) : undefined,
    },
  );
}
