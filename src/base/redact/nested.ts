import { mark } from "./rule.ts";
import { isPlaceholder } from "./values.ts";

const DEPTH_MAX = 64; // events of weir are never nested deeper; what is deeper is dropped, since nobody looked at it

const NAME =
  /(?:^|[_.\-\s])(?:pass|passwd|pwd|passphrase)$|(?:password|passwd|passphrase|passcode|mnemonic|secret|token|cookie|authorization|credentials?|connection[_-]?string|(?:api|access|auth|private|account|signing|encryption|master|shared|secret|service|session|storage|app|deploy|subscription)[_-]?key)(?:[_-]?\d{1,3})?$|^_?auth$/i;
/** Something of each of these names: compiling the whole takes a tenth of the time that a hook may take. */
const PART = /pass|pwd|mnemonic|secret|token|cookie|auth|credential|connection|key/i;
const CAMEL_PASS = /[a-z](?:Pass|Pwd)$/;
const HARMLESS =
  /(?:page|next|sync|cursor|cancell?ation|cancel|continuation|start|stop|bos|eos|pad|unk|sep|cls|mask|max|min|input|output|total|num|per|first|last)[_-]?token$|public[_-]?key$/i;

/** What kind of secret a field of this name holds, or undefined where the name says nothing. */
export function kindOfName(name: string): string | undefined {
  if (name.length > 128 || !PART.test(name) || !(NAME.test(name) || CAMEL_PASS.test(name)) || HARMLESS.test(name))
    return undefined;
  if (/authorization$|auth$/i.test(name)) return "authorization";
  if (/cookie$/i.test(name)) return "cookie";
  if (/key\d*$/i.test(name)) return /secret/i.test(name) ? "secret" : "api_key";
  if (/token/i.test(name)) return "token";
  return /secret|credential|string/i.test(name) ? "secret" : "password";
}

const SCHEME = /^((?:bearer|basic|token|digest|negotiate|apikey)[ \t]+)/i;

function hide(kind: string, value: string): string {
  if (isPlaceholder(value.replace(SCHEME, ""))) return value;
  if (kind === "authorization") return (SCHEME.exec(value)?.[1] ?? "") + mark(kind);
  if (kind === "cookie" && !value.includes("=") && value.length < 8) return value;
  return mark(kind);
}

/** Strings directly under a secret name: the value itself, those of a list, and OTLP's `{stringValue}`. */
function hideValue(kind: string, value: unknown): unknown {
  if (typeof value === "string") return hide(kind, value);
  if (Array.isArray(value)) return value.map((item) => (typeof item === "string" ? hide(kind, item) : item));
  if (isRecord(value) && typeof value.stringValue === "string") {
    return { ...value, stringValue: hide(kind, value.stringValue) };
  }
  return value;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const proto = Object.getPrototypeOf(value);
  return proto === Object.prototype || proto === null;
}

/** A list such as a program's arguments: the item after `--token` is a token. */
function listOf(items: readonly unknown[], text: (t: string) => string, depth: number): unknown[] {
  return items.map((item, i) => {
    const flag = items[i - 1];
    const kind = typeof flag === "string" && /^--?[A-Za-z]/.test(flag) ? kindOfName(flag) : undefined;
    if (kind && typeof item === "string" && !item.startsWith("-")) return hide(kind, item);
    return walk(item, text, depth + 1);
  });
}

/** Redacts every text inside nested data, and by name what only its field gives away. Never changes its argument. */
export function walk(value: unknown, text: (t: string) => string, depth: number): unknown {
  if (typeof value === "string") return text(value);
  if (typeof value !== "object" || value === null) return value;
  if (depth >= DEPTH_MAX) return mark("too_deep");
  if (Array.isArray(value)) return listOf(value, text, depth);
  if (!isRecord(value)) return value;
  const out: Record<string, unknown> = Object.create(Object.getPrototypeOf(value));
  const pairName = value.name ?? value.key;
  const pairKind = typeof pairName === "string" && "value" in value ? kindOfName(pairName) : undefined;
  for (const [key, item] of Object.entries(value)) {
    const kind = kindOfName(key) ?? (key === "value" ? pairKind : undefined);
    const hidden = kind ? hideValue(kind, item) : item;
    const name = text(key);
    const clean = walk(hidden, text, depth + 1);
    if (name === "__proto__") Object.defineProperty(out, name, { value: clean, enumerable: true, writable: true });
    else out[name] = clean;
  }
  return out;
}
