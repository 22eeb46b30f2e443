import { LIMITS } from "../../base/limits.ts";
import { modelCalled } from "../../events/model.ts";
import { sessionStarted } from "../../events/session.ts";
import { fileChanged } from "../../events/work.ts";
import { boundKey, short } from "../bound.ts";
import { compactedSession, submittedPrompt } from "../hooks/kinds/session.ts";
import { answered, requestedPermission, startedTool } from "../hooks/kinds/tools.ts";
import { brokenTurn, endedTurn } from "../hooks/kinds/turn.ts";
import type { HookSource, Kind } from "../hooks/source.ts";
import { countOf, isLoose, type Loose, listOf, looseOf, textOf } from "../loose.ts";
import { opencodeOutline } from "./outline.ts";

const startedSession: Kind = (p, c) => {
  const info = looseOf(p.any("info"));
  const parent = short(info.parentID, 128);
  return [
    sessionStarted.of(c.envelope, {
      start: parent === undefined ? "startup" : "fork",
      cwd: c.cwd,
      assistant_version: short(info.version, 64),
      parent,
    }),
  ];
};

/** A model's answer, once it is whole: OpenCode repeats a message while it grows. The cached tokens stand beside the input, the reasoning beside the output. */
const answeredModel: Kind = (p, c) => {
  const info = looseOf(p.any("info"));
  const { created, completed } = looseOf(info.time);
  const id = textOf(info.id);
  if (info.role !== "assistant" || typeof completed !== "number" || id === undefined) return undefined;
  const tokens = looseOf(info.tokens);
  const { read, write } = looseOf(tokens.cache);
  const reasoning_tokens = countOf(tokens.reasoning);
  const message_id = boundKey(id, 128);
  const failed = isLoose(info.error);
  return [
    modelCalled.of(
      { ...c.envelope, fact: `model:${message_id}` },
      {
        model: short(info.modelID, 256) ?? "unknown",
        provider: short(info.providerID, 64),
        message_id,
        input_tokens: countOf(tokens.input),
        output_tokens: countOf(tokens.output) + reasoning_tokens,
        cache_creation_tokens: countOf(write),
        cache_read_tokens: countOf(read),
        reasoning_tokens,
        duration_ms: typeof created === "number" && completed >= created ? completed - created : undefined,
        stop_reason: short(info.finish, 64),
        reported_cost_usd: typeof info.cost === "number" && info.cost >= 0 ? info.cost : undefined,
        ...(failed && { success: false, error: errorOf(info.error) ?? "error" }),
      },
    ),
  ];
};

const errorOf = (error: unknown): string | undefined =>
  short(looseOf(looseOf(error).data).message, 4_000) ?? short(looseOf(error).name, 4_000);

/** A call that failed is told by its part of the message alone: the hook after a call is for those that worked. */
const failedTool: Kind = (p, c) => {
  const { status, error, time } = looseOf(p.any("state"));
  if (status !== "error") return undefined;
  const { start, end } = looseOf(time);
  const duration_ms = typeof start === "number" && typeof end === "number" && end >= start ? end - start : undefined;
  const told = { ...p, number: (name: string) => (name === "duration_ms" ? duration_ms : p.number(name)) };
  return answered(() => ({ success: false, error: textOf(error) }))(told, c);
};

const editedFile: Kind = (p, c) => {
  const path = p.text("file", 1024);
  if (path === undefined) return undefined;
  return [
    fileChanged.of({ ...c.envelope, subject: boundKey(path, LIMITS.subject_chars_max) }, { path, action: "changed" }),
  ];
};

/**
 * OpenCode, whose plugin (`plugin.ts`) gives what it is called with: the name of the hook or of the bus's event, and its parts. All ids are OpenCode's own,
 * of the session, the message and the call.
 */
export const opencode: HookSource = {
  name: "opencode",
  assistant: "opencode",
  outline: opencodeOutline,
  names: {
    session_id: "sessionID",
    prompt_id: "messageID",
    cwd: "directory",
    tool_name: "tool",
    tool_use_id: "callID",
    tool_input: "args",
    tool_response: "output",
  },
  time: "time",
  repeated: ["agent", "variant", "title", "id", "metadata", "model"],
  flat,
  // a model on this machine may number its calls from 1 in each session
  context: (context) => ({ ...context, calls_in: context.session }),
  kinds: {
    "session.created": startedSession,
    "session.compacted": compactedSession,
    "session.idle": endedTurn,
    "session.error": (p, c) => {
      const error = p.any("error");
      return brokenTurn(short(looseOf(error).name, 128) ?? "error", errorOf(error))(p, c);
    },
    "chat.message": submittedPrompt,
    "message.updated": answeredModel,
    "tool.execute.before": startedTool,
    "tool.execute.after": answered((response, p) => {
      const { exit } = looseOf(p.any("metadata"));
      return { output: textOf(response), success: typeof exit !== "number" || exit === 0 };
    }),
    "message.part.updated": failedTool,
    "permission.ask": requestedPermission,
    "file.edited": editedFile,
  },
};

/** The parts of a payload side by side. */
function flat(loose: Loose): Loose {
  const { hook, time, directory, input, output, event, ...more } = loose;
  const head = { ...more, time, directory };
  if (isLoose(event)) {
    const { type, properties } = event;
    const { info, part, ...rest } = looseOf(properties);
    const about = looseOf(info ?? part);
    if (isLoose(part)) {
      const { type: _, messageID: __, state, metadata, ...of } = about; // the message is the answer, no prompt
      const { input: args } = looseOf(state);
      return { ...head, hook_event_name: type, ...of, state, args, metadata };
    }
    return {
      ...head,
      hook_event_name: type,
      sessionID: about.sessionID ?? (type === "session.created" ? about.id : undefined),
      ...(about.directory === undefined ? {} : { directory: about.directory }),
      ...(info === undefined ? {} : { info }),
      ...rest,
    };
  }
  if (hook === "chat.message") {
    const { message, parts } = looseOf(output);
    const { messageID, ...rest } = looseOf(input);
    const own = listOf(parts)
      .map(looseOf)
      .filter((part) => part.type === "text" && part.synthetic !== true);
    const prompt = own.map((part) => textOf(part.text) ?? "").join("\n");
    const others = listOf(parts).length - own.length;
    return {
      ...head,
      hook_event_name: hook,
      ...rest,
      messageID: messageID ?? looseOf(message).id,
      prompt,
      ...(others > 0 && { other_parts: listOf(parts).map((part) => looseOf(part).type) }),
    };
  }
  if (hook === "permission.ask") {
    const { type, messageID: _, metadata, pattern, ...rest } = looseOf(input);
    return { ...head, hook_event_name: hook, ...rest, tool: type, args: { ...looseOf(metadata), pattern } };
  }
  return { ...head, hook_event_name: hook, ...looseOf(input), ...looseOf(output) };
}
