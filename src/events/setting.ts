import { defineEvent } from "../define/event.ts";
import { bool, choice, json, optional, text } from "../define/field.ts";

const file = text("file", { max: 1024 });

export const configChanged = defineEvent("config.changed", 1, "A setting of the assistant changed while it ran.", {
  layer: text("user_settings, project_settings, local_settings, policy_settings, skills, or another word", { max: 64 }),
  path: optional(file),
});

export const privacyChanged = defineEvent(
  "privacy.changed",
  1,
  "Somebody chose how much of what persons write and tools print is kept.",
  {
    path: text("the folder it was chosen for, or default", { max: 1024 }),
    level: optional(choice("what is kept there from then on, where it was chosen", ["metadata", "redacted", "full"])),
    encrypt: optional(bool("whether private fields are encrypted there from then on, where it was chosen")),
    removed: optional(bool("the choice was taken back")),
  },
  { audited: true },
);

export const instructionsLoaded = defineEvent(
  "instructions.loaded",
  1,
  "The assistant took a file of instructions into its context.",
  {
    path: text("file of instructions", { max: 1024 }),
    memory: optional(text("kind of memory it belongs to", { max: 64 })),
    reason: optional(text("why it was loaded", { max: 64 })),
    globs: optional(json("files it applies to, as JSON", { max: 8_192 })),
    trigger_path: optional(text("file that made it load", { max: 1024 })),
    parent_path: optional(text("file that includes it", { max: 1024 })),
  },
);

export const directoryChanged = defineEvent("directory.changed", 1, "The working directory of a session changed.", {
  from_path: optional(text("directory before", { max: 1024 })),
  to_path: text("directory after", { max: 1024 }),
});

export const directoryAdded = defineEvent("directory.added", 1, "A session may work in one more directory.", {
  path: text("directory", { max: 1024 }),
  how: optional(text("slash_command, register_repo_root, or another word", { max: 64 })),
});

export const worktreeRequested = defineEvent("worktree.requested", 1, "A git worktree was asked for.", {
  name: text("its name", { max: 512 }),
});
export const worktreeRemoved = defineEvent("worktree.removed", 1, "A git worktree was removed.", {
  path: text("its folder", { max: 1024 }),
});

export default [
  configChanged,
  privacyChanged,
  instructionsLoaded,
  directoryChanged,
  directoryAdded,
  worktreeRequested,
  worktreeRemoved,
] as const;
