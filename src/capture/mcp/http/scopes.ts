import { LIMITS } from "../../../base/limits.ts";
import { createPairing, type Pairing } from "../pairing.ts";
import { createRounds } from "../rounds.ts";

/** Requests and answers that may belong together: those of a session, or of one exchange where there is none. */
export interface Scope {
  readonly pairing: Pairing;
  /** Other exchanges may bring answers to it. */
  shared: boolean;
  /** Requests that were forgotten and told of. */
  forgotten: number;
}

/** The sessions whose exchanges belong together. */
export interface Scopes {
  /** The scope of a session, a new one where it was not seen before; without a session one of its own. */
  of(key: string | undefined): Scope;
  known(key: string): Scope | undefined;
  /** From now on exchanges of this session belong to the scope. */
  bind(key: string, scope: Scope): void;
  /** The session is over. */
  end(key: string): void;
  endAll(): void;
}

/** Keeps the scopes of sessions; `ended` is told of each that is over, the one unused for longest where there are too many. */
export function createScopes(ended: (scope: Scope) => void, sessionsMax: number = LIMITS.mcp_sessions_max): Scopes {
  const open = new Map<string, Scope>();
  const rounds = createRounds(); // a call goes on in another exchange
  const scopes: Scopes = {
    of(key) {
      const scope = (key === undefined ? undefined : open.get(key)) ?? {
        pairing: createPairing(LIMITS.mcp_pending_max, rounds),
        shared: false,
        forgotten: 0,
      };
      if (key !== undefined) scopes.bind(key, scope);
      return scope;
    },
    known: (key) => open.get(key),
    bind(key, scope) {
      scope.shared = true;
      open.delete(key); // put last: used last
      open.set(key, scope);
      if (open.size > sessionsMax) scopes.end(open.keys().next().value!);
    },
    end(key) {
      const scope = open.get(key);
      open.delete(key);
      if (scope) ended(scope);
    },
    endAll() {
      for (const key of [...open.keys()]) scopes.end(key);
    },
  };
  return scopes;
}
