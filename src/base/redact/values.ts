import { isMarked } from "./rule.ts";

/** What the name of a field says about its value. */
export type Kind = "password" | "secret" | "token" | "api_key" | "credential" | "cookie" | "authorization";

const FILLER = /^[xX*.•#_?-]+$/;
const VARIABLE =
  /^(?:\$(?:[A-Za-z_{(]|$)|%[A-Za-z_(]|%[sdvq]|<[^>]*>?$|\{|#\{|!(?:Ref|Sub|ImportValue|secret|vault)\b|@[A-Za-z]+@|:[a-z_]+$|__[A-Z_]+__$)/;
const ASKING =
  /^(?:your|enter|insert|replace|placeholder|redacted|hidden|masked|removed|change[-_ ]?(?:me|this|it)|todo|tbd|fixme|example|dummy[-_](?:key|token|secret|value)|example[-_](?:key|token|secret|password))(?:[-_ .]|$)/i;
const LOOKUP =
  /^(?:process\.env|import\.meta|os\.environ|os\.getenv|env[.[(]|ENV\[|secrets\.|vars\.|var\.|local\.|data\.|config\.|settings\.|self\.|this\.|args\.|options\.|req\.|request\.)/;
const SHOUTED = /^[A-Z][A-Z_-]*(?:TOKEN|KEY|PASS|PASSWORD|SECRET|HERE|VALUE|COOKIE|AUTH)[A-Z_-]*$|^[A-Z]+_[A-Z_]+$/;
const WORDS = new Set(
  `password passwd passphrase pass pwd secret token tokens key apikey api_key api-key auth authorization bearer basic cookie
  string str text number int integer bool boolean any null none nil undefined unknown never object array bytes buffer true
  false yes no on off required optional value values empty missing invalid valid expired default user username name email
  char varchar secretstr securestring credentials credential header headers query body json data id type field input output
  hash hashed encrypted plain plaintext prompt stdin file inherit write read admin public private account login session
  access refresh error warning failed success changed generated rotated stored provided given found sent received
  redacted`.split(/\s+/),
);

/** Whether a value only stands for a secret: a variable, a template, `<your-key>`, `xxx`, a word for the thing itself. */
export function isPlaceholder(value: string): boolean {
  return (
    value === "" ||
    isMarked(value) ||
    FILLER.test(value) ||
    VARIABLE.test(value) ||
    ASKING.test(value) ||
    LOOKUP.test(value) ||
    SHOUTED.test(value) ||
    WORDS.has(value.toLowerCase()) ||
    value.includes("${") ||
    value.includes("{{")
  );
}

const CODE_NAME = /^[*&!-]{0,2}[A-Za-z_$][\w$]*(?:(?:\?\.|\.|::|->)[A-Za-z_$#][\w$]*)*[!?]?$/;
// each character has one place only: with a separator that may be left out, a long value that is no path would be tried in every division
const PATH = /^(?:~|\.{0,2}|[A-Za-z]:)?[\\/][\w.@-]+(?:[\\/][\w.@-]+)*[\\/]?$/;
const ADDRESS = /^[a-z][a-z0-9+.-]{1,20}:\/\/|^arn:/;

/** How often a text changes between letter and digit: names change once or twice, generated text all the time. */
function changes(value: string): number {
  let count = 0;
  let last = -1;
  for (let i = 0; i < value.length && i < 128; i++) {
    const c = value.charCodeAt(i);
    const now = c >= 48 && c <= 57 ? 1 : (c | 32) >= 97 && (c | 32) <= 122 ? 0 : last;
    if (last !== -1 && now !== last) count++;
    last = now;
  }
  return count;
}

/** Long letters in no order, with a digit or none: names in code change between capitals and small letters a word at a time. */
function isShuffled(value: string): boolean {
  if (value.length < 20 || value.length > 128 || !/^[A-Za-z0-9]+$/.test(value)) return false;
  const letters = value.replace(/[0-9]/g, "");
  let turns = 0;
  for (let i = 1; i < letters.length; i++) if ((letters.charCodeAt(i) ^ letters.charCodeAt(i - 1)) & 32) turns++;
  return turns >= letters.length * 0.36;
}

/** Text that looks generated: long, of letters and digits in turn, or of capitals and small letters in no order. */
export function looksGenerated(value: string): boolean {
  return value.length >= 12 && (changes(value) >= 3 || isShuffled(value));
}

const hasDigit = (value: string): boolean => /[0-9]/.test(value);
const hasLetter = (value: string): boolean => /[A-Za-z]/.test(value);

/** Whether a quoted value under a secret name is the secret itself. `value` is without its quotes. */
export function isQuotedSecret(kind: Kind, value: string): boolean {
  if (value.length < 3 || isPlaceholder(value) || /^\s|\s$/.test(value)) return false;
  if (/\w\(.*\)$/.test(value) || ADDRESS.test(value)) return false;
  if (PATH.test(value) && !looksGenerated(value)) return false;
  if (/\s/.test(value)) return false; // a label or a sentence
  if (/^[}\]),;]/.test(value)) return false; // the quote was the end of a string, not the start of one
  if (kind === "password") return true;
  if (kind !== "secret" && /^[a-z]+(?:[-_.:][a-z]+)+$/.test(value)) return false; // the name of a thing
  if (kind === "token" || kind === "credential") {
    if (hasDigit(value) && hasLetter(value)) return value.length >= 6;
    return hasDigit(value) ? value.length >= 6 && !/^\d{1,5}$/.test(value) : value.length >= 20 && !/[. ]/.test(value);
  }
  return value.length >= (hasDigit(value) ? 6 : 8);
}

/** What surrounds an unquoted value. */
export interface Place {
  readonly kind: Kind;
  /** `env`: NAME=value without spaces; `flag_is`: --name=value; `flag`: --name value; `query`: ?name=value. */
  readonly form: "env" | "flag_is" | "flag" | "query" | "plain";
  /** The character after the value, "" at the end. */
  readonly next: string;
  /** The name begins its line. */
  readonly firstOnLine: boolean;
}

/** Whether an unquoted value under a secret name is the secret itself, and not code or prose. */
export function isBareSecret(value: string, { kind, form, next, firstOnLine }: Place): boolean {
  if (value.length < 4 || isPlaceholder(value) || next === "(" || next === "[") return false;
  if (next === "<" && form !== "env") return false;
  if (ADDRESS.test(value)) return false;
  const generated = looksGenerated(value);
  if (PATH.test(value) && !generated) return false;
  if (/^[\d.]+$/.test(value)) return kind === "password" ? form !== "plain" || firstOnLine : value.length >= 16;
  if (form === "env" || form === "flag_is") return true;
  if (form === "query") return value.length >= 6;
  const symbol = /[!@#%^&*~+=/]/.test(value);
  if (form === "flag") return value.length >= 6 && (hasDigit(value) || symbol);
  if (value.length < 6) return false;
  const ends = next === "" || /[\s\x00-\x1f"'`\\&]/.test(next);
  if (CODE_NAME.test(value)) {
    if (generated) return true;
    if (!ends) return false;
    if (hasDigit(value))
      return !/[._]/.test(value) || (value.length >= 16 && /[A-Z]/.test(value) && /[a-z]/.test(value));
    return kind === "password" && firstOnLine && value.length >= 8 && /^[a-z]+$/.test(value);
  }
  if (!ends && !generated) return false;
  return hasDigit(value) || (symbol && firstOnLine && kind === "password");
}
