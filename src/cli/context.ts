import { join } from "node:path";
import { clock, isoFromUs } from "../base/clock.ts";
import { WeirError } from "../base/errors.ts";
import { newId } from "../base/id.ts";
import type { Keys } from "../base/keys.ts";
import { LIMITS } from "../base/limits.ts";
import type { Log } from "../base/log.ts";
import { hostsAt } from "../base/origin.ts";
import { activeTraceparent } from "../base/telemetry.ts";
import { readsAhead } from "../engine/apply/ahead.ts";
import type { Projecting } from "../engine/engine.ts";
import type { Definitions } from "../engine/load.ts";
import { createAsk } from "../read/ask.ts";
import type { ReadContext } from "../read/context.ts";
import { checkNeeds, decideOrder } from "../read/order.ts";
import type { Emitter } from "../sdk/emitter.ts";
import type { Store } from "../store/open.ts";
import { showOpened } from "../store/opened.ts";
import { createSandbox } from "../store/sandbox/run.ts";
import { createSelect, type Select } from "../store/select.ts";
import { prometheus } from "./prometheus.ts";
import { storeOrder } from "./publish.ts";
import { entry } from "./root.ts";
import { createSnapshots } from "./snapshot.ts";
import { readStatus, type StatusParts } from "./status-of.ts";

export interface ContextParts extends StatusParts {
  readonly log: Log;
  readonly definitions: Definitions;
  readonly keys: Keys;
  readonly token: string;
  /** Gives orders. */
  readonly emitter: Emitter;
}

/** The running process as its surfaces see it, and the hooks by which it learns of the parts that change. */
export interface Context extends ReadContext {
  useStore(store: Store): void;
  useProjecting(projecting: Projecting): void;
  serving(port: number): void;
  /** A copy of the tables as they stand. */
  snapshot(): Promise<string>;
  /** Sessions were forgotten: copies that still show them go, and their keys. */
  forget(sessions: readonly string[]): void;
  close(): Promise<void>;
}

/** Puts tables, broker and producer together into what surfaces may ask. */
export function createContext(parts: ContextParts): Context {
  const { definitions, emitter, log, config } = parts;
  let projecting: Projecting | undefined;
  let select: Select | undefined;
  let ask: ReadContext["ask"] | undefined;
  let hosts: string[] = [];
  const tables = (): Projecting => {
    if (!projecting) throw new WeirError("not_running", "weir is still starting");
    return projecting;
  };
  const snapshots = createSnapshots(join(config.dataDir, "sql"), tables);
  const sandbox = createSandbox({
    snapshotPath: () => snapshots.path(),
    childEntry: entry("src/store/sandbox/child"),
    tables: documented(definitions),
    log,
  });
  const { keys } = parts;
  let opening = false;
  const useStore = (store: Store): void => {
    select?.close();
    snapshots.renew();
    opening = keys.exist(); // where nothing is encrypted, nothing need be looked at for it
    select = createSelect(store.instance, {
      connections: 2,
      behind: { reads: readsAhead(definitions.projections), catchUp: (begin) => tables().quiet(begin) },
      ...(opening && { prepare: (connection) => showOpened(connection, definitions.projections, keys.keyOf) }),
    });
    ask = createAsk(definitions.queries, select);
  };
  const now = () => readStatus({ ...parts, projecting: tables() });

  return {
    queries: definitions.queries,
    commands: definitions.commands,
    token: parts.token,
    version: parts.version,
    report: (error, where) => log.error({ err: error, where }, "a bug: a request failed for no known reason"),
    get hosts() {
      return hosts;
    },
    async ask(name, input, options) {
      if (!options?.unhurried) await projecting?.fresh();
      if (!opening && keys.exist()) useStore(tables().store());
      if (!ask) throw new WeirError("not_running", "weir is still starting");
      return ask(name, input, options);
    },
    async order(name, input, actor) {
      const now_us = clock.nowUs();
      const drafts = decideOrder(definitions.commands, name, input, { actor, now_us }).map((draft) => ({
        ...draft,
        id: draft.id ?? newId(draft.time ?? now_us),
        time: draft.time ?? now_us,
        traceparent: draft.traceparent ?? activeTraceparent(),
      }));
      await projecting?.fresh();
      if (ask) await checkNeeds(definitions.commands, name, input, { ask, now_us });
      const visible = drafts.map((draft) => tables().visible(draft.id));
      const all = Promise.all(visible);
      all.catch(() => {}); // awaited below; what fails first must not leave it unheard
      await storeOrder(emitter, drafts); // who waits in vain for the tables is told that it is stored
      const seqs = await all;
      return { ids: drafts.map((d) => d.id), seq: Math.max(0, ...seqs) };
    },
    async sql(text, { signal, rowsMax } = {}) {
      await projecting?.fresh();
      const answer = await sandbox.query(text, {
        rowsMax: Math.min(rowsMax ?? LIMITS.sql_rows_max, LIMITS.sql_rows_max),
        bytesMax: LIMITS.sql_bytes_max,
        timeMs: LIMITS.sql_ms_max,
        signal,
      });
      const { seq, time_us } = snapshots.as_of;
      return { ...answer, as_of: { seq, time: time_us > 0 ? isoFromUs(time_us) : null } };
    },
    async status() {
      await projecting?.fresh();
      return now();
    },
    metricsText: async () => prometheus(await now()), // asked for again and again by a program
    useStore,
    useProjecting(given) {
      projecting = given;
      useStore(given.store());
    },
    snapshot: () => snapshots.path(),
    forget(sessions) {
      snapshots.drop();
      for (const session of sessions) keys.forget(session);
    },
    serving(port) {
      hosts = hostsAt(port);
    },
    async close() {
      select?.close();
      await sandbox.close();
    },
  };
}

/** Names that SQL from outside may read. */
export const documented = (definitions: Pick<Definitions, "projections">): string[] => [
  ...[...definitions.projections].flatMap(([name, p]) => [
    name,
    ...(p.kind === "rollup" ? Object.keys(p.coarser ?? {}) : []),
  ]),
  "set_aside",
];
