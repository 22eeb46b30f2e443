import { LIMITS } from "../../../base/limits.ts";
import type { Draft } from "../../../define/event.ts";
import {
  agentEnded,
  agentStarted,
  elicitationAnswered,
  elicitationRequested,
  modelSwitched,
  modelSwitching,
  notificationShown,
  taskCompleted,
  taskCreated,
  teammateIdled,
  turnEnded,
  turnFailed,
} from "../../../events/turn.ts";
import { boundText } from "../../bound.ts";
import type { HookContext, Payload } from "../payload.ts";

const where = ({ agent, prompt_id }: HookContext) => ({ agent, prompt_id });
const endOf = (p: Payload) => ({
  message: p.text("last_assistant_message", LIMITS.tool_output_chars_max),
  continued: p.bool("stop_hook_active"),
  background_tasks: p.json("background_tasks"),
  schedules: p.json("session_crons"),
});

export const endedTurn = (p: Payload, c: HookContext): Draft[] => [
  turnEnded.of(c.envelope, { ...endOf(p), ...where(c) }),
];

export function failedTurn(p: Payload, c: HookContext): Draft[] | undefined {
  const error = p.text("error", 128);
  if (error === undefined) return undefined;
  return [
    turnFailed.of(
      { ...c.envelope, subject: error },
      {
        error,
        details: p.text("error_details", 4_000),
        message: p.text("last_assistant_message", 4_000),
        ...where(c),
      },
    ),
  ];
}

/** A turn that broke off, where the assistant says so in words of its own. */
export const brokenTurn =
  (error: string, details?: string) =>
  (_: Payload, c: HookContext): Draft[] => [
    turnFailed.of(
      { ...c.envelope, subject: error },
      { error, details: details === undefined ? undefined : boundText(details, 4_000), ...where(c) },
    ),
  ];

export function startedAgent(_: Payload, c: HookContext): Draft[] | undefined {
  const { agent, agent_type, prompt_id } = c;
  return agent === undefined
    ? undefined
    : [agentStarted.of({ ...c.envelope, subject: agent }, { agent, agent_type, prompt_id })];
}

export function endedAgent(p: Payload, c: HookContext): Draft[] | undefined {
  const { agent, agent_type, prompt_id } = c;
  if (agent === undefined) return undefined;
  const transcript_path = p.text("agent_transcript_path", 1024);
  return [
    agentEnded.of({ ...c.envelope, subject: agent }, { agent, agent_type, transcript_path, ...endOf(p), prompt_id }),
  ];
}

export function shownNotification(p: Payload, c: HookContext): Draft[] {
  const kind = p.text("notification_type", 128);
  return [
    notificationShown.of(
      { ...c.envelope, ...(kind === undefined ? {} : { subject: kind }) },
      { kind, title: p.text("title", 1_000), message: p.text("message", 8_192), ...where(c) },
    ),
  ];
}

const switching =
  (definition: typeof modelSwitched | typeof modelSwitching) =>
  (p: Payload, c: HookContext): Draft[] | undefined => {
    const to_model = p.text("to_model", 256);
    if (to_model === undefined) return undefined;
    return [
      definition.of(
        { ...c.envelope, subject: to_model },
        {
          from_model: p.text("from_model", 256),
          to_model,
          requested_model: p.text("requested_model", 256),
          how: p.text("source", 64),
          context_tokens: p.count("context_tokens"),
          prompt_cache_warm: p.bool("prompt_cache_warm"),
          cache_ttl: p.text("cache_ttl", 16),
          estimated_cache_write_usd: p.number("estimated_cache_write_usd"),
          pricing: p.text("pricing", 64),
        },
      ),
    ];
  };
export const switchingModel = switching(modelSwitching);
export const switchedModel = switching(modelSwitched);

export function requestedElicitation(p: Payload, c: HookContext): Draft[] | undefined {
  const server = p.text("mcp_server_name", 256);
  if (server === undefined) return undefined;
  return [
    elicitationRequested.of(
      { ...c.envelope, subject: server },
      {
        server,
        elicitation_id: p.key("elicitation_id", 256),
        mode: p.text("mode", 32),
        message: p.text("message", 8_192),
        url: p.text("url", 2_048),
        schema: p.json("requested_schema", 65_536),
      },
    ),
  ];
}

export function answeredElicitation(p: Payload, c: HookContext): Draft[] | undefined {
  const server = p.text("mcp_server_name", 256);
  const action = p.text("action", 64);
  if (server === undefined || action === undefined) return undefined;
  return [
    elicitationAnswered.of(
      { ...c.envelope, subject: server },
      {
        server,
        elicitation_id: p.key("elicitation_id", 256),
        mode: p.text("mode", 32),
        action,
        content: p.json("content", 65_536),
      },
    ),
  ];
}

const aboutTask =
  (definition: typeof taskCreated | typeof taskCompleted) =>
  (p: Payload, c: HookContext): Draft[] | undefined => {
    const task_id = p.key("task_id", 256);
    if (task_id === undefined) return undefined;
    return [
      definition.of(
        { ...c.envelope, subject: task_id },
        {
          task_id,
          title: p.text("task_subject", 2_000),
          description: p.text("task_description", 8_192),
          teammate: p.text("teammate_name", 256),
          team: p.text("team_name", 256),
        },
      ),
    ];
  };
export const createdTask = aboutTask(taskCreated);
export const completedTask = aboutTask(taskCompleted);

export const idledTeammate = (p: Payload, c: HookContext): Draft[] => [
  teammateIdled.of(c.envelope, { teammate: p.text("teammate_name", 256), team: p.text("team_name", 256) }),
];
