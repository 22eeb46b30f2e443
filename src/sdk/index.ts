import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { privacyGiven, readConfig } from "../base/config.ts";
import { WeirError } from "../base/errors.ts";
import { openKeys } from "../base/keys.ts";
import { LIMITS } from "../base/limits.ts";
import { createLog } from "../base/log.ts";
import { withoutOwnSecrets } from "../base/own-secrets.ts";
import { watchPolicy } from "../base/privacy.ts";
import { createGuard } from "../events/guard.ts";
import { type Connection, connectBroker } from "../wire/connect.ts";
import { readFolderBroker, signIn } from "../wire/folder.ts";
import { createEmitter } from "./emit.ts";
import type { Emitter, EmitterStats } from "./emitter.ts";
import { newSpoolFolder, orphansIn, sendOrphans, spoolsFolder } from "./spools.ts";

export type { Draft } from "../define/event.ts";
export { CATALOG, definitionOf } from "../events/catalog.ts";
export type { EmitterStats } from "./emitter.ts";
export type { Sink } from "./sink.ts";

/** How a producer is made; everything has a default. */
export interface WeirOptions {
  /** What the events are about, as a URI reference. Default: `sdk://<name>`. */
  readonly source?: string;
  /** Name of the producer; letters, digits, `_` and `-`. Default: `sdk`. */
  readonly name?: string;
  /** How weir learns of the events. Default: `sdk`. */
  readonly via?: string;
  /** Folder of the running weir: its address and credentials are found there. Default: `WEIR_DATA_DIR`, else `~/.weir`. */
  readonly dataDir?: string;
  /** Address of a broker, `nats://[user:password@]host:port`, instead of the one of the folder. */
  readonly natsUrl?: string;
  /** Partitions of that broker's log. Default: as the weir of the folder says; with an address `WEIR_PARTITIONS`. */
  readonly partitions?: number;
  /** At the limit of the buffer: wait (default), or drop and count. */
  readonly whenFull?: "wait" | "drop";
  /** Check each event against its definition when it is emitted; default true. weir checks in any case. */
  readonly check?: boolean;
  /** Bytes the spool may take on disk. */
  readonly spoolBytesMax?: number;
  /** Events of one frame at most. */
  readonly frameEventsMax?: number;
}

/** A producer. */
export interface Weir extends Emitter {
  stats(): EmitterStats;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Makes a producer. It works whether weir runs or not: events wait in a spool on disk until it does.
 *
 *     import { createWeir } from "weir/sdk";
 *     const weir = createWeir({ source: "my-agent://laptop" });
 *     await weir.emit({ type: "tool.called", session: "s1", data: { tool: "search", duration_ms: 12.5, success: true } });
 *     await weir.close();
 */
export function createWeir(options: WeirOptions = {}): Weir {
  const config = { ...readConfig(), ...(options.dataDir ? { dataDir: options.dataDir } : {}) };
  const outside = options.natsUrl ?? config.natsUrl;
  let told = outside ? undefined : readFolderBroker(config.dataDir);
  const name = options.name ?? "sdk";
  const log = createLog(`sdk ${name}`, config.logLevel);
  /** The connection once what earlier producers left was sent through it: what this one has goes behind. */
  let bus: Connection | undefined;
  let closed = false;
  const spools = spoolsFolder(config.dataDir);
  const keep = (): boolean => (told?.profile ?? config.profile) === "fast";
  const emitter = createEmitter({
    producer: `${name}-${process.pid}-${randomBytes(4).toString("hex")}`,
    source: options.source ?? `sdk://${name}`,
    via: options.via ?? "sdk",
    bus: () => (bus && !bus.nc.isClosed() && !away ? bus : undefined),
    undecided: () => undecided,
    spoolFolder: newSpoolFolder(config.dataDir, name),
    partitions: options.partitions ?? told?.partitions ?? config.partitions,
    whenFull: options.whenFull ?? "wait",
    check: options.check ?? true,
    keep,
    spoolBytesMax: options.spoolBytesMax,
    frameEventsMax: options.frameEventsMax,
    // keys are made where weir keeps its own: a producer of another machine leaves encryption to the weir that takes its events
    guard: createGuard({
      policy: watchPolicy(config.dataDir, privacyGiven()),
      keys: openKeys(config.dataDir, { make: !(options.natsUrl ?? config.natsUrl) }),
      withoutOwn: withoutOwnSecrets(config.dataDir),
    }),
    log,
  });
  let away = false;
  let undecided = true;
  const decide = (): void => {
    undecided = false;
    emitter.wake();
  };
  const follow = async (connection: Connection, url: string): Promise<void> => {
    let looking: NodeJS.Timeout | undefined;
    // a weir that was started again may have its broker on another port: the connection alone would look for the old one for ever
    const look = (): void => {
      if (closed || addressOf(outside, config.dataDir) === url) return;
      clearInterval(looking);
      bus = undefined;
      void connection.close();
      connecting = connectFor();
    };
    for await (const status of connection.nc.status()) {
      if (status.type === "disconnect") {
        away = true;
        emitter.cut();
        clearInterval(looking);
        looking = setInterval(look, LIMITS.broker_reconnect_ms).unref();
      }
      if (status.type === "reconnect") {
        away = false;
        clearInterval(looking);
        emitter.wake();
      }
    }
    clearInterval(looking);
  };
  const connectFor = async (): Promise<void> => {
    for (let pause = 50; !closed && !bus; pause = Math.min(pause * 2, 1_000)) {
      let fresh: Connection | undefined;
      try {
        const url = addressOf(outside, config.dataDir);
        if (!url) throw new WeirError("not_running", `no weir runs on ${config.dataDir}`);
        if (!outside) told = readFolderBroker(config.dataDir);
        const at = outside ? { url } : await signIn(config.dataDir, url, "producer");
        fresh = await connectBroker({ ...at, name: `${name} producer`, log });
        if (orphansIn(spools)) decide(); // that may take a while: events wait on disk
        const orphans = await sendOrphans(spools, fresh, { keep: keep(), log });
        orphans.released.catch((error: unknown) =>
          log.debug({ err: error }, "what was sent is kept for the next time"),
        );
        if (closed) return void (await fresh.close());
        bus = fresh;
        away = false;
        void follow(bus, url);
        decide();
      } catch (error) {
        // a broker that does not let it in will not do so later, so that somebody should hear of it
        const refused = undecided && error instanceof WeirError && error.code === "broker_refused";
        log[refused ? "warn" : "debug"]({ err: error }, "events wait in the spool");
        void fresh?.close();
        decide();
        await new Promise((resolve) => setTimeout(resolve, pause).unref());
      }
    }
  };
  let connecting = connectFor();
  const close = async (): Promise<void> => {
    if (undecided) {
      // a short-lived producer gives the broker a moment before it spools; the timer keeps the process for it
      let timer: NodeJS.Timeout | undefined;
      await Promise.race([
        connecting,
        new Promise((resolve) => (timer = setTimeout(resolve, LIMITS.first_connect_ms_max))),
      ]);
      clearTimeout(timer);
    }
    await emitter.close();
    closed = true;
    await bus?.close();
  };
  return { ...emitter, close, [Symbol.asyncDispose]: close };
}

/** Where the broker is: as told, or as the running weir of the folder says; undefined while there is none. */
function addressOf(outside: string, dataDir: string): string | undefined {
  if (outside) return outside;
  try {
    return (JSON.parse(readFileSync(join(dataDir, "runtime.json"), "utf8")) as { nats_url: string }).nats_url;
  } catch {
    return undefined; // weir does not run, or writes the file just now
  }
}
