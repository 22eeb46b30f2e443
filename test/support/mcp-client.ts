import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { CLI, type Runtime } from "./weir.ts";

/** An MCP client that a test talks through. */
export interface McpClient {
  /** Names of the tools. */
  tools(): Promise<string[]>;
  /** Rows of a tool's answer as objects; throws with the text of a failed one. */
  rows(tool: string, input?: Record<string, unknown>): Promise<Record<string, unknown>[]>;
  /** A tool's structured answer; throws with the text of a failed one. `_meta` goes beside the arguments. */
  call(
    tool: string,
    input?: Record<string, unknown>,
    _meta?: Record<string, unknown>,
  ): Promise<Record<string, unknown>>;
  [Symbol.asyncDispose](): Promise<void>;
}

async function connected(transport: StdioClientTransport | StreamableHTTPClientTransport): Promise<McpClient> {
  const client = new Client({ name: "weir-test", version: "1" });
  await client.connect(transport as Parameters<Client["connect"]>[0]);
  const call: McpClient["call"] = async (name, input = {}, _meta) => {
    const answer = await client.callTool({ name, arguments: input, ...(_meta && { _meta }) });
    if (answer.isError) throw new Error(JSON.stringify(answer.content));
    return answer.structuredContent as Record<string, unknown>;
  };
  return {
    tools: async () => (await client.listTools()).tools.map((tool) => tool.name),
    call,
    async rows(name, input) {
      const { columns, rows } = (await call(name, input)) as { columns: string[]; rows: unknown[][] };
      return rows.map((row) => Object.fromEntries(columns.map((column, k) => [column, row[k]])));
    },
    [Symbol.asyncDispose]: () => client.close(),
  };
}

/** Starts `weir mcp` as an assistant does and talks to it over stdin and stdout. */
export const mcpOverStdio = (env: Readonly<Record<string, string>>): Promise<McpClient> =>
  connected(
    new StdioClientTransport({ command: process.execPath, args: [CLI, "mcp"], env: { ...env }, stderr: "ignore" }),
  );

/** Talks to /mcp of a running weir. */
export const mcpOverHttp = ({ http_url, token }: Runtime): Promise<McpClient> =>
  connected(
    new StreamableHTTPClientTransport(new URL(`${http_url}/mcp`), {
      requestInit: { headers: { Authorization: `Bearer ${token}` } },
    }),
  );
