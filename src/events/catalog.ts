import type { EventDefinition, EventOf } from "../define/event.ts";
import alert from "./alert.ts";
import flow from "./flow.ts";
import hook from "./hook.ts";
import mcp from "./mcp.ts";
import measure from "./measure.ts";
import model from "./model.ts";
import session from "./session.ts";
import setting from "./setting.ts";
import telemetry from "./telemetry.ts";
import tool from "./tool.ts";
import turn from "./turn.ts";
import work from "./work.ts";

/** Every type of event. A new family gets one line here. */
export const CATALOG = [
  ...session,
  ...model,
  ...tool,
  ...turn,
  ...mcp,
  ...work,
  ...setting,
  ...measure,
  ...telemetry,
  ...alert,
  ...hook,
  ...flow,
] as const;

/** The union of all events. */
export type AnyEvent = EventOf<(typeof CATALOG)[number]>;

const byType = new Map<string, EventDefinition>(CATALOG.map((d) => [d.type, d as unknown as EventDefinition]));

/** The definition of a type, in its newest version. */
export const definitionOf = (type: string): EventDefinition | undefined => byType.get(type);
