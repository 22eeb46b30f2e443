import { existsSync, realpathSync } from "node:fs";
import { homedir } from "node:os";
import { environment, readConfig } from "../base/config.ts";
import { WeirError } from "../base/errors.ts";
import { redactText } from "../base/redact.ts";
import type { Configured, Editor } from "../capture/mcp/configured/editor.ts";
import { standingOf } from "../capture/mcp/configured/front.ts";
import { openJsonServers } from "../capture/mcp/configured/json.ts";
import { type Place, placesOf } from "../capture/mcp/configured/places.ts";
import { OF_PLUGIN, pluginPlaces } from "../capture/mcp/configured/plugins.ts";
import { openTomlServers } from "../capture/mcp/configured/toml.ts";
import { note, sayJson, sayTable } from "./print.ts";
import { addressKey, type ProxyRecord, runningProxies } from "./proxies.ts";
import { readText } from "./settings-file.ts";

/** A file that names MCP servers on this machine. */
export interface ServersFile {
  readonly place: Place;
  readonly file: string;
  readonly text: string;
  readonly editor: Editor;
}

export const openServers = (text: string, { format, paths }: Place, file: string): Editor =>
  format === "toml" ? openTomlServers(text) : openJsonServers(text, file, paths);

/** What a file holds, where it can be read; what is wrong with it is told when its servers are read. */
function readQuietly(file: string): string | undefined {
  try {
    return readText(file);
  } catch {
    return undefined;
  }
}

/** The files there are, each once, and what is wrong with those that cannot be read. */
export function serversFiles(): { files: ServersFile[]; problems: string[] } {
  const env = environment();
  const files: ServersFile[] = [];
  const problems: string[] = [];
  const seen = new Set<string>();
  const machine = { home: env.HOME || homedir(), cwd: process.cwd(), platform: process.platform, env };
  for (const place of [...placesOf(machine), ...pluginPlaces(machine, readQuietly)]) {
    if (!existsSync(place.file)) continue;
    try {
      const file = realpathSync(place.file); // a link to a file elsewhere stays a link
      const once = place.plugin ? `${file} ${place.paths.join(" ")}` : file; // a marketplace has many plugins in one file
      if (seen.has(once)) continue;
      seen.add(once);
      const text = readText(file) ?? "";
      files.push({ place, file, text, editor: openServers(text, place, file) });
    } catch (error) {
      problems.push(error instanceof WeirError ? error.message : `${place.file} cannot be read: ${error}`);
    }
  }
  return { files, problems };
}

/** The running proxy that a server's address leads to, or that stands for it. */
export const proxyOf = (proxies: readonly ProxyRecord[], url: string, which: "url" | "to"): ProxyRecord | undefined =>
  proxies.find(
    (proxy) =>
      URL.canParse(url) &&
      (which === "to" ? addressKey(new URL(url)) === proxy.to_key : new URL(url).href === new URL(proxy.url).href),
  );

function shown({ place, file }: ServersFile, server: Configured, proxies: readonly ProxyRecord[]) {
  const standing = standingOf(server);
  const proxy = server.url === undefined ? undefined : proxyOf(proxies, server.url, "url");
  const words = standing.kind === "wrapped" ? standing.words : server.words;
  const weir = standing.kind === "weir" ? "itself" : standing.kind === "wrapped" || proxy ? "in front" : "no";
  return {
    assistant: place.assistant,
    scope: server.project === undefined ? place.scope : "project",
    name: server.name,
    transport: server.url !== undefined ? "http" : server.words ? "stdio" : "unknown",
    server: redactText(words ? words.join(" ") : (proxy?.to ?? server.url ?? server.odd ?? "")),
    weir,
    disabled: server.disabled || place.plugin?.enabled === false,
    plugin: place.plugin?.name ?? null,
    project: server.project ?? null,
    file,
  };
}

/** `weir mcp-servers`: the MCP servers that assistants on this machine are told to use, and whether weir stands in front. */
export function mcpServers({ json }: { readonly json?: boolean }): void {
  const { files, problems } = serversFiles();
  const proxies = runningProxies(readConfig().dataDir);
  const rows = files.flatMap((one) => one.editor.servers.map((server) => shown(one, server, proxies)));
  if (json) {
    sayJson({ servers: rows, problems });
    return;
  }
  const columns = ["assistant", "scope", "name", "transport", "server", "weir", "file"] as const;
  const named = ({ name, plugin, disabled }: (typeof rows)[number]): string =>
    `${name}${plugin ? ` (plugin ${plugin})` : ""}${disabled ? " (off)" : ""}`;
  sayTable(
    columns.map((name) => ({ name })),
    rows.map((row) => columns.map((name) => (name === "name" ? named(row) : row[name]))),
  );
  if (rows.some(({ plugin, weir }) => plugin !== null && weir === "no"))
    note(`A server of a plugin is left alone by weir wrap --all: ${OF_PLUGIN}.`);
  for (const problem of problems) note(problem);
}
