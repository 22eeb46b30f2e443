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
  const time = Number(seconds) * 1_000_000;
  // a stash resets to where HEAD is already, a checkout may name the branch it is on
  if (old === sha && STAYS.test(message)) return { old, sha, time, change: undefined };
  return { old, sha, time, change: changeOf(message) };
}

const STAYS = /^(?:reset: |checkout: moving from (\S+) to \1$)/;
/** A pull writes its own words before those of the merge or rebase it does. */
const REBASE = /^(?:rebase|pull(?: .*?)?) \((\w+)\): (.*)$/;
const REMADE = new Set(["pick", "squash", "fixup", "reword", "edit", "continue", "merge"]);

/** The words are git's own, see builtin/commit.c, sequencer.c, builtin/merge.c, builtin/checkout.c and builtin/reset.c. */
function changeOf(text: string): RefChange | undefined {
  const commit = /^commit(?: \((\w+)\))?: (.*)$/.exec(text);
  if (commit) return { kind: "commit", how: HOW[commit[1] ?? ""] ?? "committed", message: commit[2]! };
  const other = /^(cherry-pick|revert|am): (.*)$/.exec(text);
  // one that could go on to the commit itself made none
  if (other?.[2] === "fast-forward") return { kind: "branch", action: "moved" };
  if (other) return { kind: "commit", how: other[1]!, message: other[2]! };
  const [, step = "", message = ""] = REBASE.exec(text) ?? [];
  if (REMADE.has(step)) return { kind: "commit", how: "rebased", message };
  if (step !== "") return step === "finish" || step === "abort" ? { kind: "branch", action: "moved" } : undefined;
  const moved = /^checkout: moving from (\S+) to (\S+)$/.exec(text);
  if (moved) return { kind: "branch", action: "switched", branch: moved[2]!, from: moved[1]! };
  const merge = /^merge (.+?): (.*)$/.exec(text);
  // what may follow the word tells of an option that was left aside
  if (merge?.[2]?.startsWith("Fast-forward")) return { kind: "branch", action: "merged", from: merge[1]! };
  if (merge) return { kind: "commit", how: "merged", message: `Merge ${merge[1]}` };
  if (/^pull\b.*: Merge made by /.test(text)) return { kind: "commit", how: "merged", message: "Merge" };
  if (/^(reset|pull)\b/.test(text)) return { kind: "branch", action: "moved" };
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
