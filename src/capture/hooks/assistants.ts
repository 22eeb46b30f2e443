import { derivedId } from "../../base/id.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Draft } from "../../define/event.ts";
import { hookReceived } from "../../events/hook.ts";
import { boundJson, boundText } from "../bound.ts";
import { mapHook } from "../claude-code/hook/map.ts";
import { isLoose, type Loose } from "../loose.ts";
import type { HookRecord } from "./record.ts";

/** Pure mapping of one assistant's payloads. `at` is the time of arrival in microseconds. */
export type HookMapping = (payload: Loose, at: number) => Draft[];

/** One mapping an assistant; another assistant is another file and another line here. */
export const HOOK_MAPPINGS: Readonly<Record<string, HookMapping>> = {
  "claude-code": mapHook,
};

/** The events of a record, with ids that the same record always gives. What no mapping knows, and what was no JSON object, is kept as it came. */
export function draftsOf(record: HookRecord): Draft[] {
  return mapped(record).map((draft, k) => ({
    ...draft,
    id: draft.id ?? derivedId(record.at, "hook", record.assistant, record.id, k),
  }));
}

function mapped({ assistant, at, payload, raw, session, bytes }: HookRecord): Draft[] {
  const map = Object.hasOwn(HOOK_MAPPINGS, assistant) ? HOOK_MAPPINGS[assistant] : undefined;
  if (map && isLoose(payload)) return map(payload, at);
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
