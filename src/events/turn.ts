import { defineEvent } from "../define/event.ts";
import { bool, float, int, json, optional, ref, text } from "../define/field.ts";

const where = {
  prompt_id: optional(ref("the assistant's id of the prompt", { max: 128 })),
  agent: optional(text("subagent it is about, where it is not the main thread", { max: 256 })),
} as const;
const end = {
  message: optional(text("last words of the assistant, cut to a bounded length", { private: true })),
  continued: optional(bool("whether a hook had kept it going before (stop_hook_active)")),
  background_tasks: optional(json("what goes on in the background, as JSON", { private: true })),
  schedules: optional(json("what the session does at set times, as JSON", { private: true })),
} as const;

export const turnEnded = defineEvent("turn.ended", 1, "The assistant ended its answer to a prompt.", {
  ...end,
  ...where,
});

export const turnFailed = defineEvent("turn.failed", 1, "The assistant's answer to a prompt ended in a failure.", {
  error: text("kind of failure: rate_limit, overloaded, or another word of the assistant", { max: 128 }),
  details: optional(text("what the provider said", { max: 4_000, private: true })),
  message: optional(text("what the person was shown", { max: 4_000, private: true })),
  ...where,
});

export const agentStarted = defineEvent("agent.started", 1, "A subagent began.", {
  agent: ref("the assistant's id of the subagent", { max: 256 }),
  agent_type: optional(text("kind of subagent", { max: 256 })),
  prompt_id: where.prompt_id,
});

export const agentEnded = defineEvent("agent.ended", 1, "A subagent ended.", {
  agent: ref("the assistant's id of the subagent", { max: 256 }),
  agent_type: optional(text("kind of subagent", { max: 256 })),
  transcript_path: optional(text("file of its transcript", { max: 1024 })),
  ...end,
  prompt_id: where.prompt_id,
});

export const permissionRequested = defineEvent(
  "permission.requested",
  1,
  "The assistant asked a person whether it may call a tool.",
  {
    tool: text("tool it wants to call", { max: 256 }),
    mcp_server: optional(text("MCP server that offers the tool", { max: 256 })),
    input: optional(json("the tool's input as JSON", { private: true })),
    suggestions: optional(json("rules it offered to remember, as JSON", { private: true })),
    permission_mode: optional(text("permission mode at that moment", { max: 64 })),
    ...where,
  },
);

export const toolsAnswered = defineEvent(
  "tools.answered",
  1,
  "All tool calls that a model made at once have ended, and the model is asked again.",
  {
    calls: json("ids of the calls (tool_use_id), as a JSON list", { max: 65_536 }),
    count: int("how many", { min: 0 }),
    ...where,
  },
);

export const notificationShown = defineEvent("notification.shown", 1, "The assistant notified its person.", {
  kind: optional(text("permission_prompt, idle_prompt, or another word of the assistant", { max: 128 })),
  title: optional(text("its title", { max: 1_000, private: true })),
  message: optional(text("its text", { max: 8_192, private: true })),
  ...where,
});

const modelSwitch = {
  from_model: optional(text("model before", { max: 256 })),
  to_model: text("model after", { max: 256 }),
  requested_model: optional(text("model as it was asked for", { max: 256 })),
  how: optional(text("command, picker, sdk, resume, auto, or another word", { max: 64 })),
  context_tokens: optional(int("tokens in the context", { min: 0, unit: "token" })),
  prompt_cache_warm: optional(bool("whether the prompt cache was warm")),
  cache_ttl: optional(text("how long the cache is kept: 5m or 1h", { max: 16 })),
  estimated_cache_write_usd: optional(
    float("the assistant's estimate of writing the cache again", { min: 0, unit: "USD" }),
  ),
  pricing: optional(text("where the estimate's price comes from", { max: 64 })),
} as const;
export const modelSwitching = defineEvent(
  "model.switch_requested",
  1,
  "A session is about to change its model.",
  modelSwitch,
);
export const modelSwitched = defineEvent("model.switched", 1, "A session changed its model.", modelSwitch);

const question = {
  server: text("MCP server that asks", { max: 256 }),
  elicitation_id: optional(ref("the server's id of the question", { max: 256 })),
  mode: optional(text("form or url", { max: 32 })),
} as const;
export const elicitationRequested = defineEvent(
  "elicitation.requested",
  1,
  "An MCP server asked the person something.",
  {
    ...question,
    message: optional(text("the question", { max: 8_192, private: true })),
    url: optional(text("page to open", { max: 2_048, private: true })),
    schema: optional(json("form of the answer, as JSON", { max: 65_536, private: true })),
  },
);
export const elicitationAnswered = defineEvent("elicitation.answered", 1, "A person answered an MCP server.", {
  ...question,
  action: text("accept, decline or cancel", { max: 64 }),
  content: optional(json("the answer as JSON", { max: 65_536, private: true })),
});

const task = {
  task_id: ref("the assistant's id of the task", { max: 256 }),
  title: optional(text("what is to be done", { max: 2_000, private: true })),
  description: optional(text("more about it", { max: 8_192, private: true })),
  teammate: optional(text("agent of a team that it is about", { max: 256 })),
  team: optional(text("team", { max: 256 })),
} as const;
export const taskCreated = defineEvent("task.created", 1, "A task was entered in the assistant's list.", task);
export const taskCompleted = defineEvent("task.completed", 1, "A task of the assistant's list was completed.", task);
export const teammateIdled = defineEvent("teammate.idled", 1, "An agent of a team has nothing to do.", {
  teammate: optional(text("agent", { max: 256 })),
  team: optional(text("team", { max: 256 })),
});

export default [
  turnEnded,
  turnFailed,
  agentStarted,
  agentEnded,
  permissionRequested,
  toolsAnswered,
  notificationShown,
  modelSwitching,
  modelSwitched,
  elicitationRequested,
  elicitationAnswered,
  taskCreated,
  taskCompleted,
  teammateIdled,
] as const;
