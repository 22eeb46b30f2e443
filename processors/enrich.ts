import { LIMITS } from "../src/base/limits.ts";
import { recall, remember } from "../src/base/remember.ts";
import type { Event } from "../src/define/event.ts";
import { defineProcessor } from "../src/define/processor.ts";
import { factOf } from "../src/events/facts.ts";
import { noOccurrences, type Occurrences, occurrenceKey } from "../src/events/occurrence.ts";
import { currentPricing } from "../src/events/pricing.ts";

const MAX = LIMITS.state_entries_max;

/** What is known of a session from what passed so far. */
interface Session {
  project?: string;
  branch?: string;
  assistant?: string;
}

interface State {
  readonly sessions: Map<string, Session>;
  /** Start of calls that did not end yet, by their key, in microseconds. */
  readonly calls: Map<string, number>;
  /** Keys of models' answers, by what a source knows of an answer that does not know its id. */
  answers?: Map<string, string>;
  /** Calls and prompts of assistants that give some of them no id. */
  occurrences?: Occurrences;
}

/**
 * Adds what later readers want to know and the source did not say: the session's project, branch and assistant, the key of the fact, the MCP
 * server in a tool's name, durations from start to end, and what a model's answer costs.
 */
export default defineProcessor<State>({
  about: "Adds context, fact keys, durations and cost.",
  on: "all",
  emits: [],
  reads: "valid",
  passes: true,
  start: () => ({ sessions: new Map(), calls: new Map() }),
  step: (state, event) => {
    const set = context(state, event);
    const data = additions(state, event, (set?.fact as string | undefined) ?? event.fact);
    return set || data ? { set, data } : undefined;
  },
});

function context(state: State, event: Event): Record<string, unknown> | undefined {
  let set: Record<string, unknown> | undefined;
  state.occurrences ??= noOccurrences();
  const fact = answerKey(state, event) ?? occurrenceKey(state.occurrences, event) ?? event.fact ?? factOf(event);
  if (fact !== event.fact) set = { fact };
  const { session } = event;
  if (session === undefined) return set;
  let known = recall(state.sessions, session, MAX);
  if (!known) {
    known = {};
    remember(state.sessions, session, known, MAX);
  }
  const { project, branch, assistant } = event;
  if (project !== undefined) known.project = project;
  else if (known.project !== undefined) set = { ...set, project: known.project };
  if (branch !== undefined) known.branch = branch;
  else if (known.branch !== undefined) set = { ...set, branch: known.branch };
  if (assistant !== undefined) known.assistant = assistant;
  else if (known.assistant !== undefined) set = { ...set, assistant: known.assistant };
  return set;
}

/** Assistants of which one source may tell an answer without any id. */
const WITHOUT_IDS = ["claude-code", "codex", "gemini-cli"];

/**
 * Telemetry of an assistant may not know the id that its transcript gives an answer. Of two such reports the first decides the key: found by
 * session and request id, or, where an assistant gives its telemetry no id, by session and tokens, which hardly ever are the same twice. Claude Code has
 * none where the API behind it answers without one, as those of cloud providers do.
 */
function answerKey(state: State, event: Event): string | undefined {
  if (event.type !== "model.called" || event.session === undefined) return undefined;
  const { via, session } = event;
  if (via !== "otlp" && via !== "transcript") return undefined;
  const data = event.data as Readonly<Record<string, string | number | boolean | null | undefined>>;
  if (data.success === false) return undefined;
  const own = event.fact ?? factOf(event);
  if (via === "otlp" && data.message_id !== undefined) return undefined;
  const request = data.request_id ?? undefined;
  const unique = request !== undefined && own === `model:${request}`;
  if (unique && via === "otlp") return undefined; // the key already, in every source that knows it
  let known: string;
  if (request !== undefined && !unique) known = `${session} ${request}`;
  else if (WITHOUT_IDS.includes(event.assistant ?? ""))
    known = `${session} ${data.input_tokens}/${data.cache_read_tokens}/${data.cache_creation_tokens ?? 0}/${data.output_tokens}`;
  else return undefined;
  state.answers ??= new Map();
  const held = state.answers.get(known);
  if (held === undefined) {
    const key = own ?? `model:${known}`;
    remember(state.answers, known, `${via} ${key}`, MAX);
    return key;
  }
  const space = held.indexOf(" ");
  // reports of one source keep the keys it gave them
  return held.startsWith(via) && own !== undefined ? own : held.slice(space + 1);
}

function additions(state: State, event: Event, fact: string | undefined): Record<string, unknown> | undefined {
  const data = event.data as Readonly<Record<string, unknown>>;
  switch (event.type) {
    case "tool.started":
    case "tool.called":
    case "tool.denied": {
      let out: Record<string, unknown> | undefined;
      const server = data.mcp_server === undefined ? mcpServer(data.tool as string) : undefined;
      if (server) out = { mcp_server: server };
      const key = (data.call_id as string | undefined) ?? fact;
      if (key === undefined) return out;
      if (event.type === "tool.started") remember(state.calls, key, event.time, MAX);
      else {
        const started = state.calls.get(key);
        if (started !== undefined) {
          state.calls.delete(key);
          if (data.duration_ms === undefined && event.type === "tool.called" && event.time >= started)
            out = { ...out, duration_ms: (event.time - started) / 1_000 };
        }
      }
      return out;
    }
    case "model.called": {
      if (data.cost_usd !== undefined || data.price !== undefined) return undefined;
      const whole = (data.cache_creation_tokens as number) ?? 0;
      const hour = Math.min(whole, (data.cache_creation_1h_tokens as number | undefined) ?? 0);
      const pricing = currentPricing();
      const { cost_usd, reason, price_id } = pricing.cost({
        model: data.model as string,
        provider: data.provider as string | undefined,
        time_us: event.time,
        input_tokens: data.input_tokens as number,
        output_tokens: data.output_tokens as number,
        cache_creation_tokens: whole - hour,
        cache_creation_1h_tokens: hour,
        cache_read_tokens: data.cache_read_tokens as number,
        speed: data.speed as string | undefined,
        web_search_requests: data.web_search_requests as number | undefined,
      });
      const price = `${cost_usd === null ? (reason ?? "no price known") : (price_id ?? "")} (${pricing.version})`.slice(
        0,
        256,
      );
      return cost_usd === null ? { price } : { cost_usd, price };
    }
    default:
      return undefined;
  }
}

/** Server in the name of an MCP tool, `mcp__SERVER__TOOL`. */
function mcpServer(tool: string): string | undefined {
  if (!tool.startsWith("mcp__")) return undefined;
  const end = tool.indexOf("__", 5);
  return end > 5 ? tool.slice(5, end) : undefined;
}
