import { defineEvent } from "../define/event.ts";
import { bool, choice, float, int, optional, ref, text } from "../define/field.ts";

export const sessionStarted = defineEvent("session.started", 1, "An assistant's session began or went on.", {
  start: optional(
    text("how it began: startup, resume, clear, compact, fork, or another word of the assistant", { max: 64 }),
  ),
  cwd: optional(text("working directory", { max: 1024 })),
  model: optional(text("model at the start", { max: 256 })),
  assistant_version: optional(text("version of the assistant", { max: 64 })),
  entrypoint: optional(text("how the assistant was called: cli, an editor, an SDK", { max: 64 })),
  parent: optional(ref("session it was resumed or forked from", { max: 128 })),
  agent: optional(text("kind of agent that runs it, where it is not the main one", { max: 256 })),
  transcript_path: optional(text("file the assistant writes the session to", { max: 1024 })),
  idle_s: optional(float("seconds since the last answer, where it goes on", { min: 0, unit: "s" })),
  context_tokens: optional(int("tokens in the context, where it goes on", { min: 0, unit: "token" })),
  cache_expired: optional(bool("whether the prompt cache has likely expired, where it goes on")),
  estimated_cache_write_usd: optional(
    float("the assistant's estimate of writing the cache again", { min: 0, unit: "USD" }),
  ),
});

export const sessionEnded = defineEvent("session.ended", 1, "An assistant's session ended.", {
  reason: optional(text("why: clear, resume, logout, prompt_input_exit, other, or another word", { max: 64 })),
});

export const sessionTitled = defineEvent("session.titled", 1, "A session was given a title.", {
  title: optional(text("the title or summary", { max: 2_000, private: true })),
});

export const sessionCompacted = defineEvent("session.compacted", 1, "The context of a session was compacted.", {
  trigger: optional(text("manual or auto", { max: 64 })),
  tokens_before: optional(int("tokens in the context before", { min: 0, unit: "token" })),
  tokens_after: optional(int("tokens in the context after", { min: 0, unit: "token" })),
  summary: optional(text("what the context became, cut to a bounded length", { private: true })),
});

export const compactionStarted = defineEvent("compaction.started", 1, "A session began to compact its context.", {
  trigger: optional(text("manual or auto", { max: 64 })),
  instructions: optional(text("what the person asked to keep", { max: 8_192, private: true })),
});

export const sessionPrepared = defineEvent("session.prepared", 1, "The assistant set a project up before a session.", {
  trigger: optional(text("init, maintenance, or another word", { max: 64 })),
});

export const promptSubmitted = defineEvent("prompt.submitted", 1, "A person gave the assistant a prompt.", {
  text: optional(text("what was typed", { private: true })),
  chars: optional(int("length of the prompt", { min: 0, unit: "character", sizeOf: "text" })),
  kind: choice("typed text, a slash command, or a shell command", ["text", "command", "shell"]),
  prompt_id: optional(ref("the assistant's id of the prompt", { max: 128 })),
  message_id: optional(ref("id of the transcript record", { max: 128 })),
  permission_mode: optional(text("permission mode at that moment", { max: 64 })),
});

export const promptExpanded = defineEvent(
  "prompt.expanded",
  1,
  "A slash command or an MCP prompt became the text of a prompt.",
  {
    kind: text("slash_command, mcp_prompt, or another word", { max: 64 }),
    command: text("name of the command", { max: 256 }),
    arguments: optional(text("what was given to it", { max: 8_192, private: true })),
    from: optional(text("where the command comes from", { max: 64 })),
    text: optional(text("the prompt it became", { private: true })),
    prompt_id: optional(ref("the assistant's id of the prompt", { max: 128 })),
  },
);

export const sessionForgotten = defineEvent(
  "session.forgotten",
  1,
  "Somebody ordered that what persons wrote and tools printed in a session is to be unreadable from now on.",
  {
    forgotten: ref("the session", { max: 128 }),
    reason: optional(text("why, as whoever ordered it said", { max: 2_000 })),
  },
  { audited: true },
);

export default [
  sessionStarted,
  sessionEnded,
  sessionTitled,
  sessionCompacted,
  compactionStarted,
  sessionPrepared,
  promptSubmitted,
  promptExpanded,
  sessionForgotten,
] as const;
