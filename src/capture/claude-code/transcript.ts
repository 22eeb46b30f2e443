import { LIMITS } from "../../base/limits.ts";
import type { Draft } from "../../define/event.ts";
import { modelCalled } from "../../events/model.ts";
import { promptSubmitted } from "../../events/session.ts";
import { boundKey, boundText, idText, short } from "../bound.ts";
import { isLoose, type Loose, textOf } from "../loose.ts";
import { promptOf } from "./prompt.ts";
import { type Context, contextOf, idOf } from "./record.ts";
import {
  compactedSession,
  type LeafOf,
  leafIn,
  noteRecent,
  noteTitle,
  placeTitles,
  releaseStart,
  startedSession,
} from "./session.ts";
import { remember, type State } from "./state.ts";
import { endedTools, startedTools } from "./tools.ts";
import { answerKey, totalOf, usageOf } from "./usage.ts";
import { linkedPullLine } from "./work.ts";

export { type State, startTranscript, type TranscriptFile } from "./state.ts";

/**
 * Maps one record of a Claude Code transcript to events, and moves the state on.
 *
 * Each id is derived from what identifies the record itself, so history that a resumed or forked session copied under a new session id
 * gives the same ids again; whoever takes events by id keeps those of the session that had it first, when older files are fed first.
 *
 * Usage: the lines of one answer repeat its usage, and early lines can carry a placeholder. An event goes out at the first line, and
 * again at each line with a larger total; all carry the answer's key as `fact`, and the largest total of a fact counts. So nothing
 * depends on where a file was cut between two runs. Copies of usage in tool results and progress records are never read.
 *
 * @example
 * const state = startTranscript({ name: "0d3a8e6f.jsonl" });
 * const drafts = lines.flatMap((line, index) => mapRecord(state, JSON.parse(line), index + 1));
 * drafts.push(...endTranscript(state));
 */
export function mapRecord(state: State, record: unknown, line: number): Draft[] {
  if (!isLoose(record)) return [];
  const context = contextOf(state, record, line);
  noteTitle(state, record);
  if (!context) return [];
  noteRecent(state, context);
  const drafts = startedSession(state, context);
  if (record.type === "assistant" && isLoose(record.message)) {
    drafts.push(...calledModel(state, context, record.message), ...startedTools(state, context, record.message));
  } else if (record.type === "user") {
    drafts.push(...submittedPrompt(state, context), ...endedTools(state, context));
  } else if (record.type === "system") {
    drafts.push(...compactedSession(context));
  } else if (record.type === "pr-link") {
    drafts.push(...linkedPullLine(context));
  }
  drafts.push(...placeTitles(state, leafIn(state)));
  return drafts;
}

/**
 * Gives out what was held back: the start of a session without answer yet, and titles whose record `leafOf` finds in another file.
 * May be called whenever reading stops; mapping goes on with the same state afterwards.
 */
export function endTranscript(state: State, leafOf: LeafOf = () => undefined): Draft[] {
  return [...releaseStart(state), ...placeTitles(state, leafOf)];
}

function calledModel(state: State, context: Context, message: Loose): Draft[] {
  const usage = usageOf(message.usage);
  // text the program itself made carries that name, and no usage
  if (usage === undefined || message.model === "<synthetic>") return [];
  const key = boundKey(answerKey(context.record, message, context.own), 480);
  const total = totalOf(usage);
  const known = state.answers.find((answer) => answer[0] === key);
  if (known && known[1] >= total) return [];
  if (known) known[1] = total;
  else remember(state.answers, [key, total], LIMITS.recent_answers_max);
  const figures = [usage.input_tokens, usage.output_tokens, usage.cache_creation_tokens, usage.cache_read_tokens];
  return [
    modelCalled.of(
      { ...context.envelope, id: idOf(context, "model.called", key, ...figures), fact: `model:${key}` },
      {
        model: short(message.model, 256) ?? "unknown",
        provider: "anthropic",
        message_id: idText(message.id),
        request_id: idText(context.record.requestId),
        ...usage,
        stop_reason: short(message.stop_reason, 64),
        agent: context.agent,
      },
    ),
  ];
}

function submittedPrompt(state: State, context: Context): Draft[] {
  const { record, own, envelope } = context;
  const prompt = context.agent === undefined ? promptOf(record) : undefined;
  if (!prompt) return [];
  const prompt_id = idText(record.promptId);
  // a command the program runs itself, such as /exit, carries the id of the prompt before it
  const shared = prompt_id !== undefined && state.prompted?.[0] === prompt_id && state.prompted[1] !== own;
  if (prompt_id !== undefined && !shared) state.prompted = [prompt_id, own];
  const key = prompt_id === undefined || shared ? own : prompt_id;
  return [
    promptSubmitted.of(
      { ...envelope, id: idOf(context, "prompt.submitted", own), fact: `prompt:${key}` },
      {
        text: boundText(prompt.text, LIMITS.prompt_chars_max),
        chars: prompt.text.length,
        kind: prompt.kind,
        prompt_id,
        message_id: textOf(record.uuid) === undefined ? undefined : own,
      },
    ),
  ];
}
