import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import type { Msg, NatsConnection } from "@nats-io/transport-node";
import { LIMITS } from "../base/limits.ts";
import type { Log } from "../base/log.ts";
import { isAlive, PLACE } from "../base/process.ts";
import { INSTANCES_SUBJECT } from "../wire/subjects.ts";
import { shareOut } from "./share.ts";

/*
 * Instances spread the partitions of a processor among them. Each tells all others, about once a second and at every change, which processors it
 * runs and which partitions it holds. Whoever is not heard for lease_ms is gone, and what it held is free. From what all say, each works out the
 * same shares (share.ts), gives up what is another's, and takes what is its own as soon as nobody holds it. So:
 *   nobody else is there  → the broker says so at once, everything is taken without waiting
 *   an instance joins     → the others hear it, work off what they have begun and let go; then it takes its share
 *   an instance ends      → it says so, and the others take over
 *   an instance is killed → the others take over when its word has run out; on the same machine as soon as its process is gone
 *   the connection breaks → nobody is declared gone for what could not be heard
 * Nothing depends on it: two that hold one partition, because a word was lost, meet at the log, which lets one of them write.
 */

/** How far a partition's holder is: last input sequence done, messages behind. */
type Progress = readonly [input: number, behind: number];

/** What an instance tells: for each processor it runs, the partitions it holds. */
interface Word {
  readonly id: string;
  /** For people: machine and process. */
  readonly where: string;
  /** What machine and what space of process ids, so that only whoever can see the process judges by its id. */
  readonly place: string;
  readonly pid: number;
  readonly runs: Readonly<Record<string, Readonly<Record<string, Progress>>>>;
  readonly ended?: true;
}

interface Heard extends Word {
  at: number;
}

/** Where a partition is worked on. */
export interface Holder {
  readonly where: string;
  readonly own: boolean;
  readonly input: number;
  readonly behind: number;
}

export interface LeaseOptions {
  readonly nc: NatsConnection;
  readonly names: readonly string[];
  readonly partitions: number;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Works on a partition until its signal, and resolves when it has let go. */
  readonly run: (name: string, partition: number, signal: AbortSignal) => Promise<void>;
  readonly progress: (name: string, partition: number) => Progress;
  /** Told of each partition now and then: who holds it, undefined where it is free. */
  readonly onHolder?: (name: string, partition: number, holder: Holder | undefined) => void;
}

/** Shares processors' partitions with the other instances on the broker until the signal; resolves when everything held is let go. */
export async function shareWork(options: LeaseOptions): Promise<void> {
  const { nc, names, partitions, log, signal, run, progress, onHolder } = options;
  const id = randomBytes(12).toString("base64url");
  const where = `${hostname()} (${process.pid})`;
  const held = new Map<string, { name: string; partition: number; stop: AbortController; done: Promise<void> }>();
  const others = new Map<string, Heard>();
  const key = (name: string, partition: number): string => `${name} ${partition}`;
  const heldOf = (name: string): number[] => [...held.values()].filter((h) => h.name === name).map((h) => h.partition);

  const word = (ended = false): string => {
    const runs = Object.fromEntries(
      names.map((name) => [name, Object.fromEntries(heldOf(name).map((p) => [p, progress(name, p)]))]),
    );
    const said: Word = { id, where, place: PLACE, pid: process.pid, runs, ...(ended ? { ended } : {}) };
    return JSON.stringify(said);
  };
  const say = (ended = false): void => {
    if (!nc.isClosed()) nc.publish(INSTANCES_SUBJECT, word(ended));
  };

  const take = (name: string, partition: number): void => {
    const stop = new AbortController();
    const done = run(name, partition, stop.signal).then(
      () => {
        held.delete(key(name, partition));
        say();
        decide();
      },
      () => {}, // it is told elsewhere, and stays held: another instance would find the same
    );
    held.set(key(name, partition), { name, partition, stop, done });
  };

  /** Gives up what is another's, takes what is free and ours. */
  const decide = (): void => {
    if (signal.aborted) return;
    for (const name of names) {
      const claims = [...others.values()]
        .filter((other) => name in other.runs)
        .map((other) => ({ id: other.id, holds: Object.keys(other.runs[name]!).map(Number) }));
      const owners = shareOut(name, partitions, [{ id, holds: heldOf(name) }, ...claims]);
      for (const [p, owner] of owners.entries()) {
        const own = held.get(key(name, p));
        const holder = [...others.values()].find((other) => other.runs[name]?.[p]);
        if (own && owner !== id) own.stop.abort();
        else if (!own && owner === id && !holder) take(name, p);
        if (!onHolder) continue;
        if (held.has(key(name, p))) onHolder(name, p, { where, own: true, input: 0, behind: 0 });
        else if (holder) {
          const [input, behind] = holder.runs[name]![p]!;
          onHolder(name, p, { where: holder.where, own: false, input, behind });
        } else onHolder(name, p, undefined);
      }
    }
  };

  const note = (said: Word): void => {
    if (said.ended) others.delete(said.id);
    else others.set(said.id, { ...said, at: performance.now() });
  };
  const hear = (message: Msg): void => {
    const said = wordOf(message.data);
    if (!said || said.id === id) return;
    const known = others.has(said.id);
    note(said);
    // so that a newcomer knows us too
    if (message.reply) message.respond(word());
    else if (!known && !said.ended) say();
    decide();
  };

  // asked before listening, so that nobody answers where nobody is
  for (const said of await hello(nc, word(), log)) note(said);
  const ears = nc.subscribe(INSTANCES_SUBJECT, {
    callback: (error, message) => {
      if (error) log.warn({ err: error }, "other instances are not heard; which of them works is decided at the log");
      else hear(message);
    },
  });
  let away = false;
  let beaten = performance.now();
  const fresh = (): void => {
    for (const other of others.values()) other.at = performance.now();
  };
  const follow = async (): Promise<void> => {
    for await (const { type } of nc.status()) {
      if (type === "disconnect") away = true;
      if (type !== "reconnect" || signal.aborted) continue;
      away = false;
      fresh();
      say();
    }
  };
  void follow();
  const beat = (): void => {
    const now = performance.now();
    // a machine that slept, or a process that was stopped, has heard nobody
    if (away || now - beaten > LIMITS.lease_ms / 2) fresh();
    beaten = now;
    for (const other of others.values())
      if (now - other.at > LIMITS.lease_ms || (other.place === PLACE && !isAlive(other.pid))) others.delete(other.id);
    say();
    decide();
  };
  say();
  decide();
  const timer = setInterval(beat, LIMITS.lease_beat_ms);
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve());
  });
  clearInterval(timer);
  ears.unsubscribe();
  for (const { stop } of held.values()) stop.abort();
  await Promise.all([...held.values()].map(({ done }) => done));
  say(true);
  if (!nc.isClosed() && !away) await nc.flush().catch(() => {}); // the others find out by themselves as well
}

/** Asks who is there. Where nobody is, the broker tells at once. */
async function hello(nc: NatsConnection, word: string, log: Log): Promise<Word[]> {
  const words: Word[] = [];
  try {
    const options = { strategy: "stall", stall: LIMITS.lease_hello_ms, maxWait: LIMITS.lease_hello_ms * 4 } as const;
    for await (const { data } of await nc.requestMany(INSTANCES_SUBJECT, word, options)) {
      const said = wordOf(data);
      if (said) words.push(said);
    }
  } catch (error) {
    log.debug({ err: error }, "no other instance answers");
  }
  return words;
}

/** What another instance said; undefined where it makes no sense. */
function wordOf(data: Uint8Array): Word | undefined {
  try {
    const said = JSON.parse(new TextDecoder().decode(data)) as Word;
    const texts = [said.id, said.where, said.place].every((text) => typeof text === "string");
    const runs = Object.values(said.runs).every((held) =>
      Object.values(held).every((at) => Array.isArray(at) && at.length === 2 && at.every(Number.isSafeInteger)),
    );
    return texts && runs && Number.isSafeInteger(said.pid) ? said : undefined;
  } catch {
    return undefined;
  }
}
