/** A word for a POSIX shell, in quotes where it needs them. */
export const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

const WORD = /(?:'[^']*'|"(?:[^"\\]|\\.)*"|\\.|[^\s'"\\])+/g;
const PART = /'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/g;

/**
 * The words of a command as a POSIX shell parts them, without their quotes.
 *
 * @example
 * wordsOf(`A=${quoted("it's here")} ls`); // ["A=it's here", "ls"]
 */
export const wordsOf = (command: string): string[] =>
  (command.match(WORD) ?? []).map((word) =>
    word.replace(
      PART,
      (_, single?: string, double?: string, escaped?: string) =>
        single ?? double?.replace(/\\([$`"\\])/g, "$1") ?? escaped!,
    ),
  );
