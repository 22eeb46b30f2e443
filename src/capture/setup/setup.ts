import type { JsonText } from "../json-text.ts";
import type { Handler } from "./hooks.ts";

/** Where an assistant is looked for. */
export interface Spot {
  readonly home: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly scope: Scope;
}

/** Whose settings: those of the user, or those that lie in a project. */
export type Scope = "user" | "project";

/** What is entered into an assistant's settings. */
export interface Entry {
  /** Version of the assistant, where it is known. */
  readonly version: string | undefined;
  /** Command of a hook, for the shell; with the kind of payload, where that does not say it itself. */
  command(event?: string): string;
  /** Where the running weir takes payloads, where hooks are to send them over HTTP. */
  readonly http: { readonly url: string; readonly token: string } | undefined;
  /** weir as an MCP server; undefined where it is to be left out. */
  readonly mcp: McpProgram | undefined;
  /** Where telemetry is to go; undefined where it is to be left alone. */
  readonly telemetry: Telemetry | undefined;
  /** Tells the person something. */
  note(text: string): void;
}

/** A program that speaks MCP on its stdio. */
export interface McpProgram {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Where OTLP over HTTP goes: the address without a path, and the token. */
export interface Telemetry {
  readonly endpoint: string;
  readonly token: string;
}

/** What of weir stands in a file. */
export interface Standing {
  readonly hooks: readonly { readonly event: string; readonly handler: Handler }[];
  /** Where telemetry goes, where it is weir that was entered. */
  readonly telemetry?: { readonly endpoint: string; readonly token?: string | undefined } | undefined;
  /** A switch in the file that keeps every hook from running. */
  readonly off?: string | undefined;
}

/** One file of an assistant, and what weir has in it. Texts in, texts out. */
export interface SettingsFile {
  readonly file: string;
  /** The text with weir in it; the text given where nothing is to be entered. */
  enter(text: string | undefined, entry: Entry): string | undefined;
  /** The text without weir; undefined where nothing is left in it because of that. `before` is what it held before weir was entered, where that is known. */
  leave(text: string, before?: string): string | undefined;
  /** What a file holds that has nothing in it. */
  readonly blank: string;
  /** Whether a text differs from another in nothing but space. */
  same(a: string, b: string): boolean;
  standing(text: string): Standing;
  /** It is weir's alone, so nothing of others needs a copy. */
  readonly own?: boolean;
}

/** How weir enters itself in one assistant. */
export interface Setup {
  /** What `weir init` and `weir hook` call it. */
  readonly name: string;
  /** What people call it. */
  readonly label: string;
  /** Program whose `--version` tells which one is installed. */
  readonly program: string;
  /** Folders of which one is there where the assistant was ever used. */
  homes(spot: Spot): readonly string[];
  /** Files that are changed. */
  files(spot: Spot): readonly SettingsFile[];
  /** Hook events to register, each with the version that brought it, where that is known; empty where hooks are no matter of settings. */
  readonly events: Readonly<Record<string, string>>;
  /** Whether its hooks can send payloads over HTTP. */
  readonly http: boolean;
  /** How telemetry is switched on: in its settings, in the environment it is started in, or not at all. */
  readonly telemetry: "settings" | "environment" | "none";
  /** The settings have no place for the token, so it goes into the environment all the same. */
  readonly tokenInEnvironment?: boolean;
  /** What a person has to do besides. */
  readonly afterwards?: string;
  /** Added to the command of a hook, where the assistant wants an answer. */
  readonly answer?: string;
}

/** Something of weir in a JSON file. */
export interface JsonPart {
  enter(settings: JsonText, entry: Entry, file: string): void;
  leave(settings: JsonText, before: JsonText | undefined): void;
  standing?(settings: JsonText, file: string): Partial<Standing>;
}

/** Whether a version is older than another; by its numbers alone. */
export function isOlder(version: string, than: string): boolean {
  const a = version.split(".").map(Number);
  const b = than.split(".").map(Number);
  for (let k = 0; k < 3; k++) {
    const [x, y] = [a[k] ?? 0, b[k] ?? 0];
    if (x !== y) return x < y;
  }
  return false;
}

/** The events that a version knows; all of them where the version is not known. */
export const eventsOf = (events: Readonly<Record<string, string>>, version: string | undefined): string[] =>
  Object.keys(events).filter(
    (event) => version === undefined || events[event] === "" || !isOlder(version, events[event]!),
  );
