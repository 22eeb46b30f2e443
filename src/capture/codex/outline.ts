import { claudeCodeOutline } from "../claude-code/hook/outline.ts";
import { named, type Outline, size } from "../hooks/outline.ts";

/** What payloads of Codex CLI hold beside texts: those of its hooks, and the one of `notify`. */
export const codexOutline: Outline = {
  ...claudeCodeOutline,
  session: ["session_id", "thread-id"],
  kind: ["hook_event_name", "type"],
  kept: {
    ...claudeCodeOutline.kept,
    ...named("turn_id", "type", "thread-id", "turn-id"),
    tool_response: size,
  },
};
