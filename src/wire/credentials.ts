import { chmod, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { secretToken } from "../base/secret-token.ts";
import { INSTANCES_SUBJECT } from "./subjects.ts";

/** Who connects: each role may do only what its work needs. */
export type Role = "producer" | "reader" | "engine" | "admin";

/** What one role signs in with, and the inbox that only it can listen to. */
export interface Credential {
  readonly user: string;
  readonly password: string;
  readonly inbox: string;
}

/** The credentials of every role of a broker that weir started. */
export type Credentials = Readonly<Record<Role, Credential>>;

interface Permissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

const STREAMS = ["WEIR_IN", "WEIR_VALID", "WEIR_EVENTS"];
const ofStreams = (make: (stream: string) => string[]) => STREAMS.flatMap(make);

/** Subjects that a role may publish to and subscribe, besides its own inbox. Nothing else is allowed. */
export const PERMISSIONS: Readonly<Record<Role, Permissions>> = {
  // The answer to a publish comes to the inbox; no JetStream API, so a producer cannot read.
  producer: { publish: ["weir.in.>"], subscribe: [] },
  // Streams by name and consumers of its own; neither delete nor purge, nor an acknowledgement (ordered consumers need none).
  reader: {
    publish: [
      "$JS.API.INFO",
      "$JS.API.STREAM.NAMES",
      "$JS.API.STREAM.LIST",
      ...ofStreams((s) => [
        `$JS.API.STREAM.INFO.${s}`,
        `$JS.API.DIRECT.GET.${s}`,
        `$JS.API.DIRECT.GET.${s}.>`,
        `$JS.API.CONSUMER.CREATE.${s}`,
        `$JS.API.CONSUMER.CREATE.${s}.>`,
        `$JS.API.CONSUMER.INFO.${s}.>`,
        `$JS.API.CONSUMER.MSG.NEXT.${s}.>`,
      ]),
    ],
    subscribe: [],
  },
  // It reads through consumers and may not subscribe weir.>: a push consumer has any subject as its target, so a reader could
  // have stored frames delivered to weir.in.0, which the server does as soon as somebody listens to exactly that subject.
  engine: {
    // Its own inboxes too: an instance that begins asks there who works already, and is answered.
    publish: ["weir.>", "$JS.API.>", "$JS.ACK.>", "$JS.FC.>", "_INBOX_engine.>"],
    // What other instances say; no stream takes that subject, so that nothing can be made to enter the log by it.
    subscribe: ["$JS.EVENT.ADVISORY.>", INSTANCES_SUBJECT],
  },
  // In the system account: what the server says about itself; it can neither reload, kick nor shut down.
  admin: {
    publish: ["VARZ", "JSZ", "HEALTHZ", "STATSZ", "CONNZ"].flatMap((what) => [
      `$SYS.REQ.SERVER.*.${what}`,
      `$SYS.REQ.SERVER.PING.${what}`,
    ]),
    subscribe: [],
  },
};

const ROLES = Object.keys(PERMISSIONS) as Role[];
const PASSWORD_BYTES = 32;

/** The file in `<data>/nats` from which weir's own clients take their credentials. */
export const credentialsFile = (dir: string): string => join(dir, "credentials.json");

/** The stored credentials of a role; undefined where weir has not started a broker in this folder (`<data>/nats`). */
export async function readCredential(dir: string, role: Role): Promise<Credential | undefined> {
  return (await readStored(dir))[role];
}

/** The credentials of every role, made at random where the folder (`<data>/nats`) has none yet; the file is private (0600). */
export async function loadCredentials(dir: string): Promise<Credentials> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await chmod(dir, 0o700); // mkdir leaves a folder that was there as it was
  const stored = await readStored(dir);
  const all = Object.fromEntries(ROLES.map((role) => [role, stored[role] ?? newCredential(role)])) as Credentials;
  await writePrivate(credentialsFile(dir), `${JSON.stringify(all, null, 2)}\n`);
  return all;
}

/** Writes a file that only its owner can read, whole or not at all. */
export async function writePrivate(path: string, text: string): Promise<void> {
  const half = `${path}.${process.pid}.tmp`;
  await writeFile(half, text, { mode: 0o600 });
  await chmod(half, 0o600); // a left-over of an earlier try keeps its mode
  await rename(half, path);
}

/** The users of the broker as text of a nats config file, to be included. */
export function renderUsers(credentials: Credentials): string {
  const user = (role: Role) => {
    const { publish, subscribe } = PERMISSIONS[role];
    const { user: name, password, inbox } = credentials[role];
    const list = (subjects: readonly string[]) => `[${subjects.map((s) => JSON.stringify(s)).join(", ")}]`;
    return [
      `    { user: ${JSON.stringify(name)}, password: ${JSON.stringify(password)}, permissions: {`,
      `      publish: { allow: ${list(publish)} }`,
      `      subscribe: { allow: ${list([...subscribe, `${inbox}.>`])} }`,
      "    } }",
    ].join("\n");
  };
  const users = ROLES.filter((role) => role !== "admin").map(user);
  return [
    "# Written by weir at each start: the users of the broker. Keep it private.",
    "authorization {",
    `  timeout: 5\n  users: [\n${users.join("\n")}\n  ]\n}`,
    `accounts { $SYS { users: [\n${user("admin")}\n] } }`,
    "",
  ].join("\n");
}

function newCredential(role: Role): Credential {
  return { user: role, password: secretToken(PASSWORD_BYTES), inbox: `_INBOX_${role}` };
}

async function readStored(dir: string): Promise<Partial<Record<Role, Credential>>> {
  let found: unknown;
  try {
    found = JSON.parse(await readFile(credentialsFile(dir), "utf8"));
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code;
    // Torn by a power cut: new ones do, since only weir's own clients use them and read them from here.
    if (code === "ENOENT" || thrown instanceof SyntaxError) return {};
    throw thrown;
  }
  const entries = Object.entries((found ?? {}) as Record<string, Partial<Credential>>);
  return Object.fromEntries(
    entries.filter(([, c]) => [c?.user, c?.password, c?.inbox].every((part) => typeof part === "string" && part)),
  );
}
