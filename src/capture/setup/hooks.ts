import { type JsonText, type Path, unexpected } from "../json-text.ts";
import { isLoose } from "../loose.ts";

/** One handler of a hook as it stands in the settings. */
export type Handler = Readonly<Record<string, unknown>>;

/** How an assistant's settings hold hooks, below `hooks` and the event's name. */
export interface HooksForm {
  /** Handlers stand in groups (`{ matcher, hooks: [handler] }`); otherwise side by side. */
  readonly grouped: boolean;
  /** Whether a handler is one that `weir init` wrote, whatever version of weir did. */
  ours(handler: unknown): boolean;
}

/** The form of an assistant's hooks. Ours are told by the command or the address that names the assistant. */
export function hooksForm(name: string, grouped: boolean): HooksForm {
  const command = new RegExp(`(?:weir|cli\\.[jt]s|hook\\.cjs)["']? hook ${name}(?![\\w-])`);
  const url = new RegExp(`^https?://[^/]+/hooks/${name}$`);
  return {
    grouped,
    ours(handler) {
      if (!isLoose(handler)) return false;
      if (handler.type === "http") return typeof handler.url === "string" && url.test(handler.url);
      return [handler.command, handler.bash].some((text) => typeof text === "string" && command.test(text));
    },
  };
}

/** One of our handlers: where it stands, and the lists around it, the innermost first. */
interface Found {
  readonly event: string;
  readonly handler: Handler;
  readonly path: Path;
  readonly lists: readonly Path[];
}

function* ourHandlers(settings: JsonText, { grouped, ours }: HooksForm): Generator<Found> {
  const hooks = settings.get(["hooks"]);
  if (!isLoose(hooks)) return;
  for (const [event, entries] of Object.entries(hooks)) {
    if (!Array.isArray(entries)) continue;
    const outer: Path = ["hooks", event];
    for (const [k, value] of entries.entries()) {
      if (!grouped && ours(value)) yield { event, handler: value as Handler, path: [...outer, k], lists: [outer] };
      const handlers: unknown = grouped && isLoose(value) ? value.hooks : undefined;
      if (!Array.isArray(handlers)) continue;
      const inner: Path = [...outer, k, "hooks"];
      for (const [at, handler] of handlers.entries())
        if (ours(handler)) yield { event, handler: handler as Handler, path: [...inner, at], lists: [inner, outer] };
    }
  }
}

/** The events that our handlers stand at, with the handlers. */
export const registeredHooks = (
  settings: JsonText,
  form: HooksForm,
): { readonly event: string; readonly handler: Handler }[] =>
  [...ourHandlers(settings, form)].map(({ event, handler }) => ({ event, handler }));

/** Takes our handlers away, and what is empty because of it. */
export function removeHooks(
  settings: JsonText,
  form: HooksForm,
  keep: (event: string, handler: Handler) => boolean = () => false,
): void {
  let removed = false;
  // from the end, so that places stay right
  for (const { event, handler, path, lists } of [...ourHandlers(settings, form)].reverse()) {
    if (keep(event, handler)) continue;
    let gone = path;
    for (const list of lists) {
      if ((settings.get(list) as unknown[]).length > 1) break;
      // a list that only held this goes with it, and the group around an inner one
      gone = list.at(-1) === "hooks" ? list.slice(0, -1) : list;
    }
    settings.remove(gone);
    removed = true;
  }
  const hooks = settings.get(["hooks"]);
  if (removed && isLoose(hooks) && Object.keys(hooks).length === 0) settings.remove(["hooks"]);
}

/** Enters the handlers behind what stands there, each in a group of its own. What an earlier init entered otherwise is replaced. */
export function addHooks(
  settings: JsonText,
  form: HooksForm,
  handlers: Readonly<Record<string, Handler>>,
  file: string,
): void {
  const same = (event: string, handler: Handler): boolean =>
    handlers[event] !== undefined && JSON.stringify(handler) === JSON.stringify(handlers[event]);
  const found = new Set<string>();
  removeHooks(settings, form, (event, handler) => {
    if (found.has(event) || !same(event, handler)) return false;
    found.add(event);
    return true;
  });
  const hooks = settings.get(["hooks"]);
  if (hooks !== undefined && !isLoose(hooks)) throw unexpected(file, "hooks", "an object");
  for (const [event, handler] of Object.entries(handlers)) {
    if (found.has(event)) continue;
    const entry = form.grouped ? { hooks: [handler] } : handler;
    const entries = settings.get(["hooks", event]);
    if (entries === undefined) settings.set(["hooks", event], [entry]);
    else if (Array.isArray(entries)) settings.append(["hooks", event], entry);
    else throw unexpected(file, `hooks.${event}`, "a list");
  }
}
