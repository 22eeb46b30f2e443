/** What `weir mcp` does, for tests: `tsx stdio-bridge.ts <url> <token>`. */
import { loadDefinitions } from "../../src/engine/load.ts";
import { mcpStdioBridge } from "../../src/read/mcp/stdio.ts";
import { ROOT } from "./filled-store.ts";

loadDefinitions(ROOT).then(({ queries, commands }) => {
  const [http_url = "", token = ""] = process.argv.slice(2);
  mcpStdioBridge({ where: () => ({ http_url, token }), queries, commands, version: "0.0.0-test" });
});
