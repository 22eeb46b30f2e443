import { readConfig } from "../base/config.ts";
import { loadDefinitions } from "../engine/load.ts";
import { mcpStdioBridge } from "../read/mcp/stdio.ts";
import { definitionsRoot, version } from "./root.ts";
import { needRuntime } from "./runtime.ts";

/** `weir mcp`: an MCP server on stdio that asks the running weir. */
export async function mcp(): Promise<void> {
  const { http_url, token } = needRuntime(readConfig().dataDir);
  const { queries, commands } = await loadDefinitions(definitionsRoot());
  mcpStdioBridge({ http_url, token, queries, commands, version: version() });
}
