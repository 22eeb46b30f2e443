import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ENVELOPE_FIELDS, type Event, type EventDefinition } from "../../src/define/event.ts";
import type { FieldInfo } from "../../src/define/field.ts";
import { loadProjections } from "../../src/engine/load.ts";
import { CATALOG, definitionOf } from "../../src/events/catalog.ts";
import { checkEvent } from "../../src/events/check.ts";
import { plain, upcast } from "../../src/events/plain.ts";
import { ddlOf, ROLLUP_COLUMNS } from "../../src/store/tables.ts";
import { encodeEvents } from "../../src/wire/encode.ts";
import { readFrame } from "../../src/wire/frame.ts";
import { expectGolden } from "../support/golden.ts";

const GOLDEN = join(import.meta.dirname, "../golden");
const SAMPLES = join(GOLDEN, "events");
const definitions = CATALOG as unknown as readonly EventDefinition[];

/** A value of a field, always the same. */
function sample(name: string, info: FieldInfo): unknown {
  switch (info.kind) {
    case "int":
    case "time":
      return 1_790_000_000_000_000 + name.length;
    case "float":
      return 0.5 + name.length;
    case "bool":
      return true;
    case "choice":
      return info.values![0];
    case "list":
      return ["one", name];
    case "json":
      return JSON.stringify({ [name]: 1 });
    case "id":
      return "01a0c450-6c00-7000-8000-000000000001";
    case "bytes":
      return Buffer.from(name);
    default:
      return `${name} ünï ☃`.slice(0, info.max);
  }
}

function sampleOf(definition: EventDefinition): Event {
  const all = (list: readonly (readonly [string, FieldInfo])[]) =>
    Object.fromEntries(list.map(([name, info]) => [name, sample(name, info)]));
  return {
    ...all(ENVELOPE_FIELDS),
    type: definition.type,
    v: definition.v,
    data: all(definition.list),
  } as unknown as Event;
}
const asJson = (event: Event): string =>
  JSON.stringify(event, (_, value) => (value?.type === "Buffer" ? Buffer.from(value.data).toString("base64") : value));

describe("golden samples", () => {
  test("there is one of every type in its newest version", () => {
    mkdirSync(SAMPLES, { recursive: true });
    for (const definition of definitions) {
      const file = join(SAMPLES, `${definition.type}.v${definition.v}.hex`);
      if (!existsSync(file) && process.env.UPDATE_GOLDEN) {
        const event = sampleOf(definition);
        const bytes = encodeEvents([event, { ...event, id: "01a0c450-6c00-7000-8000-000000000002" }]);
        writeFileSync(file, `${Buffer.from(bytes).toString("hex")}\n${asJson(event)}\n`); // one that is there is never written again
      }
      expect(existsSync(file), `${file} is missing: write it with UPDATE_GOLDEN=1`).toBe(true);
    }
  });

  test.each(existsSync(SAMPLES) ? readdirSync(SAMPLES) : [])("%s can be read for ever", (name) => {
    const [hex = "", json = ""] = readFileSync(join(SAMPLES, name), "utf8").split("\n");
    const events = readFrame(Buffer.from(hex, "hex")).events();
    expect(events).toHaveLength(2);
    expect(`${events[0]!.type}.v${events[0]!.v}.hex`).toBe(name);
    expect(asJson(plain(events[0]!))).toBe(json);
    expect(definitionOf(events[0]!.type)).toBeDefined();
    for (const event of events) {
      expect(checkEvent(event)).toBeUndefined();
      expect(upcast(event).v).toBe(definitionOf(event.type)!.v);
    }
  });
});

test("the catalogue of events is as it was", () => {
  const fields = (list: readonly (readonly [string, FieldInfo])[]) =>
    Object.fromEntries(list.map(([name, { about: _, ...info }]) => [name, info]));
  expectGolden("catalog.json", {
    envelope: fields(ENVELOPE_FIELDS),
    types: Object.fromEntries(
      [...definitions]
        .sort((a, b) => (a.type < b.type ? -1 : 1))
        .map((d) => [d.type, { v: d.v, audited: d.audited, fields: fields(d.list) }]),
    ),
  });
});

test("tables and views are as they were; another shape needs another version", async () => {
  const file = join(GOLDEN, "ddl.sql");
  const projections = [...(await loadProjections("."))].sort(([a], [b]) => (a < b ? -1 : 1));
  const rollups = `create table _rollups(${ROLLUP_COLUMNS.map((c) => `${c.name} ${c.type}`).join(", ")});`;
  const text = `${[
    rollups,
    ...projections.map(
      ([name, p]) =>
        `-- ${name}, version ${p.version}\n${ddlOf(name, p)
          .map((s) => `${s};`)
          .join("\n")}`,
    ),
  ].join("\n\n")}\n`;
  if (process.env.UPDATE_GOLDEN) writeFileSync(file, text);
  expect(existsSync(file), `${file} is missing: write it with UPDATE_GOLDEN=1`).toBe(true);
  expect(text).toBe(readFileSync(file, "utf8"));
});
