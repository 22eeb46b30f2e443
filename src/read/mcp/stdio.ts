import { type ServeStdioOptions, type StdioServerHandle, serveStdio } from "@modelcontextprotocol/server/stdio";
import { clock } from "../../base/clock.ts";
import { parseInput } from "../../define/input.ts";
import { type Ask, named } from "../ask.ts";
import { createClient } from "../client.ts";
import type { ReadContext } from "../context.ts";
import { buildMcpServer } from "./server.ts";

/** Where the running weir is, and the definitions the tools are made from. */
export interface StdioBridge extends Pick<ReadContext, "queries" | "commands" | "version"> {
  /** Asked again for each request, because weir may start, or start again, after this program. Throws `not_running`. */
  readonly where: () => { readonly http_url: string; readonly token: string };
}

/**
 * MCP on stdin and stdout for `weir mcp`: one process owns the tables, so this one asks it over HTTP. It starts without a running weir too;
 * the tools then say `not_running`. Nothing else may write to stdout.
 */
export function mcpStdioBridge(
  { where, queries, commands, version }: StdioBridge,
  options: ServeStdioOptions = {},
): StdioServerHandle {
  const client = createClient(() => ({ ...where(), actor: "mcp" }));
  const ask: Ask = (name, input, options) => {
    parseInput(named(queries, name, "query").input, input, clock.nowUs()); // a URL would make text of every type
    return client.ask(name, input, options);
  };
  const ctx = { ...client, ask, queries, commands, version };
  return serveStdio(() => buildMcpServer(ctx), options);
}
