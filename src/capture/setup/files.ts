import { type JsonText, openJson, sameButSpace } from "../json-text.ts";
import { isLoose, type Loose } from "../loose.ts";
import { openToml } from "../toml-text.ts";
import { addHooks, type Handler, type HooksForm, registeredHooks, removeHooks } from "./hooks.ts";
import { addMcpServer, addValues, removeMcpServer, removeValues } from "./json-values.ts";
import type { Entry, JsonPart, McpProgram, SettingsFile, Standing, Telemetry } from "./setup.ts";

/** A JSON file, comments allowed. `blank` is what it holds where weir makes it, before weir is in it. */
export function jsonFile(file: string, parts: readonly JsonPart[], blank = "{}\n"): SettingsFile {
  return {
    file,
    enter(text, entry) {
      const settings = openJson(text?.trim() ? text : blank, file);
      const start = settings.text;
      for (const part of parts) part.enter(settings, entry, file);
      return settings.text === start ? text : settings.text;
    },
    leave(text, kept) {
      const settings = openJson(text, file);
      const before = kept === undefined ? undefined : openJson(kept, file);
      const start = settings.text;
      for (const part of parts) part.leave(settings, before);
      if (settings.text === start) return text;
      return sameButSpace(settings.text, blank) ? undefined : settings.text;
    },
    blank,
    same: sameButSpace,
    standing(text) {
      const settings = openJson(text, file);
      return Object.assign({ hooks: [] }, ...parts.map((part) => part.standing?.(settings, file) ?? {})) as Standing;
    },
  };
}

/** Hooks in a JSON file. */
export const hooksPart = (
  form: HooksForm,
  handlers: (entry: Entry) => Readonly<Record<string, Handler>>,
  off: (settings: JsonText) => string | undefined = () => undefined,
): JsonPart => ({
  enter(settings, entry, file) {
    addHooks(settings, form, handlers(entry), file);
    const reason = off(settings);
    if (reason) entry.note(`${reason} in ${file}: no hook runs.`);
  },
  leave: (settings) => removeHooks(settings, form),
  standing: (settings) => ({ hooks: registeredHooks(settings, form), off: off(settings) }),
});

/** weir among the MCP servers of a JSON file. */
export const mcpPart = (path: string, server: (program: McpProgram) => Loose): JsonPart => ({
  enter(settings, { mcp, note }, file) {
    if (mcp && !addMcpServer(settings, [path], server(mcp)))
      note(`${file} names another MCP server weir; it was left alone.`);
  },
  leave: (settings) => removeMcpServer(settings, [path]),
});

/**
 * Values that switch telemetry on, in one object of a JSON file. Those at `where` say where it goes: while one of them is somebody else's, nothing is
 * entered, because what is sent there, a token among it, would not be meant for them.
 */
export const telemetryPart = (
  path: string,
  values: (telemetry: Telemetry) => Loose,
  where: readonly string[],
  /** Where it goes, where the values are weir's. */
  read: (values: Loose) => Standing["telemetry"],
): JsonPart => {
  const valuesIn = (settings: JsonText | undefined): Loose => {
    const there = settings?.get([path]);
    return isLoose(there) ? there : {};
  };
  return {
    enter(settings, { telemetry, note }, file) {
      if (!telemetry) return;
      const there = valuesIn(settings);
      const ours = read(there) !== undefined;
      const others = ours ? [] : where.filter((name) => there[name] !== undefined);
      if (others.length > 0) {
        note(`${others.join(", ")} in ${file} had other values already: telemetry goes there, and was left alone.`);
        return;
      }
      const taken = addValues(settings, [path], values(telemetry), (name) => where.includes(name));
      if (taken.length > 0) note(`${taken.join(", ")} had other values already and were left alone.`);
    },
    leave(settings, before) {
      const there = valuesIn(settings);
      const found = read(there);
      if (!found) return;
      const entered = values({ token: "", ...found });
      const earlier = valuesIn(before);
      const names = Object.keys(entered).filter(
        (name) => there[name] === entered[name] && earlier[name] !== entered[name],
      );
      for (const name of names) if (earlier[name] !== undefined) settings.set([path, name], earlier[name]);
      removeValues(
        settings,
        [path],
        names.filter((name) => earlier[name] === undefined),
      );
    },
    standing: (settings) => ({ telemetry: read(valuesIn(settings)) }),
  };
};

/** A table of weir in a TOML file. */
export interface TomlPart {
  /** Name of the table, for example `["mcp_servers", "weir"]`. */
  readonly table: readonly string[];
  /** Its lines; undefined where it is not to be entered. */
  lines(entry: Entry): readonly string[] | undefined;
  /** Whether a table of that name is weir's. */
  ours(lines: readonly string[]): boolean;
  standing?(lines: readonly string[]): Partial<Standing>;
}

/** A TOML file. A table that somebody else wrote under the same name is left alone. */
export function tomlFile(file: string, parts: readonly TomlPart[]): SettingsFile {
  return {
    file,
    enter(text, entry) {
      const toml = openToml(text ?? "", file);
      for (const { table, lines, ours } of parts) {
        const wanted = lines(entry);
        if (!wanted) continue;
        const there = toml.table(table);
        if (there ? ours(there) : !toml.holds(table)) toml.set(table, wanted);
        else entry.note(`${table.join(".")} is set in ${file} already; it was left alone.`);
      }
      return toml.text === (text ?? "") ? text : toml.text;
    },
    leave(text) {
      const toml = openToml(text, file);
      for (const { table, ours } of parts) if (ours(toml.table(table) ?? [])) toml.remove(table);
      return toml.text !== text && toml.text.trim() === "" ? undefined : toml.text;
    },
    blank: "",
    same: (a, b) => a.trim() === b.trim(),
    standing(text) {
      const toml = openToml(text, file);
      const found = parts.map((part) => {
        const there = toml.table(part.table);
        return there && part.ours(there) ? (part.standing?.(there) ?? {}) : {};
      });
      return Object.assign({ hooks: [] }, ...found) as Standing;
    },
  };
}

/** A file that is weir's alone. One of that name that weir did not write is left alone. */
export function ownFile(
  file: string,
  content: (entry: Entry) => string,
  ours: (text: string) => boolean,
  standing: (text: string) => Standing,
): SettingsFile {
  return {
    file,
    enter(text, entry) {
      if (text === undefined || ours(text)) return content(entry);
      entry.note(`${file} is not weir's; it was left alone.`);
      return text;
    },
    leave: (text) => (ours(text) ? undefined : text),
    blank: "",
    same: (a, b) => a === b,
    own: true,
    standing: (text) => (ours(text) ? standing(text) : { hooks: [] }),
  };
}
