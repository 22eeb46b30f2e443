import { join } from "node:path";
import type { Path } from "../../json-text.ts";

/** A file in which an assistant looks for MCP servers. */
export interface Place {
  readonly assistant: string;
  /** user: for everything this person does; project: in the folder of a project, shared with whoever works on it. */
  readonly scope: "user" | "project";
  readonly file: string;
  readonly format: "json" | "toml";
  /** Where in the file the servers stand; `*` stands for every name. */
  readonly paths: readonly Path[];
  /** The plugin they come with, where they do. */
  readonly plugin?: { readonly name: string; readonly enabled: boolean };
}

/** What the places depend on. */
export interface Machine {
  readonly home: string;
  readonly cwd: string;
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const SERVERS: readonly Path[] = [["mcpServers"]];
const OPENCODE: readonly Path[] = [["mcp"], ["mcp", "servers"]];

/** Folder in which desktop programs keep their settings. */
function settingsFolder({ home, platform, env }: Machine): string {
  if (platform === "darwin") return join(home, "Library", "Application Support");
  if (platform === "win32") return env.APPDATA || join(home, "AppData", "Roaming");
  return env.XDG_CONFIG_HOME || join(home, ".config");
}

/** Every file in which an assistant known to weir may name MCP servers, whether it exists or not. */
export function placesOf(machine: Machine): Place[] {
  const { home, cwd, env } = machine;
  const desktop = settingsFolder(machine);
  const claude = env.CLAUDE_CONFIG_DIR || home;
  const open = join(env.XDG_CONFIG_HOME || join(home, ".config"), "opencode");
  const json = (assistant: string, scope: Place["scope"], file: string, paths: readonly Path[] = SERVERS): Place => ({
    assistant,
    scope,
    file,
    format: "json",
    paths,
  });
  return [
    json("claude-code", "user", join(claude, ".claude.json"), [["mcpServers"], ["projects", "*", "mcpServers"]]),
    json("claude-code", "project", join(cwd, ".mcp.json")),
    json("claude-desktop", "user", join(desktop, "Claude", "claude_desktop_config.json")),
    {
      assistant: "codex",
      scope: "user",
      file: join(env.CODEX_HOME || join(home, ".codex"), "config.toml"),
      format: "toml",
      paths: [["mcp_servers"]],
    },
    {
      assistant: "codex",
      scope: "project",
      file: join(cwd, ".codex", "config.toml"),
      format: "toml",
      paths: [["mcp_servers"]],
    },
    json("gemini", "user", join(home, ".gemini", "settings.json")),
    json("gemini", "project", join(cwd, ".gemini", "settings.json")),
    json("cursor", "user", join(home, ".cursor", "mcp.json")),
    json("cursor", "project", join(cwd, ".cursor", "mcp.json")),
    json("vscode", "user", join(desktop, "Code", "User", "mcp.json"), [["servers"]]),
    json("vscode", "project", join(cwd, ".vscode", "mcp.json"), [["servers"]]),
    json("copilot", "user", join(env.COPILOT_HOME || join(home, ".copilot"), "mcp-config.json")),
    json("copilot", "project", join(cwd, ".github", "mcp.json")),
    ...["opencode.json", "opencode.jsonc"].flatMap((name) => [
      json("opencode", "user", join(open, name), OPENCODE),
      json("opencode", "project", join(cwd, name), OPENCODE),
      json("opencode", "project", join(cwd, ".opencode", name), OPENCODE),
    ]),
  ];
}
