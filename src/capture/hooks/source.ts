import { LIMITS } from "../../base/limits.ts";
import type { Draft } from "../../define/event.ts";
import { hookReceived } from "../../events/hook.ts";
import { boundJson, jsonBytes } from "../bound.ts";
import { type Loose, timeOf } from "../loose.ts";
import type { Outline } from "./outline.ts";
import { contextOf, type HookContext, type Payload, readPayload } from "./payload.ts";

/** Makes the events of one kind of payload; undefined where what the event cannot do without is missing. */
export type Kind = (payload: Payload, context: HookContext) => Draft[] | undefined;

/** What the payloads of one assistant mean: all that a mapping needs to know of it. */
export interface HookSource {
  /** What `weir hook` and `weir init` call it. */
  readonly name: string;
  /** What its events say (`assistant`), the same as in its telemetry and its session files. */
  readonly assistant: string;
  /** Every kind of payload that has a meaning of its own, by the assistant's name of it. */
  readonly kinds: Readonly<Record<string, Kind>>;
  /** What is kept of its payloads where no texts may be, and where their session, folder and kind stand. The same as in `outlines.ts`. */
  readonly outline: Outline;
  /** How the assistant calls a field, where it is not the usual name. */
  readonly names?: Readonly<Record<string, string>>;
  /** Fields, by its own names, that payloads repeat and no event needs: what they say is told once elsewhere, or is nobody's business. */
  readonly repeated?: readonly string[];
  /** Field that says when it happened: an ISO time or milliseconds since 1970. */
  readonly time?: string;
  /** The fields of a payload side by side, where the assistant nests them. */
  readonly flat?: (loose: Loose) => Loose;
  /** What the assistant puts elsewhere than others do. */
  readonly context?: (context: HookContext, payload: Payload) => HookContext;
}

/** Pure mapping of one assistant's payloads. `at` is the time of arrival in microseconds, `event` the kind of payload where the command names it. */
export type HookMapping = (payload: Loose, at: number, event?: string) => Draft[];

/**
 * The mapping of an assistant. Fields that no event holds are kept beside it in `hook.received`; a kind that is not known, or one without what its
 * event needs, is kept whole. Never throws.
 *
 * @example
 * mappingOf(claudeCode)({ session_id: "s1", hook_event_name: "PreToolUse", tool_name: "Bash", tool_input: { command: "ls" }, tool_use_id: "toolu_1" }, 1_790_000_000_000_000);
 * // [{ type: "tool.started", session: "s1", fact: "tool:toolu_1", data: { tool: "Bash", call_id: "toolu_1", input: '{"command":"ls"}' }, … }]
 */
export const mappingOf =
  (source: HookSource): HookMapping =>
  (given, at, event) => {
    const loose = source.flat?.(given) ?? given;
    const payload = readPayload(loose, source.names);
    const kind = payload.text("hook_event_name", 128) ?? event;
    const time = source.time === undefined ? at : momentOf(payload.any(source.time), at);
    const usual = contextOf(payload, time, source.assistant);
    const context = source.context?.(usual, payload) ?? usual;
    const drafts =
      kind !== undefined && Object.hasOwn(source.kinds, kind) ? source.kinds[kind]!(payload, context) : undefined;
    if (drafts) for (const name of source.repeated ?? []) payload.skip(name);
    const left = drafts ? payload.rest() : given;
    if (left === undefined) return drafts!;
    const { agent, prompt_id } = context;
    const kept = hookReceived.of(
      { ...context.envelope, ...(kind === undefined ? {} : { subject: kind }) },
      { kind, payload: boundJson(left, LIMITS.text_bytes_max), bytes: jsonBytes(given), agent, prompt_id },
    );
    return [...(drafts ?? []), kept];
  };

/** When it happened: what the payload says, unless that is far from its arrival. */
function momentOf(said: unknown, at: number): number {
  const time = typeof said === "number" ? Math.floor(said * 1_000) : timeOf(said);
  return time !== undefined && Math.abs(time - at) <= LIMITS.hook_time_off_us_max ? time : at;
}
