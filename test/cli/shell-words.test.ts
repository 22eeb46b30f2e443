import fc from "fast-check";
import { expect, test } from "vitest";
import { quoted, wordsOf } from "../../src/cli/shell-words.ts";

test("words that were quoted are told apart again", () => {
  const word = fc.string({ minLength: 1, unit: fc.constantFrom("a", "/", " ", "'", '"', "\\", "$", "ü", "\n", "=") });
  fc.assert(
    fc.property(fc.array(word), (words) => {
      expect(wordsOf(words.map(quoted).join(" "))).toEqual(words);
    }),
  );
});

test("words are read as a shell does, whoever quoted them", () => {
  expect(wordsOf(`A="/x y" /bin/no\\ de "it's \\"here\\"" || :`)).toEqual([
    "A=/x y",
    "/bin/no de",
    `it's "here"`,
    "||",
    ":",
  ]);
});
