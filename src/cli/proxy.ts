import { readConfig } from "../base/config.ts";
import { WeirError } from "../base/errors.ts";
import { redactText } from "../base/redact.ts";
import type { Tag } from "../capture/mcp/http/exchanges.ts";
import { isLoopback } from "../capture/mcp/http/listener.ts";
import { startHttpProxy } from "../capture/mcp/http/proxy.ts";
import { createTap } from "../capture/mcp/tap.ts";
import { say, sayJson } from "./print.ts";
import { addressKey, forgetProxy, rememberProxy } from "./proxies.ts";
import { entry } from "./root.ts";
import { findRuntime } from "./runtime.ts";
import { namedServer, payloadsOf } from "./wrap.ts";

interface ProxyWords {
  readonly name: string;
  readonly to: string;
  readonly host: string;
  readonly port: string;
  readonly allowedHosts?: string;
  readonly payloads?: string;
  readonly json?: boolean;
}

/** `weir proxy --name N --to URL`: stands in front of an MCP server over HTTP until it is told to end, and records what passes. */
export async function proxy(options: ProxyWords): Promise<void> {
  const { dataDir } = readConfig();
  const server = namedServer(options.name);
  const to = addressOf(options.to, dataDir);
  const port = portOf(options.port);
  const warn = warner(`weir proxy ${server}`);
  const tap = createTap<Tag>({
    entry: entry("src/capture/mcp/recorder"),
    recorder: {
      transport: "http",
      to: to.href,
      server,
      payloads: payloadsOf(options.payloads),
      project: process.cwd(),
    },
    messagesIn: () => 0,
    failed: (error) => warn(`nothing is recorded: ${error instanceof Error ? error.message : error}`),
  });
  const allowedHosts = (options.allowedHosts ?? "").split(",").filter((host) => host !== "");
  let running: Awaited<ReturnType<typeof startHttpProxy>>;
  try {
    running = await startHttpProxy({ to, host: options.host, port, allowedHosts, tap, warn });
  } catch (error) {
    await tap.end();
    throw error;
  }
  const told = { pid: process.pid, name: server, url: running.url, to: redactText(to.href) };
  rememberProxy(dataDir, { ...told, to_key: addressKey(to) });
  if (options.json) sayJson(told);
  else say(`weir proxy ${server}: ${running.url} stands for ${told.to}`);
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const)
    process.once(signal, () => {
      forgetProxy(dataDir, process.pid);
      void running.close().then(() => process.exit(0));
    });
}

function addressOf(text: string, dataDir: string): URL {
  const to = URL.canParse(text) ? new URL(text) : undefined;
  if (!to || !/^https?:$/.test(to.protocol))
    throw new WeirError(
      "usage",
      `--to takes an address that begins with http:// or https://, not ${redactText(text).slice(0, 100)}`,
    );
  if (to.username !== "" || to.password !== "")
    throw new WeirError("usage", "--to takes no user and password", {
      hint: "what the client sends as Authorization passes unchanged",
    });
  const weir = findRuntime(dataDir)?.http_url;
  if (weir !== undefined && isLoopback(to.hostname) && new URL(weir).port === to.port)
    throw new WeirError("usage", "weir's own MCP server is not recorded");
  to.hash = "";
  return to;
}

function portOf(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535)
    throw new WeirError("usage", `--port takes a port, not ${text.slice(0, 40)}`);
  return port;
}

/** Says on stderr what it is told, one thing once in a while: a server that is away is away for many requests. */
function warner(who: string): (text: string) => void {
  const said = new Map<string, number>();
  return (text) => {
    const now = performance.now();
    if (now - (said.get(text) ?? Number.NEGATIVE_INFINITY) < 10_000) return;
    if (said.size > 100) said.clear();
    said.set(text, now);
    process.stderr.write(`${who}: ${text}\n`);
  };
}
