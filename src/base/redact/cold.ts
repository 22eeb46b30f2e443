import { walk } from "./nested.ts";
import { RUN_CHARS } from "./rule.ts";
import { PASSES_MAX, RULES } from "./rules.ts";

const RUN = new RegExp(`[A-Za-z0-9_-]{${RUN_CHARS}}`);
const COLD = RULES.map((rule) => ({ rule, begins: rule.inRun && rule.hints.map(beginning) }));

/** The letters that each match of a hint begins with, as far as they are always the same. */
function beginning(hint: string): string {
  const [letters] = /^[A-Za-z0-9_-]*/.exec(hint)!;
  return /[?*{]/.test(hint.charAt(letters.length)) ? letters.slice(0, -1) : letters;
}

/** The text in lower case is `low`; `token` tells whether it has a run of token characters. A run alone says little: every UUID is one. */
function mayChange({ rule, begins }: (typeof COLD)[number], text: string, low: string, token: () => boolean): boolean {
  if (!begins) return rule.words!.some((word) => (typeof word === "string" ? low.includes(word) : word.test(low)));
  return (
    token() &&
    begins.some((letters) => text.includes(letters)) &&
    rule.hints.some((hint) => new RegExp(hint).test(text))
  );
}

function pass(text: string): string {
  const low = text.toLowerCase();
  let run: boolean | undefined;
  const token = (): boolean => (run ??= RUN.test(text));
  let out = text;
  for (const one of COLD) if (mayChange(one, out, low, token)) out = one.rule.apply(out);
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
