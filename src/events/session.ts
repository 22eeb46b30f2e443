import { defineEvent } from "../define/event.ts";
import { choice, int, optional, ref, text } from "../define/field.ts";

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
});

export const sessionEnded = defineEvent("session.ended", 1, "An assistant's session ended.", {
  reason: optional(text("why: clear, resume, logout, prompt_input_exit, other, or another word", { max: 64 })),
});

export const sessionTitled = defineEvent("session.titled", 1, "A session was given a title.", {
  title: text("the title or summary", { max: 2_000, private: true }),
});

export const sessionCompacted = defineEvent("session.compacted", 1, "The context of a session was compacted.", {
  trigger: optional(text("manual or auto", { max: 64 })),
  tokens_before: optional(int("tokens in the context before", { min: 0, unit: "token" })),
  tokens_after: optional(int("tokens in the context after", { min: 0, unit: "token" })),
});

export const promptSubmitted = defineEvent("prompt.submitted", 1, "A person gave the assistant a prompt.", {
  text: optional(text("what was typed", { private: true })),
  chars: optional(int("length of the prompt", { min: 0, unit: "character" })),
  kind: choice("typed text, a slash command, or a shell command", ["text", "command", "shell"]),
  prompt_id: optional(ref("the assistant's id of the prompt", { max: 128 })),
  message_id: optional(ref("id of the transcript record", { max: 128 })),
});

export default [sessionStarted, sessionEnded, sessionTitled, sessionCompacted, promptSubmitted] as const;
