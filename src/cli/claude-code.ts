import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Config, environment, OPTIONS } from "../base/config.ts";
import { WeirError } from "../base/errors.ts";
import { type Handler, handlersOf } from "../capture/claude-code/hook/registered.ts";
import { captureToken, HOOKS_PATH } from "./hooks.ts";
import { definitionsRoot, entry } from "./root.ts";
import { findRuntime } from "./runtime.ts";

export type Scope = "user" | "project";

/** Where Claude Code looks for settings and for MCP servers. */
export function filesOf(scope: Scope, cwd: string): { settings: string; mcp: string } {
  if (scope === "project") return { settings: join(cwd, ".claude", "settings.json"), mcp: join(cwd, ".mcp.json") };
  const { HOME, CLAUDE_CONFIG_DIR } = environment();
  const home = HOME || homedir();
  return CLAUDE_CONFIG_DIR
    ? { settings: join(CLAUDE_CONFIG_DIR, "settings.json"), mcp: join(CLAUDE_CONFIG_DIR, ".claude.json") }
    : { settings: join(home, ".claude", "settings.json"), mcp: join(home, ".claude.json") };
}

/** The version of Claude Code on this machine; undefined where none answers. */
export function assistantVersion(): string | undefined {
  const { stdout } = spawnSync("claude", ["--version"], { encoding: "utf8", timeout: 5_000, env: environment() });
  return /(\d+\.\d+\.\d+)/.exec(stdout ?? "")?.[1];
}

const quoted = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

/** The data folder, where it is not the one that every weir of this user finds. */
export const ownFolder = (config: Config): string | undefined =>
  config.dataDir === join(environment().HOME || homedir(), ".weir") ? undefined : config.dataDir;

/** Words that start a program of this weir, built or from the source. */
export function program(built: string, source: string): string[] {
  const file = join(definitionsRoot(), built);
  if (existsSync(file)) return [process.execPath, file];
  return [process.execPath, "--import", fileURLToPath(import.meta.resolve("tsx")), entry(source)];
}

/**
 * The command of a hook. It names the programs by their whole path, because an assistant started by a desktop has another PATH, and says nothing
 * where they are gone: the assistant would show that to its person at every event. `weir doctor` finds it.
 */
export function hookCommand(config: Config): string {
  const folder = ownFolder(config);
  const words = [...program("src/hook.cjs", "src/cli"), "hook", "claude-code"].map(quoted).join(" ");
  return `${folder === undefined ? "" : `${OPTIONS.dataDir.env}=${quoted(folder)} `}${words} 2>/dev/null || :`;
}

/** weir as an MCP server, as Claude Code's files name one. */
export function mcpServer(config: Config): Handler {
  const [command, ...args] = [...program("src/cli.js", "src/cli"), "mcp"];
  const folder = ownFolder(config);
  return { type: "stdio", command, args, env: folder === undefined ? {} : { [OPTIONS.dataDir.env]: folder } };
}

/** Where the running weir is, or will be, for what stands in settings. */
export function httpAddress(config: Config): string {
  if (config.httpPort > 0) return `http://127.0.0.1:${config.httpPort}`;
  const running = findRuntime(config.dataDir)?.http_url;
  if (running) return running;
  throw new WeirError("usage", "the port of weir is not known", { hint: "set WEIR_HTTP_PORT to a fixed one" });
}

/** The handlers that this weir registers. */
export function wantedHandlers(
  config: Config,
  { http, version }: { http: boolean; version: string | undefined },
): Record<string, Handler> {
  return handlersOf({
    command: hookCommand(config),
    version,
    ...(http && {
      http: { url: `${httpAddress(config)}${HOOKS_PATH}claude-code`, token: captureToken(config.dataDir) },
    }),
  });
}

/** The environment that makes Claude Code send its own telemetry to this weir. */
export const telemetryVariables = (config: Config): Record<string, string> => ({
  CLAUDE_CODE_ENABLE_TELEMETRY: "1",
  CLAUDE_CODE_ENHANCED_TELEMETRY_BETA: "1",
  OTEL_METRICS_EXPORTER: "otlp",
  OTEL_LOGS_EXPORTER: "otlp",
  OTEL_TRACES_EXPORTER: "otlp",
  OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
  OTEL_EXPORTER_OTLP_ENDPOINT: httpAddress(config),
  OTEL_EXPORTER_OTLP_HEADERS: `Authorization=Bearer%20${captureToken(config.dataDir)}`,
});
