import { readConfig, readTelemetry } from "../base/config.ts";
import { createLog } from "../base/log.ts";
import { startTelemetry } from "../base/telemetry-sdk.ts";
import { loadDefinitions } from "../engine/load.ts";
import { mcpStdioBridge } from "../read/mcp/stdio.ts";
import { definitionsRoot, version } from "./root.ts";
import { needRuntime } from "./runtime.ts";

/** `weir mcp`: an MCP server on stdio that asks the running weir. Assistants start it when they like, so it does not need one to begin with. */
export async function mcp(): Promise<void> {
  const { dataDir, logLevel } = readConfig();
  const log = createLog("mcp", logLevel);
  const telemetry = await startTelemetry(readTelemetry(), { part: "mcp", version: version(), log });
  process.stdin.once("end", () => void telemetry.shutdown().then((told) => told || process.exit()));
  const { queries, commands } = await loadDefinitions(definitionsRoot());
  mcpStdioBridge({ where: () => needRuntime(dataDir), queries, commands, version: version() });
}
