import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Packr, Unpackr } from "msgpackr";
import { readSealed, writeSealed } from "../base/sealed.ts";

/** A processor's state at a place in its input. A cache: without it the state is made again from the log. */
export interface Snapshot<S> {
  /** What the state belongs to: weir's version, and the input stream's making. */
  readonly of: string;
  /** Last input sequence the state has seen. */
  readonly input: number;
  /** Sequence of the processor's last output at that moment; 0 where there was none. */
  readonly output: number;
  readonly state: S;
}

const packr = new Packr({ structuredClone: true, moreTypes: true });
const unpackr = new Unpackr({ structuredClone: true, moreTypes: true });

/** A state through the codec of snapshots: what a processor finds after a restart. */
export const throughCodec = <S>(state: S): S => unpackr.unpack(packr.pack(state)) as S;

const fileOf = (folder: string, processor: string, partition: number): string =>
  join(folder, `${processor}.${partition}.snapshot`);

/** Saves a snapshot so that after a crash either the old or the new one is there. */
export function saveSnapshot<S>(folder: string, processor: string, partition: number, snapshot: Snapshot<S>): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeSealed(fileOf(folder, processor, partition), [packr.pack(snapshot)], { sync: true });
}

/** The snapshot, if there is one and it belongs to `of`. */
export function loadSnapshot<S>(
  folder: string,
  processor: string,
  partition: number,
  of: string,
): Snapshot<S> | undefined {
  const bytes = readSealed(fileOf(folder, processor, partition));
  if (!bytes) return undefined; // missing or damaged: the log has everything
  try {
    const snapshot = unpackr.unpack(bytes) as Snapshot<S>;
    return snapshot.of === of ? snapshot : undefined;
  } catch {
    return undefined; // of another codec
  }
}
