import { defineEvent } from "../define/event.ts";
import { choice, int, optional, ref, text } from "../define/field.ts";

export const fileChanged = defineEvent("file.changed", 1, "A file was read, made, changed or removed.", {
  path: text("path of the file", { max: 1024 }),
  action: choice("what happened to it", ["read", "created", "changed", "removed", "renamed"]),
  call_id: optional(ref("tool call that did it", { max: 128 })),
  lines_added: optional(int("lines added", { min: 0, unit: "line" })),
  lines_removed: optional(int("lines removed", { min: 0, unit: "line" })),
  from_path: optional(text("path before a rename", { max: 1024 })),
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

export default [fileChanged, commitCreated] as const;
