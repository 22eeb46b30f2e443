import { isAbsolute, join } from "node:path";
import { openJson, type Path } from "../../json-text.ts";
import { isLoose, type Loose, listOf, looseOf, textOf } from "../../loose.ts";
import type { Machine, Place } from "./places.ts";

/** Why weir does not stand in front of a plugin's servers. */
export const OF_PLUGIN =
  "it comes with a plugin, whose files every update replaces: to record it, switch it off there and enter its command yourself, behind weir wrap";

/** Reads a file; undefined where there is none or it cannot be read. */
type Read = (file: string) => string | undefined;

/**
 * Files in which the plugins of Claude Code that are installed for this person, or for this folder, name MCP servers: `.mcp.json` at the plugin's
 * root, `mcpServers` of its `plugin.json` (servers, or the names of files that hold them), or of its entry in the marketplace.
 */
export function pluginPlaces({ home, cwd, env }: Machine, read: Read): Place[] {
  const claude = env.CLAUDE_CONFIG_DIR || join(home, ".claude");
  const json = (file: string): Loose => looseIn(read(file), file);
  const settings = [claude, join(cwd, ".claude")].map((folder) => join(folder, "settings.json"));
  const switches = [...settings, join(cwd, ".claude", "settings.local.json")].map((file) => json(file).enabledPlugins);
  const enabled: Loose = Object.assign({}, ...switches.map(looseOf));
  const places: Place[] = [];
  for (const [id, installs] of Object.entries(
    looseOf(json(join(claude, "plugins", "installed_plugins.json")).plugins),
  )) {
    const [name, marketplace] = id.split("@") as [string, string | undefined];
    // older versions name one installation, newer ones a list of them
    for (const install of (Array.isArray(installs) ? installs : [installs]).map(looseOf)) {
      const root = textOf(install.installPath);
      const scope = install.scope === undefined || install.scope === "user" ? "user" : "project";
      if (root === undefined || (scope === "project" && install.projectPath !== cwd)) continue;
      const plugin = { name, enabled: enabled[id] !== false };
      const add = (file: string, path: Path): void =>
        void places.push({ assistant: "claude-code", scope, file, format: "json", paths: [path], plugin });
      const addFile = (file: string): void => add(file, isLoose(json(file).mcpServers) ? ["mcpServers"] : []);
      addFile(join(root, ".mcp.json"));
      const manifest = join(root, ".claude-plugin", "plugin.json");
      const { mcpServers } = json(manifest);
      if (isLoose(mcpServers)) add(manifest, ["mcpServers"]);
      for (const file of [mcpServers].flat())
        if (typeof file === "string") addFile(isAbsolute(file) ? file : join(root, file));
      if (marketplace === undefined) continue;
      const market = join(claude, "plugins", "marketplaces", marketplace, ".claude-plugin", "marketplace.json");
      const at = listOf(json(market).plugins).findIndex((entry) => looseOf(entry).name === name);
      if (at >= 0) add(market, ["plugins", at, "mcpServers"]);
    }
  }
  return places;
}

/** The object in a file; an empty one where there is none. */
function looseIn(text: string | undefined, file: string): Loose {
  try {
    return text === undefined ? {} : looseOf(openJson(text, file).get([]));
  } catch {
    return {}; // told as what it is where its servers are read
  }
}
