import type { Keys } from "../base/keys.ts";
import { LIMITS } from "../base/limits.ts";
import { type Choice, PLAIN, type Policy, stricter } from "../base/privacy.ts";
import { recall, remember } from "../base/remember.ts";
import { isSealed, seal } from "../base/seal.ts";
import type { Event } from "../define/event.ts";
import type { FieldInfo } from "../define/field.ts";
import { outlined, privateFields, sizesOf } from "./outline.ts";
import { redactions } from "./secrets.ts";

/** What is changed in an event before it is kept: attributes, and fields of its data. */
export interface Protection {
  readonly set?: Readonly<Record<string, unknown>>;
  readonly data?: Readonly<Record<string, unknown>>;
}

/** Decides what of an event is kept, wherever events come into being: the one place where levels, encryption and redaction meet. */
export interface Guard {
  /** {@link PLAIN} holds for everything and nothing was forgotten: only secrets are to be taken out. */
  idle(): boolean;
  /** What holds for a session and a project, as far as they are known. */
  choose(session: string | undefined, project: string | undefined): Choice;
  /** What is to be changed in an event; nothing where it may stay as it is. */
  changes(event: Event): Protection | undefined;
  /** The event as it may be kept. Without change it is the same one. */
  protect<E extends Event>(event: E): E;
  /** Whether an event that {@link protect} gave back keeps its secrets, so that nobody takes them out later. */
  keepsSecrets(event: Event): boolean;
}

/** Projects of one session that are remembered. */
const PROJECTS_MAX = 16;
/** What holds for a session that was forgotten: nothing private is kept of it any more. */
const FORGOTTEN: Choice = { level: "metadata", encrypt: false };

/**
 * Makes a guard. It remembers in which projects a session worked: an event that names none is treated, and marked, as its session's, and where a
 * session was in several projects the strictest of them holds. Where no project is known, the strictest of all that may hold does.
 */
export function createGuard({
  policy,
  keys,
  withoutOwn = (text) => text,
}: {
  readonly policy: () => Policy;
  readonly keys: Keys;
  /** Takes out what weir itself signs in with, which no level lets be kept. */
  readonly withoutOwn?: (text: string) => string;
}): Guard {
  const sessions = new Map<string, string[]>();
  const whole = new WeakSet<Event>();

  const idle = (): boolean => policy().plain && !keys.anyForgotten();
  const projectsOf = (session: string | undefined, project: string | undefined): readonly string[] => {
    const known = session === undefined ? undefined : recall(sessions, session, LIMITS.state_entries_max);
    if (project === undefined) return known ?? [];
    if (session === undefined) return [project];
    if (known?.includes(project)) return known;
    if (known) {
      if (known.length < PROJECTS_MAX) known.push(project);
      return known;
    }
    const projects = [project];
    remember(sessions, session, projects, LIMITS.state_entries_max);
    return projects;
  };
  const choose = (session: string | undefined, project: string | undefined): Choice => {
    const projects = projectsOf(session, project);
    if (session !== undefined && keys.forgotten(session)) return FORGOTTEN;
    const now = policy();
    if (projects.length === 0) return now.unknown;
    return projects.map((p) => now.of(p)).reduce(stricter);
  };
  /** The key of an event's session; "lost" where there should be one and the disk does not let it be read or made. */
  const keyOf = (event: Event): ReturnType<Keys["keyFor"]> | "lost" => {
    try {
      return keys.keyFor(textOf(event.session) ?? "");
    } catch {
      return "lost";
    }
  };
  /**
   * The encrypted form of a value. A producer that has no keys at all leaves it as it is, for the weir that takes it; what cannot be encrypted
   * although it should be is left out.
   */
  const sealed = (event: Event, info: FieldInfo | undefined, value: unknown): unknown => {
    const bytes = value instanceof Uint8Array;
    if (typeof value !== "string" && !bytes) return undefined;
    if (value.length === 0 || isSealed(value)) return value;
    const found = keyOf(event);
    if (found === "lost") return undefined;
    if (!found) return value;
    const token = seal(found.key, found.id, event.id, value);
    return bytes ? Buffer.from(token, "latin1") : info?.kind === "json" ? `"${token}"` : token;
  };

  const decide = (event: Event, choice: Choice): Protection | undefined => {
    const session = textOf(event.session);
    const known = event.project === undefined && session !== undefined ? sessions.get(session)?.[0] : undefined;
    const clean = choice.level === "full" ? ownRedactions(event) : redactions(event);
    const set = known === undefined ? clean?.set : { ...clean?.set, project: known };
    if (choice.level === "metadata") {
      const gone = outlined(event);
      return set || clean || gone ? { set, data: { ...clean?.data, ...gone } } : undefined;
    }
    if (!choice.encrypt) return set || clean ? { set, data: clean?.data } : undefined;
    const data: Record<string, unknown> = { ...clean?.data };
    for (const field of privateFields(event)) {
      const { name, info, value } = field;
      Object.assign(data, sizesOf(event, field));
      data[name] = sealed(event, info, clean?.data?.[name] ?? value);
    }
    return { set, data };
  };
  const ownRedactions = (event: Event): Protection | undefined => {
    const data: Record<string, unknown> = {};
    for (const { name, value } of privateFields(event)) {
      const kept = typeof value === "string" ? withoutOwn(value) : value;
      if (kept !== value) data[name] = kept;
    }
    return Object.keys(data).length === 0 ? undefined : { data };
  };
  const chosen = (event: Event): Choice => choose(textOf(event.session), textOf(event.project));

  return {
    idle,
    choose,
    keepsSecrets: (event) => whole.has(event),
    changes: (event) => (idle() ? redactions(event) : decide(event, chosen(event))),
    protect(event) {
      const choice = idle() ? PLAIN : chosen(event);
      const changed = choice === PLAIN ? redactions(event) : decide(event, choice);
      const next = changed
        ? { ...event, ...changed.set, data: changed.data ? { ...event.data, ...changed.data } : event.data }
        : event;
      if (choice.level === "full") whole.add(next);
      return next;
    },
  };
}

const textOf = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);

const NO_KEYS: Keys = {
  exist: () => false,
  has: () => false,
  anyForgotten: () => false,
  forgotten: () => false,
  keyFor: () => undefined,
  keyOf: () => undefined,
  forget: () => false,
};
const ALWAYS_PLAIN: Policy = {
  plain: true,
  fallback: PLAIN,
  unknown: PLAIN,
  of: () => PLAIN,
  ofTranscript: () => undefined,
};

let current = createGuard({ policy: () => ALWAYS_PLAIN, keys: NO_KEYS });

/** The guard of this process's processors; secrets are taken out where none was set. */
export const currentGuard = (): Guard => current;
/** Sets it, before processors start. */
export function useGuard(guard: Guard): void {
  current = guard;
}
