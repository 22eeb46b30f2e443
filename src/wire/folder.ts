import { readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { OPTIONS } from "../base/config.ts";
import { publicUrl } from "./connect.ts";
import { type Credential, type Role, readCredential, writePrivate } from "./credentials.ts";
import type { StreamsConfig } from "./streams.ts";

/** The folder `<data>/nats`: what weir keeps of its broker, or of an outside one. */
export const brokerDir = (dataDir: string): string => join(dataDir, "nats");

/**
 * What the weir of a data folder told its clients about its broker, in `<data>/nats/client.json` (0600): what does not stand in runtime.json, whose
 * shape is fixed, and what a client must not take from an environment of its own.
 */
export interface FolderBroker extends StreamsConfig {
  /** Address with user and password of an outside broker; absent for one that weir starts, whose users stand in credentials.json. */
  readonly outside?: string;
  readonly profile: "safe" | "fast";
}

const fileOf = (dataDir: string): string => join(brokerDir(dataDir), "client.json");

/** Writes what clients of the folder need; it stays there while weir is down, because producers spool then. */
export async function writeFolderBroker(dataDir: string, told: FolderBroker): Promise<void> {
  await mkdir(brokerDir(dataDir), { recursive: true, mode: 0o700 });
  await writePrivate(fileOf(dataDir), `${JSON.stringify(told, null, 2)}\n`);
}

/** What the weir of a folder told last; undefined where none ever ran there. */
export function readFolderBroker(dataDir: string): FolderBroker | undefined {
  try {
    const told = JSON.parse(readFileSync(fileOf(dataDir), "utf8")) as FolderBroker;
    const counts = [told.partitions, told.natsReplicas, told.logBytes];
    const whole = counts.every((count) => Number.isSafeInteger(count) && count > 0);
    if (whole && OPTIONS.profile.read(told.profile)) return told;
  } catch {
    // none yet, or one torn by a power cut: the next start writes it
  }
  return undefined;
}

/** How a role signs in at the broker that a folder's runtime.json names. */
export async function signIn(
  dataDir: string,
  natsUrl: string,
  role: Role,
): Promise<{ url: string; credentials?: Credential }> {
  const { outside } = readFolderBroker(dataDir) ?? {};
  // what is told of another broker, by an earlier weir, is not shown to this one
  if (outside !== undefined && publicUrl(outside) === natsUrl) return { url: outside };
  return { url: natsUrl, credentials: await readCredential(brokerDir(dataDir), role) };
}
