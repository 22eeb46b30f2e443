import { existsSync } from "node:fs";
import { isAbsolute } from "node:path";
import { redactText } from "../base/redact.ts";
import { type Configured, counterpart } from "../capture/mcp/configured/editor.ts";
import { standingOf } from "../capture/mcp/configured/front.ts";
import type { Check } from "./doctor-capture.ts";
import { openServers, proxyOf, serversFiles } from "./mcp-servers.ts";
import { runningProxies } from "./proxies.ts";
import { readText } from "./settings-file.ts";
import { isLocal, WRAP_BACKUP } from "./wrap-all.ts";

/** What is wrong with the proxies in front of the assistants' MCP servers. Nothing where none of them is recorded. */
export function checkServers(dataDir: string): Check[] {
  const proxies = runningProxies(dataDir);
  const faults: Check[] = [];
  let recorded = 0;
  let all = 0;
  for (const one of serversFiles().files) {
    const kept = readText(one.file + WRAP_BACKUP);
    const was = kept === undefined ? undefined : openServers(kept, one.place, one.file);
    for (const server of one.editor.servers) {
      const standing = standingOf(server);
      if (standing.kind === "weir" || server.disabled) continue;
      all++;
      const who = `${server.name} of ${one.place.assistant} (${one.file})`;
      const before = counterpart(was, server)?.url;
      if (standing.kind === "wrapped") {
        const gone = programOf(server, standing.count).find((word) => isAbsolute(word) && !existsSync(word));
        if (gone === undefined) recorded++;
        else
          faults.push(
            fault(`the MCP server ${who} cannot start: ${gone} is gone`, "run: weir wrap --undo, then weir wrap --all"),
          );
      } else if (server.url !== undefined && proxyOf(proxies, server.url, "url")) recorded++;
      else if (server.url !== undefined && before !== undefined && before !== server.url && isLocal(server.url))
        faults.push(
          fault(
            `the MCP server ${who} is asked through a weir proxy that does not run`,
            `run: weir proxy --name ${server.name} --to ${redactText(before)} --port ${new URL(server.url).port}; or weir wrap --undo`,
          ),
        );
    }
  }
  if (recorded === 0 && faults.length === 0) return [];
  return [
    { what: "mcp servers", ok: true, found: `${recorded} of ${all} MCP servers of assistants are recorded` },
    ...faults,
  ];
}

const fault = (found: string, fix: string): Check => ({ what: "mcp servers", ok: false, found, fix });
/** The words that start weir. */
const programOf = ({ words = [] }: Configured, count: number): readonly string[] =>
  words.slice(0, count).slice(0, words.indexOf("wrap"));
