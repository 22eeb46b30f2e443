import { z } from "zod";
import { type Draft, ENVELOPE } from "../../src/define/event.ts";
import { definitionOf } from "../../src/events/catalog.ts";
import type { Sink } from "../../src/sdk/sink.ts";

const ATTRIBUTES = z.strictObject({ ...ENVELOPE, type: z.string(), data: z.unknown() });
const LONE = /\p{Surrogate}/u;
const shapes = new Map<string, z.ZodType>();

/** Throws where a draft is not valid for its definition: type, envelope, fields, lengths, JSON inside of fields. */
export function checkDraft(draft: Draft): void {
  const definition = definitionOf(draft.type);
  if (!definition) throw new Error(`unknown type ${draft.type}`);
  ATTRIBUTES.parse(draft);
  let shape = shapes.get(draft.type);
  if (!shape) {
    shape = z.strictObject(definition.fields as z.ZodRawShape);
    shapes.set(draft.type, shape);
  }
  shape.parse(draft.data);
  for (const value of Object.values(draft)) {
    if (typeof value === "string" && LONE.test(value)) throw new Error(`${draft.type} has a lone surrogate: ${value}`);
  }
  for (const [name, info] of definition.list) {
    const value = draft.data[name];
    if (info.kind === "json" && typeof value === "string") JSON.parse(value);
    if (typeof value === "string" && LONE.test(value)) throw new Error(`${draft.type}.${name} has a lone surrogate`);
  }
}

/** A sink that keeps what it is given, after checking it. */
export interface CollectingSink extends Sink {
  readonly drafts: Draft[];
  readonly flushes: number[];
}

export function collectingSink(): CollectingSink {
  const drafts: Draft[] = [];
  const flushes: number[] = [];
  return {
    drafts,
    flushes,
    emit: async (draft) => {
      checkDraft(draft);
      drafts.push(draft);
    },
    flush: async () => {
      flushes.push(drafts.length);
      return { published: drafts.length, spooled: 0 };
    },
  };
}

/** What the log keeps of drafts: the first of each id. */
export const distinct = (drafts: readonly Draft[]): Draft[] =>
  [...new Map(drafts.toReversed().map((draft) => [draft.id, draft])).values()].toReversed();

/** The ids of drafts, sorted, each once. */
export const idsOf = (drafts: readonly Draft[]): string[] =>
  [...new Set(drafts.map((draft) => draft.id ?? "missing"))].sort();
