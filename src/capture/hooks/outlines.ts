import { claudeCodeOutline } from "../claude-code/hook/outline.ts";
import { codexOutline } from "../codex/outline.ts";
import { copilotOutline } from "../copilot/outline.ts";
import { cursorOutline } from "../cursor/outline.ts";
import { geminiOutline } from "../gemini/outline.ts";
import { opencodeOutline } from "../opencode/outline.ts";
import type { Outline } from "./outline.ts";

/** What is kept of each assistant's payloads at `metadata`. They stand here and not with the mappings, which the program in the assistant's way does not load. */
const OUTLINES: Readonly<Record<string, Outline>> = {
  "claude-code": claudeCodeOutline,
  codex: codexOutline,
  gemini: geminiOutline,
  cursor: cursorOutline,
  copilot: copilotOutline,
  opencode: opencodeOutline,
};

/** An assistant that weir does not know: what the known ones call their sessions and folders, and nothing of its own. */
const UNKNOWN: Outline = {
  ...claudeCodeOutline,
  session: [...new Set(Object.values(OUTLINES).flatMap(({ session }) => session))],
  folder: [...new Set(Object.values(OUTLINES).flatMap(({ folder }) => folder))],
  transcript: [...new Set(Object.values(OUTLINES).flatMap(({ transcript }) => transcript))],
};

/** The outline that holds for an assistant. */
export const outlineFor = (assistant: string): Outline =>
  Object.hasOwn(OUTLINES, assistant) ? OUTLINES[assistant]! : UNKNOWN;
