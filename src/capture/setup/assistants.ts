import { claudeCodeSetup } from "../claude-code/setup.ts";
import { codexSetup } from "../codex/setup.ts";
import { copilotSetup } from "../copilot/setup.ts";
import { cursorSetup } from "../cursor/setup.ts";
import { geminiSetup } from "../gemini/setup.ts";
import { opencodeSetup } from "../opencode/setup.ts";
import type { Setup } from "./setup.ts";

/** Every assistant that weir can enter itself in. */
export const SETUPS: readonly Setup[] = [
  claudeCodeSetup,
  codexSetup,
  geminiSetup,
  cursorSetup,
  copilotSetup,
  opencodeSetup,
];
