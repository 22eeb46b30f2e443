import { join } from "node:path";
import { hooksPart, jsonFile, mcpPart } from "../setup/files.ts";
import { hooksForm } from "../setup/hooks.ts";
import type { Setup } from "../setup/setup.ts";
import { CURSOR_EVENTS } from "./hook.ts";

/** Cursor: hooks and MCP servers in a file each. It takes an answer in JSON from every hook. */
export const cursorSetup: Setup = {
  name: "cursor",
  label: "Cursor",
  program: "cursor",
  homes: ({ home }) => [join(home, ".cursor")],
  files(spot) {
    const folder = spot.scope === "project" ? join(spot.cwd, ".cursor") : this.homes(spot)[0]!;
    const hooks = hooksPart(hooksForm("cursor", false), ({ command }) =>
      Object.fromEntries(CURSOR_EVENTS.map((event) => [event, { command: command() }])),
    );
    return [
      jsonFile(join(folder, "hooks.json"), [hooks], '{\n  "version": 1\n}\n'),
      jsonFile(join(folder, "mcp.json"), [mcpPart("mcpServers", ({ command, args, env }) => ({ command, args, env }))]),
    ];
  },
  events: Object.fromEntries(CURSOR_EVENTS.map((event) => [event, ""])),
  http: false,
  telemetry: "none",
  answer: "echo '{}'",
};
