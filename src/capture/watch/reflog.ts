/** What a line of a reflog says happened. */
export type RefChange =
  | { readonly kind: "commit"; readonly how: string; readonly message: string }
  | {
      readonly kind: "branch";
      readonly action: "switched" | "merged" | "moved";
      readonly branch?: string;
      readonly from?: string;
    };

/** One line of `logs/HEAD`. */
export interface RefLine {
  readonly old: string;
  readonly sha: string;
  /** Microseconds since 1970; git keeps whole seconds. */
  readonly time: number;
  readonly change: RefChange | undefined;
}

const LINE = /^([0-9a-f]{40,64}) ([0-9a-f]{40,64}) .*> (\d{1,12}) [+-]\d{4}\t(.*)$/;
const HOW: Readonly<Record<string, string>> = { initial: "committed", amend: "amended", merge: "merged" };

/** Reads a line of a reflog; undefined where it is none. A message that says nothing of interest has no change. */
export function parseRefLine(text: string): RefLine | undefined {
  const [, old, sha, seconds, message] = LINE.exec(text) ?? [];
  if (old === undefined || sha === undefined || message === undefined) return undefined;
  return { old, sha, time: Number(seconds) * 1_000_000, change: changeOf(message) };
}

/** The words are git's own, see builtin/commit.c, sequencer.c, builtin/merge.c, builtin/checkout.c and builtin/reset.c. */
function changeOf(text: string): RefChange | undefined {
  const commit = /^commit(?: \((\w+)\))?: (.*)$/.exec(text);
  if (commit) return { kind: "commit", how: HOW[commit[1] ?? ""] ?? "committed", message: commit[2]! };
  const other = /^(cherry-pick|revert|rebase \((?:pick|squash|fixup|reword|edit|continue)\)|am): (.*)$/.exec(text);
  if (other) return { kind: "commit", how: other[1]!.startsWith("rebase") ? "rebased" : other[1]!, message: other[2]! };
  const moved = /^checkout: moving from (\S+) to (\S+)$/.exec(text);
  if (moved) return { kind: "branch", action: "switched", branch: moved[2]!, from: moved[1]! };
  const merge = /^merge (\S+): (.*)$/.exec(text);
  if (merge && merge[2] !== "Fast-forward") return { kind: "commit", how: "merged", message: `Merge ${merge[1]}` };
  if (merge) return { kind: "branch", action: "merged", from: merge[1]! };
  if (/^(reset|pull|rebase \(finish\)|rebase \(abort\))/.test(text)) return { kind: "branch", action: "moved" };
  return undefined;
}

/** The branch each line was made on: known for the end, each switch tells it for what stands before. */
export function branchesOf(lines: readonly RefLine[], now: string | undefined): (string | undefined)[] {
  let branch = now;
  return lines
    .toReversed()
    .map(({ change }) => {
      if (change?.kind !== "branch" || change.action !== "switched") return branch;
      branch = change.from;
      return change.branch;
    })
    .reverse();
}
