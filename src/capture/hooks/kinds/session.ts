import { LIMITS } from "../../../base/limits.ts";
import type { Draft } from "../../../define/event.ts";
import {
  compactionStarted,
  promptExpanded,
  promptSubmitted,
  sessionCompacted,
  sessionEnded,
  sessionPrepared,
  sessionStarted,
} from "../../../events/session.ts";
import { boundText } from "../../bound.ts";
import type { HookContext, Payload } from "../payload.ts";

export function startedSession(p: Payload, c: HookContext): Draft[] {
  return [
    sessionStarted.of(c.envelope, {
      start: p.text("source", 64),
      cwd: c.cwd,
      model: p.text("model", 256),
      agent: c.agent_type,
      transcript_path: c.transcript_path,
      idle_s: p.number("seconds_since_last_response"),
      context_tokens: p.count("context_tokens"),
      cache_expired: p.bool("prompt_cache_likely_expired"),
      estimated_cache_write_usd: p.number("estimated_cache_write_usd"),
    }),
  ];
}

export const endedSession = (p: Payload, c: HookContext): Draft[] => [
  sessionEnded.of(c.envelope, { reason: p.text("reason", 64) }),
];

export const preparedSession = (p: Payload, c: HookContext): Draft[] => [
  sessionPrepared.of(c.envelope, { trigger: p.text("trigger", 64) }),
];

export const startedCompaction = (p: Payload, c: HookContext): Draft[] => [
  compactionStarted.of(c.envelope, {
    trigger: p.text("trigger", 64),
    instructions: p.text("custom_instructions", 8_192),
  }),
];

export const compactedSession = (p: Payload, c: HookContext): Draft[] => [
  sessionCompacted.of(c.envelope, {
    trigger: p.text("trigger", 64),
    summary: p.text("compact_summary", LIMITS.prompt_chars_max),
  }),
];

/** Sources of a prompt that are no person; the transcript's mapping leaves the same ones out. */
const MACHINES = ["system", "loop_wakeup", "schedule_wakeup", "poll_event"];

/**
 * A prompt. Its key is the prompt's id, which the transcript carries too, so both are one prompt. Versions before 2.1.196 give none: there the
 * prompt stands for itself. Undefined where no person gave it.
 */
export function submittedPrompt(p: Payload, c: HookContext): Draft[] | undefined {
  const prompt = p.any("prompt");
  if (typeof prompt !== "string" || c.agent !== undefined) return undefined;
  if (MACHINES.includes(p.text("source", 64) ?? "")) return undefined;
  return [
    promptSubmitted.of(
      { ...c.envelope, ...(c.prompt_id === undefined ? {} : { fact: `prompt:${c.prompt_id}` }) },
      {
        text: boundText(prompt, LIMITS.prompt_chars_max),
        chars: prompt.length,
        kind: /^\/[a-zA-Z]/.test(prompt) ? "command" : "text",
        prompt_id: c.prompt_id,
        permission_mode: c.permission_mode,
      },
    ),
  ];
}

export function expandedPrompt(p: Payload, c: HookContext): Draft[] | undefined {
  const command = p.text("command_name", 256);
  if (command === undefined) return undefined;
  return [
    promptExpanded.of(
      { ...c.envelope, subject: command },
      {
        kind: p.text("expansion_type", 64) ?? "unknown",
        command,
        arguments: p.text("command_args", 8_192),
        from: p.text("command_source", 64),
        text: p.text("prompt", LIMITS.prompt_chars_max),
        prompt_id: c.prompt_id,
      },
    ),
  ];
}
