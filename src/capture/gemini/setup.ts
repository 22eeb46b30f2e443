import { join } from "node:path";
import { hooksPart, jsonFile, mcpPart, telemetryPart } from "../setup/files.ts";
import { hooksForm } from "../setup/hooks.ts";
import type { Setup } from "../setup/setup.ts";
import { GEMINI_EVENTS } from "./hook.ts";

/** Milliseconds after which Gemini CLI gives up on a handler. */
const TIMEOUT_MS = 5_000;

const isAddress = (value: unknown): boolean => /^http:\/\/127\.0\.0\.1:\d+$/.test(String(value));

/** Its telemetry takes an address from the settings; the token goes into the environment, where the OpenTelemetry SDK looks for headers. */
const telemetry = telemetryPart(
  "telemetry",
  ({ endpoint }) => ({ enabled: true, target: "local", otlpProtocol: "http", otlpEndpoint: endpoint }),
  ["otlpEndpoint"],
  ({ otlpEndpoint }) => (isAddress(otlpEndpoint) ? { endpoint: String(otlpEndpoint) } : undefined),
);

/** Gemini CLI: all in one file. */
export const geminiSetup: Setup = {
  name: "gemini",
  label: "Gemini CLI",
  program: "gemini",
  homes: ({ home }) => [join(home, ".gemini")],
  files(spot) {
    const folder = spot.scope === "project" ? join(spot.cwd, ".gemini") : this.homes(spot)[0]!;
    const hooks = hooksPart(
      hooksForm("gemini", true),
      ({ command }) =>
        Object.fromEntries(
          GEMINI_EVENTS.map((event) => [
            event,
            { type: "command", name: "weir", command: command(), timeout: TIMEOUT_MS },
          ]),
        ),
      (json) => (json.get(["hooksConfig", "enabled"]) === false ? "hooksConfig.enabled is false" : undefined),
    );
    const mcp = mcpPart("mcpServers", ({ command, args, env }) => ({ command, args, env }));
    return [jsonFile(join(folder, "settings.json"), [hooks, mcp, telemetry])];
  },
  events: Object.fromEntries(GEMINI_EVENTS.map((event) => [event, ""])),
  http: false,
  telemetry: "settings",
  tokenInEnvironment: true,
};
