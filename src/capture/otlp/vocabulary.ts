import type { Draft } from "../../define/event.ts";
import { tidy } from "./attributes.ts";
import type { Attributes, LogRecord, Origin, Point, Span } from "./batch.ts";
import { claudeCode } from "./claude-code.ts";
import { codex } from "./codex.ts";
import { gemini } from "./gemini.ts";
import { copilot, genAi } from "./gen-ai.ts";

/** What an item's typed events share: their envelope, and how their ids follow from the item's. */
export interface Told {
  readonly envelope: Omit<Draft, "type" | "data">;
  readonly time: number;
  /** Id of an event of this type, the same whenever the item comes again. */
  id(type: string): string;
}

/** The words of one producer: what of its telemetry is a typed event. */
export interface Vocabulary {
  readonly assistant?: string;
  /** Attributes of which the first present names the session. */
  readonly session: readonly string[];
  /** Attributes that may hold long texts; the generic span or record leaves out those a typed event has. */
  readonly contents: ReadonlySet<string>;
  readonly span?: (span: Span, told: Told) => Draft[];
  readonly log?: (log: LogRecord, told: Told) => Draft[];
  readonly point?: (point: Point, told: Told) => Draft[];
}

/** What is known of an origin. */
export interface Known {
  readonly vocabulary: Vocabulary;
  readonly service: string | undefined;
  readonly scope: string | undefined;
  readonly source: string;
}

const textOf = (attributes: Attributes, name: string): string => {
  const value = attributes[name];
  return typeof value === "string" ? value : "";
};

/** Finds out who speaks, by the names of service and scope. */
export function knownOf(origin: Origin): Known {
  if (origin.known) return origin.known as Known;
  const service = textOf(origin.resource, "service.name");
  const vocabulary = vocabularyOf(service, origin.scope);
  const known: Known = {
    vocabulary,
    service: service === "" ? undefined : tidy(service, 256),
    scope: origin.scope === "" ? undefined : tidy(origin.scope, 256),
    source: `otlp://${encodeURIComponent(tidy(service, 60)) || "unknown"}`.slice(0, 256),
  };
  origin.known = known;
  return known;
}

function vocabularyOf(service: string, scope: string): Vocabulary {
  if (scope.startsWith("com.anthropic.claude_code") || service.startsWith("claude-code")) return claudeCode;
  if (/^codex([_-]|$)/.test(service)) return codex;
  if (service === "gemini-cli" || scope === "gemini-cli") return gemini;
  if (/copilot/i.test(service)) return copilot;
  return genAi;
}
