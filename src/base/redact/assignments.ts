import { mark, once, type Rule, START } from "./rule.ts";
import { isBareSecret, isQuotedSecret, type Kind, looksGenerated, type Place } from "./values.ts";

const KEYS =
  "api|access|auth|private|account|signing|encryption|master|shared|service|session|storage|app|deploy|subscription";
/** Names of secrets, as the last word of a field's name. */
const CORE =
  "pass(?:word|wd|phrase|code)?|pwd|client[_-]?secret|secret[_-]?(?:access[_-]?)?key|secret|token|" +
  `(?:${KEYS})[_-]?key|credentials?|mnemonic|_auth`;
const SUFFIX =
  "(?:[_-]?[0-9]{1,3}|[_-](?:base|value|prod|production|dev|staging|test|live|old|new|primary|secondary))?";
const QUOTE = "\\\\{0,7}[\"'`]|\\\\{1,7}u002[27]|&quot;|&#3[49];|%2[27]";
const SPACE = "[ \\t]{0,24}";
/** `=`, `:`, `:=`, `=>`, `?=`; not `==`, `::`; also `>` of an element and `name: X, value: …` of lists. */
const LINK = `${SPACE}(?:=>|[:?+]?=(?![=~])|:(?![:=]))${SPACE}`;
const LISTED = `(?:[, \\t\\r\\n]|[0-9]{1,6}(?:→|\u00e2\u0086\u0092)|\\\\{1,7}[nrt]){1,40}(?:${QUOTE})?value(?:${QUOTE})?${SPACE}[:=]${SPACE}`;
const PAIR = ` ?,${SPACE}(?=\\\\{0,7}["'])`;
const NAME = `(${CORE})${SUFFIX}(?:${QUOTE})?\\]?`;
const FIELD = once(
  () => new RegExp(`${NAME}(${LINK}|(?:${QUOTE})?${LISTED}|>|${PAIR}|[ \\t]{1,4}(?=[^ \\t=:]))`, "gi"),
);

const FLAG = "--?(?:[A-Za-z0-9]{1,16}[-_.]){0,3}[A-Za-z0-9]{0,12}";
const ORDER = "(?:ENV|ARG|setenv|set -g?x|config(?:ure)? set)[ \\t]{1,4}";
const IS_FLAG = once(() => new RegExp(`^${FLAG}$`));
const IS_ORDER = once(() => new RegExp(`${START}${ORDER}$`));

/** What follows a name of this core; a space alone links only after a flag or an order such as ENV. */
function hint(core: string): string {
  const end = `${SUFFIX}(?:${QUOTE})?\\]?`;
  const spaced = `[ \\t](?<=(?:${FLAG}|${ORDER}[A-Za-z0-9_]{0,40})(?:${core})${end}[ \\t])`;
  return `(?:${core})${end}(?:${SPACE}[:?+]?[=:]|>| ?,|(?:${QUOTE})?${LISTED}|${spaced})`;
}
/** The names again, apart by their letters, and the long list of keys found by its last word. */
const HINTS = [
  hint("pass(?:word|wd|phrase|code)?"),
  hint("pwd"),
  hint("secret(?:[_-]?(?:access[_-]?)?key)?"),
  hint("token"),
  hint(`key(?<=(?:${KEYS})[_-]?key)`),
  hint("credentials?"),
  hint("mnemonic"),
  hint("_auth"),
];

/** Before a quoted word that is one of two: `ok ? "pass" : "fail"`. */
const CHOSEN = /\?[ \t]{0,2}\\{0,7}["'`]$/;

/** Something of each name in CORE. */
const WORDS = [/pass(?!e[ds]|ing)/, "pwd", "secret", "token", "key", "credential", "mnemonic", "_auth"];

const OPEN = new RegExp(QUOTE, "y");
const ANNOTATION = /[A-Za-z_][\w.]{0,30}(?:\[[\w., ]{0,40}\])?(?: ?\| ?[A-Za-z]{1,12})? ?= ?/y;
const BARE = /(?:[^\s\x00-\x1f\x7f"'`,;&<>(){}|\\[\]]|&(?!&|[\w.-]{1,40}=|[a-z]{2,6};)){1,256}/y;
const BARE_CHARS = 256; // read before deciding; as in the two patterns
/** A value in a file of NAME=value lines may hold nearly anything. */
const BARE_ENV = /(?:[^\s\x00-\x1f\x7f"'`\\;&<]|[;&](?![ \t;&]|[A-Za-z_ ]{1,40}=)){1,256}/y;
const PAIRED = /;[A-Za-z][A-Za-z ]{1,40}=/y; // the next part of a connection string
const QUOTED_CHARS_MAX = 8_192;
const OTHER_WORDS =
  "page next sync cursor cancel cancellation cancelation continuation end start stop bos eos pad unk sep cls mask special " +
  "max min input output total num per first last lex lookahead forgot reset show hide toggle confirm has is no use with by " +
  "pass public";
const OTHER = OTHER_WORDS.split(" ");
const CAPITAL = OTHER.map((word) => word[0]!.toUpperCase() + word.slice(1));
const IS_OTHER = once(
  () =>
    new RegExp(
      `(?:(?<![A-Za-z])(?:${[...OTHER, ...CAPITAL, ...OTHER.map((w) => w.toUpperCase())].join("|")})|${CAPITAL.join("|")})[_-]?$`,
    ),
);

interface Name {
  readonly prefix: string;
  readonly before: string;
}

/** The part of a field's name before its last word, and the character before the name. */
function nameBefore(text: string, at: number): Name {
  let start = at;
  while (start > 0 && at - start < 64 && /[A-Za-z0-9_.$-]/.test(text[start - 1]!)) start--;
  const colour = start > 0 && /[[;]/.test(text[start - 1]!) ? /^[0-9]{0,3}m/.exec(text.slice(start, at)) : null;
  if (colour) start += colour[0].length;
  else if (start > 0 && text[start - 1] === "\\" && /[nrt]/.test(text[start] ?? "") && start < at + 1) start++;
  return { prefix: text.slice(Math.min(start, at), at), before: start > 0 ? text[Math.min(start, at) - 1]! : "" };
}

function kindOf(core: string): Kind {
  if (/^p(?:ass|wd)|^mnemonic/i.test(core)) return "password";
  if (/secret/i.test(core)) return "secret";
  if (/token/i.test(core)) return "token";
  return /key$/i.test(core) ? "api_key" : "credential";
}

/** Whether the word before makes it another thing: `next_page_token`, `bypass`, `eos_token`. */
function isOther(core: string, prefix: string, link: string): boolean {
  if (core === "PASS" && prefix === "" && link !== "=") return true; // the verdict of a test
  if (IS_OTHER().test(prefix) && !/^(?:access|auth|api)/i.test(core)) return true;
  if (/^pass$/i.test(core) && prefix !== "") {
    return !(/[_.-]$/.test(prefix) || (core[0] === "P" && /[a-z]$/.test(prefix)));
  }
  return false;
}

/** Length of a quoted value at `at`, or -1 where its end is not on the line and not the end of the text. */
function quotedEnd(text: string, at: number, delimiter: string): number {
  const window = text.slice(at, at + QUOTED_CHARS_MAX);
  let from = 0;
  for (;;) {
    const end = window.indexOf(delimiter, from);
    const line = window.slice(from, end === -1 ? undefined : end).search(/[\r\n]/);
    if (line !== -1) return -1;
    if (end === -1)
      return at + window.length === text.length || window.length === QUOTED_CHARS_MAX ? window.length : -1;
    if (delimiter[0] === "\\" || window[end - 1] !== "\\") return end;
    from = end + 1; // an escaped quote inside the value
  }
}

/** Letters and digits of a length that names do not have; the second of two texts in a list is a secret only then. */
const isMixed = (value: string): boolean =>
  (looksGenerated(value) ||
    (value.length >= 10 && /[0-9]/.test(value) && /[a-z]/.test(value) && /[A-Z]/.test(value))) &&
  !/\s/.test(value);

interface Found {
  readonly start: number;
  readonly end: number;
}

function quotedValue(text: string, at: number, kind: Kind, core: string, strict: boolean): Found | undefined {
  OPEN.lastIndex = at;
  const open = OPEN.exec(text)?.[0];
  if (open === undefined) return undefined;
  const start = at + open.length;
  const length = quotedEnd(text, start, open);
  if (length <= 0) return undefined;
  const value = text.slice(start, start + length);
  if (/^_auth$/i.test(core) && !looksGenerated(value)) return undefined;
  if (strict ? !isMixed(value) : !isQuotedSecret(kind, value)) return undefined;
  return { start, end: start + length };
}

function bareValue(text: string, at: number, place: Omit<Place, "next">): Found | undefined {
  const pattern = place.form === "env" && place.firstOnLine ? BARE_ENV : BARE;
  pattern.lastIndex = at;
  let value = pattern.exec(text)?.[0];
  if (value === undefined || value.startsWith("[redacted:")) return undefined;
  if (place.form === "plain") value = value.replace(/[.,:;]$/, "");
  let end = at + value.length;
  PAIRED.lastIndex = end;
  const form = place.form === "plain" && PAIRED.test(text) ? "query" : place.form;
  if (!isBareSecret(value, { ...place, form, next: text[end] ?? "" })) return undefined;
  if (value.length === BARE_CHARS) {
    for (pattern.lastIndex = end; pattern.test(text); ) end = pattern.lastIndex; // decided by its beginning, taken whole
  }
  return { start: at, end };
}

function formOf(name: Name, core: string, link: string): Place["form"] | undefined {
  const flag = IS_FLAG().test(name.prefix);
  if (/^[ \t]+$/.test(link)) return flag ? "flag" : undefined;
  if (flag) return link === "=" ? "flag_is" : "plain";
  if (/[?&;]/.test(name.before) && link === "=") return "query";
  if (name.before === ":" && /^_/.test(name.prefix + core) && link === "=") return "query"; // of .npmrc
  if (link === "=" && core === core.toUpperCase() && name.prefix === name.prefix.toUpperCase()) return "env";
  if (link === ">") return name.before === "<" ? "env" : undefined;
  return "plain";
}

function findValue(text: string, match: RegExpExecArray): { kind: Kind; found: Found } | undefined {
  const [all, core = "", link = ""] = match;
  const name = nameBefore(text, match.index);
  if (isOther(core, name.prefix, link)) return undefined;
  const at = match.index + all.length;
  const kind = kindOf(core);
  const nameStart = match.index - name.prefix.length;
  if (CHOSEN.test(text.slice(Math.max(0, nameStart - 12), nameStart))) return undefined;
  let form = formOf(name, core, link);
  if (form === undefined && /^[ \t]+$/.test(link) && /^\w{0,40}$/.test(name.prefix)) {
    if (IS_ORDER().test(text.slice(Math.max(0, nameStart - 20), nameStart))) form = "env";
  }
  if (form === undefined) return undefined;
  const quoted = quotedValue(text, at, kind, core, link.includes(",") && !/value/i.test(link));
  if (quoted) return { kind, found: quoted };
  if (link.includes(",") && !/value/i.test(link)) return undefined;
  if (/:[ \t]*$/.test(link)) {
    ANNOTATION.lastIndex = at;
    if (ANNOTATION.test(text)) {
      const found = quotedValue(text, ANNOTATION.lastIndex, kind, core, false);
      if (found) return { kind, found };
    }
  }
  if (/^pwd$/i.test(core) && /^(?:OLD)?$/i.test(name.prefix) && /^[~/.]|^[A-Za-z]:/.test(text.slice(at, at + 2)))
    return undefined;
  const firstOnLine = /(?:^|[\r\n→]|\\n|\[[0-9;]{0,10}m)[ \t]*(?:[-*+] |export |set |\$env:)?$/.test(
    text.slice(Math.max(0, nameStart - 24), nameStart),
  );
  const found = bareValue(text, at, { kind, form, firstOnLine: firstOnLine || form === "env" });
  return found && { kind, found };
}

function apply(text: string): string {
  const field = FIELD();
  field.lastIndex = 0;
  let out = "";
  let kept = 0;
  for (let match = field.exec(text); match; match = field.exec(text)) {
    const value = findValue(text, match);
    if (!value) continue;
    out += text.slice(kept, value.found.start) + mark(value.kind);
    kept = value.found.end;
    field.lastIndex = kept;
  }
  return kept === 0 ? text : out + text.slice(kept);
}

/** Values assigned to names such as PASSWORD, apiKey or --token, in the forms of env, ini, yaml, json, code and shells. */
export const ASSIGNMENT_RULES: readonly Rule[] = [{ hints: HINTS, words: WORDS, apply }];
