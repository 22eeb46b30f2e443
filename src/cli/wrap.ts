import { privacyGiven, readConfig } from "../base/config.ts";
import { WeirError } from "../base/errors.ts";
import { loadPolicy } from "../base/privacy.ts";
import { linesIn } from "../capture/mcp/lines.ts";
import { PAYLOADS, type Payloads } from "../capture/mcp/payloads.ts";
import { startProxy } from "../capture/mcp/proxy.ts";
import { createTap } from "../capture/mcp/tap.ts";
import { entry } from "./root.ts";

const SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP"] as const;

/** The name a server is recorded under, as it was given. */
export function namedServer(name: string): string {
  if (name === "" || name.length > 256) throw new WeirError("usage", "--name takes from 1 to 256 characters");
  return name;
}

/** What is kept of parameters and answers, as it was asked for; where nobody says, all but secrets, or everything where the project's level is full. */
export function payloadsOf(text: string | undefined): Payloads {
  if (text === undefined)
    return loadPolicy(readConfig().dataDir, privacyGiven()).of(process.cwd()).level === "full" ? "full" : "redacted";
  const found = PAYLOADS.find((one) => one === text);
  if (!found) throw new WeirError("usage", `--payloads takes ${PAYLOADS.join(", ")}, not ${text.slice(0, 40)}`);
  return found;
}

/** `weir wrap --name N -- command args…`: runs an MCP server on stdin and stdout, and records what passes. Ends with the server's exit code. */
export async function wrap(
  words: readonly string[],
  { name, payloads, dataDir }: { readonly name: string; readonly payloads?: string; readonly dataDir?: string },
): Promise<void> {
  const [command, ...args] = words;
  if (command === undefined) throw new WeirError("usage", "wrap takes the command that starts the MCP server");
  const recorder = {
    transport: "stdio",
    server: namedServer(name),
    payloads: payloadsOf(payloads),
    project: process.cwd(),
    ...(dataDir === undefined ? {} : { dataDir }),
  } as const;
  const warn = (text: string): void => void process.stderr.write(`weir wrap ${name}: ${text}\n`);
  // elsewhere a closed stdout ends weir; here the server is to be ended first
  process.stdout.removeAllListeners("error");
  const proxy = startProxy({
    command,
    args,
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    tap: () =>
      createTap({
        entry: entry("src/capture/mcp/recorder"),
        recorder,
        messagesIn: linesIn,
        failed: (error) => warn(`nothing is recorded: ${error instanceof Error ? error.message : error}`),
      }),
    warn,
  });
  for (const signal of SIGNALS) process.on(signal, () => proxy.signal(signal));
  const code = await proxy.done;
  await new Promise<void>((resolve) =>
    process.stdout.writable ? process.stdout.write("", () => resolve()) : resolve(),
  );
  process.exit(code);
}
