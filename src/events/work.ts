import { defineEvent } from "../define/event.ts";
import { bool, choice, int, optional, ref, text } from "../define/field.ts";

export const fileChanged = defineEvent("file.changed", 1, "A file was read, made, changed or removed.", {
  path: text("path of the file", { max: 1024 }),
  action: choice("what happened to it", ["read", "created", "changed", "removed", "renamed"]),
  call_id: optional(ref("tool call that did it", { max: 128 })),
  lines_added: optional(int("lines added", { min: 0, unit: "line" })),
  lines_removed: optional(int("lines removed", { min: 0, unit: "line" })),
  from_path: optional(text("path before a rename", { max: 1024 })),
  files: optional(int("files it stands for, where many changed at once and path is their folder", { min: 2 })),
});

export const commitCreated = defineEvent("commit.created", 1, "A git commit was made.", {
  sha: ref("hash of the commit, short or long", { max: 64 }),
  kind: optional(text("committed, amended, merged, or another word", { max: 32 })),
  message: optional(text("first line of its message", { max: 1_000, private: true })),
  author: optional(text("who made it", { max: 256, private: true })),
  files: optional(int("files it changed", { min: 0 })),
  call_id: optional(ref("tool call that made it", { max: 128 })),
  pull_request: optional(int("number of the pull request it belongs to", { min: 0 })),
});

export const pullRequestLinked = defineEvent(
  "pull_request.linked",
  1,
  "A session made a pull request, or did something with one.",
  {
    number: int("its number", { min: 0 }),
    repository: optional(text("repository it is in, with its owner", { max: 256 })),
    url: optional(text("its page", { max: 1024 })),
    action: optional(text("created, edited, commented, merged, or another word", { max: 32 })),
    call_id: optional(ref("tool call that did it", { max: 128 })),
  },
);

export const branchChanged = defineEvent(
  "branch.changed",
  1,
  "A git branch was made, left for another, merged, moved or removed.",
  {
    branch: text("the branch, or a hash where none was checked out", { max: 512 }),
    action: choice("what happened; moved: it points elsewhere after a reset, pull or rebase", [
      "created",
      "switched",
      "merged",
      "moved",
      "removed",
    ]),
    from_branch: optional(text("branch that was left, or merged into this one", { max: 512 })),
    sha: optional(ref("hash it points to now, or pointed to last", { max: 64 })),
  },
);

export const watchSet = defineEvent(
  "watch.set",
  1,
  "A folder was put under watch, or taken out of it.",
  {
    path: text("the folder", { max: 1024 }),
    watched: bool("whether its files and its git repository are watched"),
  },
  { audited: true },
);

export default [fileChanged, commitCreated, pullRequestLinked, branchChanged, watchSet] as const;
