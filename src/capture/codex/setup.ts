import { join } from "node:path";
import { hooksPart, jsonFile, type TomlPart, tomlFile } from "../setup/files.ts";
import { hooksForm } from "../setup/hooks.ts";
import type { Setup } from "../setup/setup.ts";
import { CODEX_EVENTS } from "./hook.ts";

/** Seconds after which Codex gives up on a handler; at the end of a session it gives at most three. */
const TIMEOUT_S = 3;

// text of JSON is text of TOML, but for what no path or token holds
const quoted = (text: string): string => JSON.stringify(text);

const mcp: TomlPart = {
  table: ["mcp_servers", "weir"],
  lines({ mcp: program }) {
    if (!program) return undefined;
    const env = Object.entries(program.env).map(([name, value]) => `${name} = ${quoted(value)}`);
    return [
      `command = ${quoted(program.command)}`,
      `args = [${program.args.map(quoted).join(", ")}]`,
      ...(env.length > 0 ? [`env = { ${env.join(", ")} }`] : []),
    ];
  },
  ours: (lines) => lines.some((line) => /^args = \[.*"mcp"\]$/.test(line)),
};

const EXPORTER =
  /^exporter = \{ otlp-http = \{ endpoint = "(http:\/\/127\.0\.0\.1:\d+)\/v1\/logs", protocol = "json", headers = \{ Authorization = "Bearer ([\w-]{32,64})" \} \} \}$/;

/** Log events tell all that weir has a place for; prompts stay out unless `log_user_prompt` is set. */
const otel: TomlPart = {
  table: ["otel"],
  lines: ({ telemetry }) =>
    telemetry && [
      `exporter = { otlp-http = { endpoint = "${telemetry.endpoint}/v1/logs", protocol = "json", headers = { Authorization = "Bearer ${telemetry.token}" } } }`,
    ],
  ours: (lines) => lines.length === 1 && EXPORTER.test(lines[0]!),
  standing(lines) {
    const [, endpoint, token] = EXPORTER.exec(lines[0]!)!;
    return { telemetry: { endpoint: endpoint!, token } };
  },
};

/** Codex CLI: hooks in a file of their own, MCP servers and telemetry in its configuration. */
export const codexSetup: Setup = {
  name: "codex",
  label: "Codex CLI",
  program: "codex",
  homes: ({ home, env }) => [env.CODEX_HOME || join(home, ".codex")],
  files(spot) {
    const folder = spot.scope === "project" ? join(spot.cwd, ".codex") : this.homes(spot)[0]!;
    const hooks = hooksPart(hooksForm("codex", true), ({ command }) =>
      Object.fromEntries(
        CODEX_EVENTS.map((event) => [event, { type: "command", command: command(), timeout: TIMEOUT_S }]),
      ),
    );
    return [jsonFile(join(folder, "hooks.json"), [hooks]), tomlFile(join(folder, "config.toml"), [mcp, otel])];
  },
  events: Object.fromEntries(CODEX_EVENTS.map((event) => [event, ""])),
  http: false,
  telemetry: "settings",
  afterwards: "Codex runs a hook only after you trusted it: start codex and look at /hooks.",
};
