import { derivedId } from "../../base/id.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Draft } from "../../define/event.ts";
import { hookReceived } from "../../events/hook.ts";
import { boundJson, boundText } from "../bound.ts";
import { claudeCode } from "../claude-code/hook/mapping.ts";
import { codex } from "../codex/hook.ts";
import { copilot } from "../copilot/hook.ts";
import { cursor } from "../cursor/hook.ts";
import { gemini } from "../gemini/hook.ts";
import { isLoose } from "../loose.ts";
import { opencode } from "../opencode/hook.ts";
import type { HookRecord } from "./record.ts";
import { type HookMapping, type HookSource, mappingOf } from "./source.ts";

/** One mapping an assistant; another assistant is another file and another name here. */
export const HOOK_SOURCES: readonly HookSource[] = [claudeCode, codex, gemini, cursor, copilot, opencode];

/** The mapping of each, by the assistant's name. */
export const HOOK_MAPPINGS: Readonly<Record<string, HookMapping>> = Object.fromEntries(
  HOOK_SOURCES.map((source) => [source.name, mappingOf(source)]),
);

/** The events of a record, with ids that the same record always gives. What no mapping knows, and what was no JSON object, is kept as it came. */
export function draftsOf(record: HookRecord): Draft[] {
  return mapped(record).map((draft, k) => ({
    ...draft,
    id: draft.id ?? derivedId(record.at, "hook", record.assistant, record.id, k),
  }));
}

function mapped({ assistant, event, at, payload, raw, session, bytes }: HookRecord): Draft[] {
  const map = Object.hasOwn(HOOK_MAPPINGS, assistant) ? HOOK_MAPPINGS[assistant] : undefined;
  if (map && isLoose(payload)) return map(payload, at, typeof event === "string" ? event : undefined);
  return [
    hookReceived.of(
      {
        time: at,
        source: `${assistant}://local`,
        via: "hook",
        assistant,
        ...(session === undefined ? {} : { session }),
      },
      {
        payload: payload === undefined ? undefined : boundJson(payload, LIMITS.text_bytes_max),
        raw: raw === undefined ? undefined : boundText(raw, LIMITS.text_bytes_max),
        bytes,
      },
    ),
  ];
}
