import { walk } from "./nested.ts";
import { RUN_CHARS } from "./rule.ts";
import { PASSES_MAX, RULES } from "./rules.ts";

const RUN = new RegExp(`[A-Za-z0-9_-]{${RUN_CHARS}}`);
let hints: RegExp | undefined;

/** Whether a provider's token may stand in the text. A run alone says little: every UUID is one. */
function mayHoldToken(text: string): boolean {
  if (!RUN.test(text)) return false;
  hints ??= new RegExp(
    RULES.filter((rule) => rule.inRun)
      .flatMap((rule) => rule.hints)
      .join("|"),
  );
  return hints.test(text);
}

function pass(text: string): string {
  const low = text.toLowerCase();
  let tokens: boolean | undefined;
  let out = text;
  for (const rule of RULES) {
    if (rule.inRun ? (tokens ??= mayHoldToken(text)) : rule.words!.some((word) => low.includes(word)))
      out = rule.apply(out);
  }
  return out;
}

/**
 * What `redactText` does, for a process that looks at one payload and ends. The hints of `redactText` are the faster the more text there is, but
 * compiling them takes a third of the time in which Node starts; here plain words decide which rules are compiled at all.
 */
export function redactTextCold(text: string): string {
  let out = text;
  for (let k = 0; k < PASSES_MAX; k++) {
    const before = out;
    out = pass(out);
    if (out === before) break;
  }
  return out;
}

/** What `redactValue` does, for such a process. `shorten` is applied to each text before it is looked at. */
export const redactValueCold = (value: unknown, shorten: (text: string) => string = (text) => text): unknown =>
  walk(value, (text) => redactTextCold(shorten(text)), 0);
