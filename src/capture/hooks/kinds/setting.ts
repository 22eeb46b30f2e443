import { LIMITS } from "../../../base/limits.ts";
import type { Draft } from "../../../define/event.ts";
import {
  configChanged,
  directoryAdded,
  directoryChanged,
  instructionsLoaded,
  worktreeRemoved,
  worktreeRequested,
} from "../../../events/setting.ts";
import { fileChanged } from "../../../events/work.ts";
import { boundKey } from "../../bound.ts";
import type { HookContext, Payload } from "../payload.ts";

const about = (c: HookContext, path: string) => ({ ...c.envelope, subject: boundKey(path, LIMITS.subject_chars_max) });

export function changedConfig(p: Payload, c: HookContext): Draft[] | undefined {
  const layer = p.text("source", 64);
  return layer === undefined
    ? undefined
    : [configChanged.of({ ...c.envelope, subject: layer }, { layer, path: p.text("file_path", 1024) })];
}

export function loadedInstructions(p: Payload, c: HookContext): Draft[] | undefined {
  const path = p.text("file_path", 1024);
  if (path === undefined) return undefined;
  return [
    instructionsLoaded.of(about(c, path), {
      path,
      memory: p.text("memory_type", 64),
      reason: p.text("load_reason", 64),
      globs: p.json("globs", 8_192),
      trigger_path: p.text("trigger_file_path", 1024),
      parent_path: p.text("parent_file_path", 1024),
    }),
  ];
}

export function changedDirectory(p: Payload, c: HookContext): Draft[] | undefined {
  const to_path = p.text("new_cwd", 1024);
  return to_path === undefined
    ? undefined
    : [directoryChanged.of(about(c, to_path), { from_path: p.text("old_cwd", 1024), to_path })];
}

export function addedDirectory(p: Payload, c: HookContext): Draft[] | undefined {
  const path = p.text("directory", 1024);
  return path === undefined ? undefined : [directoryAdded.of(about(c, path), { path, how: p.text("source", 64) })];
}

const ACTIONS: Readonly<Record<string, "changed" | "created" | "removed">> = {
  change: "changed",
  add: "created",
  unlink: "removed",
};
export function changedFile(p: Payload, c: HookContext): Draft[] | undefined {
  const path = p.text("file_path", 1024);
  const event = p.text("event", 64) ?? "";
  const action = Object.hasOwn(ACTIONS, event) ? ACTIONS[event] : undefined;
  return path === undefined || action === undefined ? undefined : [fileChanged.of(about(c, path), { path, action })];
}

export function requestedWorktree(p: Payload, c: HookContext): Draft[] | undefined {
  const name = p.text("name", 512);
  return name === undefined ? undefined : [worktreeRequested.of({ ...c.envelope, subject: name }, { name })];
}

export function removedWorktree(p: Payload, c: HookContext): Draft[] | undefined {
  const path = p.text("worktree_path", 1024);
  return path === undefined ? undefined : [worktreeRemoved.of(about(c, path), { path })];
}
