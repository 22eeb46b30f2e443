/** Pairs of lines compared at most; larger changes are shown as one block. */
const PAIRS_MAX = 4_000_000;
/** Unchanged lines shown around a change. */
const AROUND = 3;

type Step = readonly [" " | "+" | "-", string];

/** What changes between two texts, by lines, in the form of `diff -u` without line numbers. */
export function diffLines(before: string, after: string): string[] {
  const steps = stepsOf(before === "" ? [] : before.split("\n"), after === "" ? [] : after.split("\n"));
  const near = new Set<number>();
  for (const [k, [kind]] of steps.entries())
    if (kind !== " ") for (let at = k - AROUND; at <= k + AROUND; at++) near.add(at);
  const out: string[] = [];
  for (const [k, [kind, line]] of steps.entries()) {
    if (!near.has(k)) continue;
    if (k > 0 && !near.has(k - 1)) out.push("@@");
    out.push(`${kind}${line}`);
  }
  return out;
}

function stepsOf(a: readonly string[], b: readonly string[]): Step[] {
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  const same = (lines: readonly string[]): Step[] => lines.map((line) => [" ", line]);
  return [
    ...same(a.slice(0, start)),
    ...middle(a.slice(start, a.length - end), b.slice(start, b.length - end)),
    ...same(a.slice(a.length - end)),
  ];
}

/** The longest common part of two lists of lines, by the textbook table. */
function middle(a: readonly string[], b: readonly string[]): Step[] {
  if (a.length * b.length > PAIRS_MAX) return [...a.map((l): Step => ["-", l]), ...b.map((l): Step => ["+", l])];
  const width = b.length + 1;
  const common = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      common[i * width + j] =
        a[i] === b[j]
          ? common[(i + 1) * width + j + 1]! + 1
          : Math.max(common[(i + 1) * width + j]!, common[i * width + j + 1]!);
  const out: Step[] = [];
  for (let i = 0, j = 0; i < a.length || j < b.length; ) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      out.push([" ", a[i]!]);
      i++;
      j++;
    } else if (i < a.length && (j === b.length || common[(i + 1) * width + j]! >= common[i * width + j + 1]!))
      out.push(["-", a[i++]!]);
    else out.push(["+", b[j++]!]);
  }
  return out;
}
