import { LIMITS } from "../../base/limits.ts";
import type { Draft } from "../../define/event.ts";
import { boundJson, boundKey, boundText, short } from "../bound.ts";
import { isLoose, type Loose } from "../loose.ts";

/** A payload that notes which of its fields were understood. A field of another type than expected is not: it stays among the rest. */
export interface Payload {
  /** Text cut to `max`; empty text is none. */
  text(name: string, max: number): string | undefined;
  /** A key of at most `max`, different keys stay different. */
  key(name: string, max: number): string | undefined;
  bool(name: string): boolean | undefined;
  /** A whole number from 0. */
  count(name: string): number | undefined;
  /** A finite number from 0. */
  number(name: string): number | undefined;
  /** Any value as bounded JSON. */
  json(name: string, max?: number): string | undefined;
  /** Any value as it is. */
  any(name: string): unknown;
  /** Takes a field, by the assistant's own name of it, as understood. */
  skip(name: string): void;
  /** The fields that were not understood; undefined where there are none. */
  rest(): Loose | undefined;
}

/** Reads a payload; `names` says how the assistant calls a field, where it is not the usual name. */
export function readPayload(loose: Loose, names: Readonly<Record<string, string>> = {}): Payload {
  const left = new Set(Object.keys(loose));
  const take = <T>(asked: string, read: (value: unknown) => T | undefined): T | undefined => {
    const name = Object.hasOwn(names, asked) ? names[asked]! : asked;
    if (!Object.hasOwn(loose, name)) return undefined;
    const value = loose[name];
    const found = value === null ? undefined : read(value);
    // what says nothing is no loss
    if (found !== undefined || value === null || value === "") left.delete(name);
    return found;
  };
  const string = (value: unknown): string | undefined =>
    typeof value === "string" && value !== "" ? value : undefined;
  const number = (value: unknown): number | undefined =>
    typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : undefined;
  return {
    text: (name, max) =>
      take(name, (value) => (string(value) === undefined ? undefined : boundText(value as string, max))),
    key: (name, max) =>
      take(name, (value) => (string(value) === undefined ? undefined : boundKey(value as string, max))),
    bool: (name) => take(name, (value) => (typeof value === "boolean" ? value : undefined)),
    count: (name) => take(name, (value) => (Number.isSafeInteger(number(value)) ? (value as number) : undefined)),
    number: (name) => take(name, number),
    json: (name, max = LIMITS.tool_input_chars_max) => take(name, (value) => boundJson(value, max)),
    any: (name) => take(name, (value) => value),
    skip: (name) => void left.delete(name),
    rest: () => (left.size === 0 ? undefined : Object.fromEntries([...left].map((name) => [name, loose[name]]))),
  };
}

/** What the events of one payload share. */
export interface HookContext {
  readonly time: number;
  /** Assistant that sent it, as events say it. */
  readonly assistant: string;
  readonly session: string | undefined;
  readonly cwd: string | undefined;
  readonly transcript_path: string | undefined;
  readonly prompt_id: string | undefined;
  /** Subagent it came from, where it was not the main thread. */
  readonly agent: string | undefined;
  readonly agent_type: string | undefined;
  readonly permission_mode: string | undefined;
  readonly effort: string | undefined;
  readonly mcp_server: string | undefined;
  /** What ids of calls are unique in, where they are not so by themselves. */
  readonly calls_in?: string | undefined;
  readonly envelope: Omit<Draft, "type" | "data" | "id">;
}

/** Reads the fields that every payload can carry. */
export function contextOf(payload: Payload, at: number, assistant: string): HookContext {
  const session = payload.key("session_id", LIMITS.session_chars_max);
  const cwd = payload.text("cwd", 1024);
  const effort = payload.any("effort");
  const server = payload.any("mcp_server");
  return {
    time: at,
    assistant,
    session,
    cwd,
    transcript_path: payload.text("transcript_path", 1024),
    prompt_id: payload.key("prompt_id", 128),
    agent: payload.key("agent_id", 256),
    agent_type: payload.text("agent_type", 256),
    permission_mode: payload.text("permission_mode", 64),
    effort: short(isLoose(effort) ? effort.level : effort, 32),
    mcp_server: short(isLoose(server) ? server.name : server, 256),
    envelope: {
      time: at,
      source: `${assistant}://local`,
      via: "hook",
      assistant,
      ...(session === undefined ? {} : { session }),
      ...(cwd === undefined ? {} : { project: cwd }),
    },
  };
}
