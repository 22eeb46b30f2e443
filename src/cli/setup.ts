import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Config, environment, OPTIONS } from "../base/config.ts";
import { WeirError } from "../base/errors.ts";
import { SETUPS } from "../capture/setup/assistants.ts";
import type { McpProgram, Scope, Setup, Spot, Telemetry } from "../capture/setup/setup.ts";
import { captureToken } from "./hooks.ts";
import { definitionsRoot, entry } from "./root.ts";
import { findRuntime } from "./runtime.ts";
import { quoted } from "./shell-words.ts";

/** How weir enters itself in an assistant. Throws `usage` for one that it does not know. */
export function setupOf(name: string): Setup {
  const setup = SETUPS.find((known) => known.name === name);
  if (setup) return setup;
  const names = SETUPS.map((known) => known.name).join(", ");
  throw new WeirError("usage", `weir init knows ${names}, not ${name.slice(0, 40)}`);
}

/** Where assistants are looked for in this process. */
export function spotOf(scope: Scope): Spot {
  const env = environment();
  return { home: env.HOME || homedir(), cwd: process.cwd(), env, scope };
}

/** The version of an assistant on this machine; undefined where none answers. */
export function installedVersion({ program }: Setup): string | undefined {
  const { stdout } = spawnSync(program, ["--version"], { encoding: "utf8", timeout: 5_000, env: environment() });
  return /(\d+\.\d+\.\d+)/.exec(stdout ?? "")?.[1];
}

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
export function hookCommand(config: Config, { name, answer }: Setup, event?: string): string {
  const folder = ownFolder(config);
  const words = [...program("src/hook.cjs", "src/cli"), "hook", name, ...(event === undefined ? [] : [event])];
  const before = folder === undefined ? "" : `${OPTIONS.dataDir.env}=${quoted(folder)} `;
  return `${before}${words.map(quoted).join(" ")} 2>/dev/null || :${answer === undefined ? "" : `; ${answer}`}`;
}

/** weir as an MCP server. */
export function mcpProgram(config: Config): McpProgram {
  const [command, ...args] = [...program("src/cli.js", "src/cli"), "mcp"];
  const folder = ownFolder(config);
  return { command: command!, args, env: folder === undefined ? {} : { [OPTIONS.dataDir.env]: folder } };
}

/** Where the running weir is, or will be, for what stands in settings. */
export function httpAddress(config: Config): string {
  if (config.httpPort > 0) return `http://127.0.0.1:${config.httpPort}`;
  const running = findRuntime(config.dataDir)?.http_url;
  if (running) return running;
  throw new WeirError("usage", "the port of weir is not known", { hint: "set WEIR_HTTP_PORT to a fixed one" });
}

/** Where assistants send their telemetry. */
export const telemetryOf = (config: Config): Telemetry => ({
  endpoint: httpAddress(config),
  token: captureToken(config.dataDir),
});

/** What switches an assistant's telemetry on in the environment it is started in, as lines for a shell. */
export function telemetryLines(setup: Setup, { endpoint, token }: Telemetry): string[] {
  const headers = `export OTEL_EXPORTER_OTLP_HEADERS=Authorization=Bearer%20${token}`;
  return setup.tokenInEnvironment
    ? [headers]
    : [
        "export COPILOT_OTEL_ENABLED=true",
        `export OTEL_EXPORTER_OTLP_ENDPOINT=${endpoint}`,
        "export OTEL_EXPORTER_OTLP_PROTOCOL=http/json",
        headers,
      ];
}
