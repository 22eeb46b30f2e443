import { tidy } from "./attributes.ts";
import type { Attributes, Origin } from "./batch.ts";
import { claudeCode } from "./claude-code.ts";
import { codex } from "./codex.ts";
import { gemini } from "./gemini.ts";
import { copilot, genAi } from "./gen-ai.ts";
import type { Vocabulary } from "./told.ts";

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
