import { join } from "node:path";
import { hooksPart, jsonFile, mcpPart, telemetryPart } from "../setup/files.ts";
import { hooksForm } from "../setup/hooks.ts";
import type { Setup } from "../setup/setup.ts";
import { EVENTS, handlersOf } from "./hook/registered.ts";

const ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT";
const HEADERS = "OTEL_EXPORTER_OTLP_HEADERS";

/** The environment that makes Claude Code send its own telemetry. A token in weir's form tells that it is weir's. */
const telemetry = telemetryPart(
  "env",
  ({ endpoint, token }) => ({
    CLAUDE_CODE_ENABLE_TELEMETRY: "1",
    CLAUDE_CODE_ENHANCED_TELEMETRY_BETA: "1",
    OTEL_METRICS_EXPORTER: "otlp",
    OTEL_LOGS_EXPORTER: "otlp",
    OTEL_TRACES_EXPORTER: "otlp",
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    [ENDPOINT]: endpoint,
    [HEADERS]: `Authorization=Bearer%20${token}`,
  }),
  [ENDPOINT, HEADERS],
  (env) => {
    const token = tokenIn(env[HEADERS]);
    return token === undefined ? undefined : { endpoint: String(env[ENDPOINT]), token };
  },
);

const tokenIn = (headers: unknown): string | undefined =>
  /^Authorization=Bearer%20([\w-]{32,64})$/.exec(String(headers))?.[1];

/** Claude Code: hooks and the environment in its settings, MCP servers in a file of their own. */
export const claudeCodeSetup: Setup = {
  name: "claude-code",
  label: "Claude Code",
  program: "claude",
  homes: ({ home, env }) => [env.CLAUDE_CONFIG_DIR || join(home, ".claude")],
  files({ home, cwd, env, scope }) {
    const own = env.CLAUDE_CONFIG_DIR;
    const [settings, mcp] =
      scope === "project"
        ? [join(cwd, ".claude", "settings.json"), join(cwd, ".mcp.json")]
        : own
          ? [join(own, "settings.json"), join(own, ".claude.json")]
          : [join(home, ".claude", "settings.json"), join(home, ".claude.json")];
    const hooks = hooksPart(hooksForm("claude-code", true), handlersOf, (json) =>
      json.get(["disableAllHooks"]) === true ? "disableAllHooks is set" : undefined,
    );
    return [
      jsonFile(settings, [hooks, telemetry]),
      jsonFile(mcp, [mcpPart("mcpServers", ({ command, args, env }) => ({ type: "stdio", command, args, env }))]),
    ];
  },
  events: EVENTS,
  http: true,
  telemetry: "settings",
};
