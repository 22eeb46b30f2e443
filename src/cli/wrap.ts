import { privacyGiven, readConfig } from "../base/config.ts";
import { WeirError } from "../base/errors.ts";
import { loadPolicy } from "../base/privacy.ts";
import { PAYLOADS, type Payloads } from "../capture/mcp/called.ts";
import { startProxy } from "../capture/mcp/proxy.ts";
import { createTap } from "../capture/mcp/tap.ts";
import { entry } from "./root.ts";

const SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP"] as const;

/** What is kept of payloads where nobody says: all but secrets, everything where the project's level is full. */
const kept = (): Payloads =>
  loadPolicy(readConfig().dataDir, privacyGiven()).of(process.cwd()).level === "full" ? "full" : "redacted";

/** `weir wrap --name N -- command args…`: runs an MCP server on stdin and stdout, and records what passes. Ends with the server's exit code. */
export async function wrap(
  words: readonly string[],
  { name, payloads = kept() }: { readonly name: string; readonly payloads?: string },
): Promise<void> {
  const [command, ...args] = words;
  if (command === undefined) throw new WeirError("usage", "wrap takes the command that starts the MCP server");
  if (name === "" || name.length > 256) throw new WeirError("usage", "--name takes from 1 to 256 characters");
  if (!PAYLOADS.includes(payloads as Payloads))
    throw new WeirError("usage", `--payloads takes ${PAYLOADS.join(", ")}, not ${payloads}`);
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
      createTap(
        entry("src/capture/mcp/recorder"),
        { server: name, payloads: payloads as Payloads, project: process.cwd() },
        (error) => warn(`nothing is recorded: ${error instanceof Error ? error.message : error}`),
      ),
    warn,
  });
  for (const signal of SIGNALS) process.on(signal, () => proxy.signal(signal));
  const code = await proxy.done;
  await new Promise<void>((resolve) =>
    process.stdout.writable ? process.stdout.write("", () => resolve()) : resolve(),
  );
  process.exit(code);
}
