import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

/** When the samples arrive. */
export const AT = Date.UTC(2026, 10, 1, 12) * 1000;

/** One payload and what becomes of it. */
interface Sample {
  readonly payload: Readonly<Record<string, unknown>>;
  /** Kind of payload, where the command says it. */
  readonly event?: string;
  /** Events it makes, with what must be in them; null: nothing. */
  readonly gives: readonly ({ readonly type: string } & Readonly<Record<string, unknown>>)[];
  /** Fields that no event has a place for. */
  readonly left?: readonly string[];
}

/** Payloads of one assistant, one of each kind and more where a kind has several forms. */
interface Payloads {
  /** What events call the assistant. */
  readonly name: string;
  readonly session: string;
  readonly project: string;
  /** Fields of every payload. */
  readonly common: Readonly<Record<string, unknown>>;
  readonly kinds: Readonly<Record<string, Sample>>;
}

const FOLDER = join(import.meta.dirname, "../samples/hooks");

/** The samples of each assistant. They are made from documentation and published types; none came from a live assistant. */
export const PAYLOADS: Readonly<Record<string, Payloads>> = Object.fromEntries(
  readdirSync(FOLDER).map((file) => [
    basename(file, ".json"),
    JSON.parse(readFileSync(join(FOLDER, file), "utf8")) as Payloads,
  ]),
);
