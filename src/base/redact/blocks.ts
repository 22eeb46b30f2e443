import { mark, type Rule } from "./rule.ts";

const BEGIN = /-{4,5} ?BEGIN (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)? ?-{4,5}|Private-Lines: [0-9]{1,4}/g;
const END = /-{4,5} ?END (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)? ?-{4,5}/g;
const BLOCK_CHARS_MAX = 65_536; // an END further away belongs to another block
/** Key material: lines of base64, with whatever a terminal, a diff, a quoted string or JSON put around them. */
const LINE =
  /(?:[\s"'`+|,;>│→]|\\+[nrtu"]|[0-9]{1,6}[→|:\t]|(?:Proc-Type|DEK-Info|Comment|Version|Hash|Charset|Encryption|Subject): ?[^\n\\]{1,100}){0,64}[A-Za-z0-9+/]{16,}={0,2}/y;
/** The last line of a block may be short. */
const LAST = /(?:[\s"'`+|,]|\\+[nrt"]){1,8}(?:[A-Za-z0-9+/]{1,15}={1,2}|=[A-Za-z0-9+/]{4})/y;
const MATERIAL = /[A-Za-z0-9+/]{16}/;

/** End of the key material that begins at `from`, or `from` where there is none. Reads each character once. */
function endOfLines(text: string, from: number): number {
  let at = from;
  for (;;) {
    LINE.lastIndex = at;
    if (!LINE.test(text)) break;
    at = LINE.lastIndex;
  }
  if (at === from) return from;
  LAST.lastIndex = at;
  return LAST.test(text) ? LAST.lastIndex : at;
}

/** The END line at or after a place; asked for growing places, it searches the text once, however many BEGINs there are. */
function endFinder(text: string): (from: number) => { start: number; end: number } | undefined {
  let found: { start: number; end: number } | undefined = { start: -1, end: -1 };
  return (from) => {
    while (found && found.start < from) {
      END.lastIndex = Math.max(from, found.end);
      const match = END.exec(text);
      found = match ? { start: match.index, end: END.lastIndex } : undefined;
    }
    return found;
  };
}

function apply(text: string): string {
  const nextEnd = endFinder(text);
  let out = "";
  let kept = 0;
  for (const begin of text.matchAll(BEGIN)) {
    if (begin.index < kept) continue;
    const body = begin.index + begin[0].length;
    const end = nextEnd(body);
    let stop = body;
    if (end && end.start - body < BLOCK_CHARS_MAX) {
      const between = text.slice(body, end.start);
      if (!between.includes("BEGIN ") && MATERIAL.test(between)) stop = end.end;
    }
    if (stop === body) stop = endOfLines(text, body);
    if (stop === body) continue; // the words alone, for example in a pattern that searches for keys
    out += text.slice(kept, begin.index) + mark("private_key");
    kept = stop;
  }
  return kept === 0 ? text : out + text.slice(kept);
}

/** PEM, OpenSSH, PGP and PuTTY private keys, whole or cut before their end. */
export const BLOCK_RULES: readonly Rule[] = [
  { hints: ["BEGIN [A-Z0-9 ]{0,80}PRIVATE KEY", "Private-Lines: "], words: ["private key", "private-lines: "], apply },
];
