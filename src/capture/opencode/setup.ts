import { existsSync } from "node:fs";
import { join } from "node:path";
import { jsonFile, mcpPart, ownFile } from "../setup/files.ts";
import type { Setup } from "../setup/setup.ts";
import { commandIn, isPlugin, pluginText } from "./plugin.ts";

/** OpenCode: a plugin that is weir's own file, MCP servers in its configuration, with or without comments. */
export const opencodeSetup: Setup = {
  name: "opencode",
  label: "OpenCode",
  program: "opencode",
  homes: ({ home, env }) => [join(env.XDG_CONFIG_HOME || join(home, ".config"), "opencode")],
  files(spot) {
    const project = spot.scope === "project";
    const [home] = this.homes(spot) as [string];
    const commented = join(project ? spot.cwd : home, "opencode.jsonc");
    const config = existsSync(commented) ? commented : commented.slice(0, -1);
    const mcp = mcpPart("mcp", ({ command, args, env }) => ({
      type: "local",
      command: [command, ...args],
      environment: env,
      enabled: true,
    }));
    return [
      ownFile(
        join(project ? join(spot.cwd, ".opencode") : home, "plugins", "weir.js"),
        ({ command }) => pluginText(command()),
        isPlugin,
        (text) => ({ hooks: [{ event: "plugin", handler: { command: commandIn(text) } }] }),
      ),
      jsonFile(config, [mcp]),
    ];
  },
  events: { plugin: "" },
  http: false,
  telemetry: "none",
};
