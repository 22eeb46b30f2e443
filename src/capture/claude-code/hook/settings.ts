import { WeirError } from "../../../base/errors.ts";
import type { JsonText } from "../../json-text.ts";
import { isLoose, type Loose } from "../../loose.ts";
import { type Handler, isOurs } from "./registered.ts";

/** Our handlers in the settings: event, place of the group, place in the group. */
function* ourHandlers(settings: JsonText): Generator<{ event: string; group: number; at: number; handler: Handler }> {
  const hooks = settings.get(["hooks"]);
  if (!isLoose(hooks)) return;
  for (const [event, groups] of Object.entries(hooks)) {
    if (!Array.isArray(groups)) continue;
    for (const [group, value] of groups.entries()) {
      const handlers: unknown = isLoose(value) ? value.hooks : undefined;
      if (!Array.isArray(handlers)) continue;
      for (const [at, handler] of handlers.entries())
        if (isOurs(handler)) yield { event, group, at, handler: handler as Handler };
    }
  }
}

/** The events that our handlers stand at, with the handlers. */
export function registeredHooks(settings: JsonText): { readonly event: string; readonly handler: Handler }[] {
  return [...ourHandlers(settings)].map(({ event, handler }) => ({ event, handler }));
}

/** Takes our handlers away, and what is empty because of it. */
export function removeHooks(
  settings: JsonText,
  keep: (event: string, handler: Handler) => boolean = () => false,
): void {
  // from the end, so that places stay right
  for (const { event, group, at, handler } of [...ourHandlers(settings)].reverse()) {
    if (keep(event, handler)) continue;
    const alone = (settings.get(["hooks", event, group, "hooks"]) as unknown[]).length === 1;
    if (!alone) settings.remove(["hooks", event, group, "hooks", at]);
    else if ((settings.get(["hooks", event]) as unknown[]).length > 1) settings.remove(["hooks", event, group]);
    else settings.remove(["hooks", event]);
  }
  const hooks = settings.get(["hooks"]);
  if (isLoose(hooks) && Object.keys(hooks).length === 0) settings.remove(["hooks"]);
}

/** Enters the handlers, each in a group of its own behind what stands there. What an earlier init entered otherwise is replaced. */
export function addHooks(settings: JsonText, handlers: Readonly<Record<string, Handler>>, file: string): void {
  const wanted = new Set(Object.keys(handlers));
  const same = (event: string, handler: Handler): boolean =>
    handlers[event] !== undefined && JSON.stringify(handler) === JSON.stringify(handlers[event]);
  const found = new Set<string>();
  removeHooks(settings, (event, handler) => {
    if (found.has(event) || !same(event, handler)) return false;
    found.add(event);
    return true;
  });
  const hooks = settings.get(["hooks"]);
  if (hooks !== undefined && !isLoose(hooks)) throw unexpected(file, "hooks", "an object");
  for (const event of wanted) {
    if (found.has(event)) continue;
    const entry = { hooks: [handlers[event]] };
    const groups = settings.get(["hooks", event]);
    if (groups === undefined) settings.set(["hooks", event], [entry]);
    else if (Array.isArray(groups)) settings.append(["hooks", event], entry);
    else throw unexpected(file, `hooks.${event}`, "a list");
  }
}

const unexpected = (file: string, what: string, form: string): WeirError =>
  new WeirError("bad_input", `${what} in ${file} is not ${form}`, { hint: "correct the file; nothing was changed" });

/** Enters weir under `mcpServers`, unless another program has that name. */
export function addMcpServer(settings: JsonText, server: Loose): void {
  if (JSON.stringify(settings.get(["mcpServers", "weir"])) !== JSON.stringify(server))
    settings.set(["mcpServers", "weir"], server);
}

/** Takes weir out of `mcpServers`. */
export function removeMcpServer(settings: JsonText): void {
  if (settings.get(["mcpServers", "weir"]) === undefined) return;
  const servers = settings.get(["mcpServers"]) as Loose;
  settings.remove(Object.keys(servers).length > 1 ? ["mcpServers", "weir"] : ["mcpServers"]);
}

/** Enters environment variables; those that are set to something else already are left alone and named. */
export function addEnvironment(
  settings: JsonText,
  variables: Readonly<Record<string, string>>,
  ours: (name: string, value: string) => boolean,
): string[] {
  const taken: string[] = [];
  for (const [name, value] of Object.entries(variables)) {
    const there = settings.get(["env", name]);
    if (there === undefined || (typeof there === "string" && there !== value && ours(name, there)))
      settings.set(["env", name], value);
    else if (there !== value) taken.push(name);
  }
  return taken;
}

/** Takes environment variables away that have the values we give. */
export function removeEnvironment(settings: JsonText, names: readonly string[]): void {
  for (const name of names) if (settings.get(["env", name]) !== undefined) settings.remove(["env", name]);
  const env = settings.get(["env"]);
  if (isLoose(env) && Object.keys(env).length === 0 && names.length > 0) settings.remove(["env"]);
}
