import { randomBytes } from "node:crypto";
import { type Config, privacyGiven } from "../base/config.ts";
import { openKeys } from "../base/keys.ts";
import type { Log } from "../base/log.ts";
import { withoutOwnSecrets } from "../base/own-secrets.ts";
import { watchPolicy } from "../base/privacy.ts";
import type { RecordPrivacy } from "../capture/hooks/record.ts";
import { createGuard } from "../events/guard.ts";
import { createEmitter } from "../sdk/emit.ts";
import type { Emitter } from "../sdk/emitter.ts";
import type { Connection } from "../wire/connect.ts";

/** A producer of weir itself, and what it keeps of events. */
export interface OwnProducer {
  readonly emitter: Emitter;
  readonly privacy: RecordPrivacy;
}

/** Makes the producer of one thread of weir, on a connection of its own. */
export function openOwnProducer({
  config,
  bus,
  spoolFolder,
  log,
}: {
  readonly config: Config;
  readonly bus: Connection;
  /** A folder that a thread before this one left is taken over. */
  readonly spoolFolder: string;
  readonly log: Log;
}): OwnProducer {
  const privacy = {
    policy: watchPolicy(config.dataDir, privacyGiven()),
    keys: openKeys(config.dataDir, { make: true }),
    withoutOwn: withoutOwnSecrets(config.dataDir),
  };
  const emitter = createEmitter({
    producer: `weir-${process.pid}-${randomBytes(4).toString("hex")}`,
    source: "weir://local",
    via: "api",
    bus: () => bus,
    keep: () => config.profile === "fast",
    spoolFolder,
    partitions: config.partitions,
    whenFull: "wait",
    check: true,
    guard: createGuard(privacy),
    log,
  });
  void cutWhenAway(bus, emitter);
  return { emitter, privacy };
}

/** Frames on their way when the connection breaks go to the spool at once, before newer ones. */
async function cutWhenAway(connection: Connection, emitter: Emitter): Promise<void> {
  for await (const status of connection.nc.status()) {
    if (status.type === "disconnect") emitter.cut();
    if (status.type === "reconnect") emitter.wake();
  }
}
