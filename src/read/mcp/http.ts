import { createMcpHandler, type McpHttpHandler } from "@modelcontextprotocol/server";
import { LIMITS } from "../../base/limits.ts";
import { buildMcpServer, type McpContext } from "./server.ts";

/** MCP over streamable HTTP, both eras. Host, Origin and token are checked in front of it. */
export const mcpHandler = (ctx: McpContext): McpHttpHandler =>
  createMcpHandler(() => buildMcpServer(ctx), {
    maxRequestBodySize: LIMITS.http_body_bytes_max,
    maxSubscriptions: LIMITS.live_clients_max,
  });
