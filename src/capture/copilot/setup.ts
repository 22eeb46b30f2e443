import { join } from "node:path";
import { hooksPart, jsonFile, mcpPart } from "../setup/files.ts";
import { hooksForm } from "../setup/hooks.ts";
import type { Setup } from "../setup/setup.ts";
import { COPILOT_EVENTS } from "./hook.ts";

/** Seconds after which Copilot CLI gives up on a handler. */
const TIMEOUT_S = 5;

/** Copilot CLI: hooks in a file of weir's own, MCP servers of the user in another. Telemetry is a matter of its environment. */
export const copilotSetup: Setup = {
  name: "copilot",
  label: "Copilot CLI",
  program: "copilot",
  homes: ({ home, env }) => [env.COPILOT_HOME || join(home, ".copilot")],
  files(spot) {
    const [home] = this.homes(spot) as [string];
    const folder = spot.scope === "project" ? join(spot.cwd, ".github", "hooks") : join(home, "hooks");
    const hooks = hooksPart(
      hooksForm("copilot", false),
      ({ command }) =>
        Object.fromEntries(
          COPILOT_EVENTS.map((event) => [event, { type: "command", bash: command(event), timeoutSec: TIMEOUT_S }]),
        ),
      (json) => (json.get(["disableAllHooks"]) === true ? "disableAllHooks is set" : undefined),
    );
    const mcp = mcpPart("mcpServers", ({ command, args, env }) => ({
      type: "local",
      command,
      args,
      env,
      tools: ["*"],
    }));
    const file = jsonFile(join(folder, "weir.json"), [hooks], '{\n  "version": 1\n}\n');
    return spot.scope === "project" ? [file] : [file, jsonFile(join(home, "mcp-config.json"), [mcp])];
  },
  events: Object.fromEntries(COPILOT_EVENTS.map((event) => [event, ""])),
  http: false,
  telemetry: "environment",
};
