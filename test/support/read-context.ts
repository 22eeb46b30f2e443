import { WeirError } from "../../src/base/errors.ts";
import { NO_ARCHIVE } from "../../src/cli/archive-status.ts";
import type { Definitions } from "../../src/engine/load.ts";
import { loadDefinitions } from "../../src/engine/load.ts";
import { createAsk } from "../../src/read/ask.ts";
import type { IntakeContext, ReadContext } from "../../src/read/context.ts";
import { decideOrder } from "../../src/read/order.ts";
import type { Status } from "../../src/read/status.ts";
import { createSelect, type Select } from "../../src/store/select.ts";
import { NEWEST_US, ROOT, type TestStore } from "./filled-store.ts";

/** The token of every test. */
export const TOKEN = "test-token-0123456789";

/** A context over a store, with orders and events written down instead of published. */
export interface TestContext extends ReadContext, IntakeContext {
  readonly select: Select;
  /** What was ordered and published. */
  readonly taken: unknown[];
  status(): Promise<Status>;
  health: Status["health"];
}

let definitions: Promise<Definitions> | undefined;

/** Makes a context; the caller closes `select` before the store. */
export async function readContext(store: TestStore): Promise<TestContext> {
  definitions ??= loadDefinitions(ROOT);
  const { queries, commands } = await definitions;
  const select = createSelect(store.instance, { connections: 2 });
  const taken: unknown[] = [];
  const ctx: TestContext = {
    queries,
    commands,
    select,
    taken,
    token: TOKEN,
    version: "0.0.0-test",
    hosts: ["127.0.0.1", "localhost"],
    health: { state: "ok", reasons: [] },
    ask: createAsk(queries, select),
    order: async (name, input, actor) => {
      taken.push(...decideOrder(commands, name, input, { actor, now_us: NEWEST_US }));
      return { ids: ["018f0000-0000-7000-8000-000000000001"], seq: 301 };
    },
    publish: async (events) =>
      events.map((event) => {
        taken.push(event);
        const { type, id } = (event ?? {}) as { type?: string; id?: string };
        if (typeof type !== "string") return { id: null, status: "rejected", error: "type is missing" };
        return { id: id ?? "018f0000-0000-7000-8000-000000000002", status: "accepted" };
      }),
    publishPacked: async (bytes) => {
      taken.push(bytes);
      return [{ id: "018f0000-0000-7000-8000-000000000003", status: "accepted" }];
    },
    sql: async (text, { signal, rowsMax = 10_000 } = {}) => {
      if (!/^\s*select/i.test(text)) throw new WeirError("sql_refused", "not a SELECT");
      return select({ sql: text, values: {} }, { rowsMax, timeMs: 10_000, signal });
    },
    status: async () => statusOf(ctx.health),
    metricsText: async () => "# TYPE weir_up gauge\nweir_up 1\n",
  };
  return ctx;
}

const statusOf = (health: Status["health"]): Status => ({
  version: "0.0.0-test",
  uptime_s: 12,
  profile: "safe",
  health,
  broker: { url: "nats://127.0.0.1:4778", version: "2.14.0", ok: true },
  streams: [{ name: "WEIR_EVENTS", messages: 300, bytes: 90_000, first_seq: 1, last_seq: 300 }],
  processors: [
    {
      name: "validate",
      partition: 0,
      state: "running",
      input_seq: 300,
      head_seq: 300,
      lag_events: 0,
      held_by: "laptop (1)",
    },
  ],
  tables: {
    state: "running",
    seq: 300,
    head_seq: 300,
    lag: 0,
    applied: 3_000,
    repeated: 0,
    set_aside: 0,
    lost: [],
    last_commit_ms: 5,
  },
  archive: NO_ARCHIVE,
  producers: { spooled: 0, hooks_waiting: 0, dropped: 0 },
  following: [],
  watching: [],
});
