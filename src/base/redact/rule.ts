/**
 * One way to find secrets. A hint is the source of a regular expression; one of them matches somewhere in every text that
 * `apply` changes. Hints are ASCII only and have no anchor and no look-around that asks for absence, so they still match
 * when the text is joined with others or seen as the latin1 view of its UTF-8 bytes. Letter case is ignored.
 */
export interface Rule {
  readonly hints: readonly string[];
  /** Letter case counts, and every match of the hints lies in or at most 8 characters before {@link RUN_CHARS} token characters in a row. */
  readonly inRun?: true;
  /**
   * With `inRun`: every match of the hints begins with the run, behind at most the rest of an escape (`start`), or in the few characters before it, of
   * which the last is `.`, `/` or `:` (`lead`). Then a run is looked at once, and not at each of its characters.
   */
  readonly at?: "start" | "lead";
  /** What of which some stands in the lower-case form of every text that `apply` changes; told by rules that are not `inRun`. */
  readonly words?: readonly (string | RegExp)[];
  readonly apply: (text: string) => string;
}

/** A run of this many letters, digits, `_` and `-` is where the tokens of most providers are looked for. */
export const RUN_CHARS = 20;

/** What is made when it is first asked for. A process that looks at one text needs few of the expressions, and each takes time to make. */
export function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

/** What stands in the place of a secret. */
export function mark(kind: string): string {
  return `[redacted:${kind}]`;
}

/** Text that begins with a mark of an earlier run. */
export function isMarked(value: string): boolean {
  return value.startsWith("[redacted:");
}

/**
 * Where a token may begin: after a character that no token holds, or after an escape (`\n`, `\u0022`, `%3D`, a terminal
 * colour) whose last letter only looks like one.
 */
export const START =
  "(?:(?<![A-Za-z0-9_-])|(?<=\\\\[nrtbf])|(?<=\\\\u[0-9a-fA-F]{4})|(?<=\\[[0-9;]{0,10}m)|(?<=%[0-9a-fA-F]{2}))";
