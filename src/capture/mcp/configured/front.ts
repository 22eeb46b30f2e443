import { basename } from "node:path";
import type { Configured } from "./editor.ts";

/** How weir stands to a server. */
export type Standing =
  /** It is weir's own. */
  | { readonly kind: "weir" }
  /** weir's proxy stands in front, put there by `wrap --all` or by hand: so many words do. */
  | { readonly kind: "wrapped"; readonly count: number; readonly byHand: boolean; readonly words: readonly string[] }
  | { readonly kind: "bare" };

const isEntry = (word: string): boolean => /(?:^|[\\/])src[\\/]cli\.(?:js|ts)$/.test(word);
/** Words up to weir's own program: its name, or Node with a file of ours. */
function programWords(words: readonly string[]): number {
  if (/^weir(?:\.cmd|\.exe)?$/.test(basename(words[0] ?? ""))) return 1;
  const at = words.findIndex(isEntry);
  return at > 0 && at <= 3 && /^node(?:\.exe)?$/.test(basename(words[0]!)) ? at + 1 : 0;
}

/** What the words of a server's command say about weir. */
export function standingOf({ words }: Configured): Standing {
  if (!words) return { kind: "bare" };
  const program = programWords(words);
  if (program === 0) return { kind: "bare" };
  if (words[program] !== "wrap") return words[program] === "mcp" ? { kind: "weir" } : { kind: "bare" };
  let at = program + 1;
  const names: string[] = [];
  while (at < words.length && words[at]!.startsWith("--") && words[at] !== "--") {
    names.push(words[at]!.split("=")[0]!);
    at += words[at]!.includes("=") ? 1 : 2;
  }
  const separated = words[at] === "--";
  const count = separated ? at + 1 : at;
  if (count >= words.length) return { kind: "bare" };
  const ours = separated && names[0] === "--name" && names.slice(1).every((name) => name === "--data-dir");
  return { kind: "wrapped", count, byHand: !ours || program === 1, words: words.slice(count) };
}

/** The words that put the proxy in front of a server. `program` starts weir. */
export const frontOf = (program: readonly string[], name: string, dataDir: string | undefined): string[] => [
  ...program,
  "wrap",
  "--name",
  name,
  ...(dataDir === undefined ? [] : ["--data-dir", dataDir]),
  "--",
];
