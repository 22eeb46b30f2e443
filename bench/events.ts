import type { Draft } from "../src/define/event.ts";

const TOOLS = ["Bash", "Read", "Edit", "mcp__filesystem__read_file"];
/** Events of one session before the next begins, as in the sessions of the transcripts. */
const SESSION_EVENTS = 500;

/** The i-th tool-call event of a load: about 350 bytes as JSON, a call of its own, 500 to a session. */
export function toolCall(i: number, run: string): Draft {
  return {
    type: "tool.called",
    subject: TOOLS[i % 4]!,
    session: `5f1c1c5e-8d1b-4a53-${run}-${String(Math.floor(i / SESSION_EVENTS)).padStart(8, "0")}`,
    project: "/home/user/project",
    assistant: "claude-code",
    data: {
      tool: TOOLS[i % 4]!,
      call_id: `toolu_${run}_${String(i).padStart(12, "0")}`,
      input: `{"path":"/home/user/project/src/module-${i % 997}/index.ts"}`,
      duration_ms: ((i * 7_919) % 100_000) / 100,
      success: i % 50 !== 0,
      output_bytes: i % 30_000,
      file_path: `/home/user/project/src/module-${i % 997}/index.ts`,
    },
  };
}
