import { accessSync, constants, existsSync, statfsSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { environment, readConfig } from "../base/config.ts";
import { counted } from "../base/counted.ts";
import { toWeirError } from "../base/errors.ts";
import { LIMITS } from "../base/limits.ts";
import { discoverTranscripts } from "../capture/discover.ts";
import type { Archive } from "../engine/archive/archive.ts";
import { spoolsWaiting } from "../sdk/spools.ts";
import { findServer, MACHINE_PLACES } from "../wire/server-program.ts";
import { openArchive } from "./archiving.ts";
import { client } from "./ask.ts";
import { type Check, checkCapture } from "./doctor-capture.ts";
import { checkServers } from "./doctor-servers.ts";
import { say, sayJson } from "./print.ts";
import { findRuntime } from "./runtime.ts";

const LOW_DISK_BYTES = 1_000_000_000;

/** `weir doctor`: looks at what weir needs on this machine, and says what to do about what is missing. Ends with 1 where something is. */
export async function doctor({ json }: { json?: boolean }): Promise<void> {
  const config = readConfig();
  const checks: Check[] = [];
  const major = Number(process.versions.node.split(".")[0]);
  checks.push({ what: "Node", ok: major >= 20, found: process.versions.node, fix: "install Node 20.19 or later" });
  checks.push(
    await findServer(config.natsServer, MACHINE_PLACES).then(
      ({ path, version }): Check => ({
        what: "broker",
        ok: true,
        found: config.natsUrl ? "an outside one" : `nats-server ${version} at ${path}`,
      }),
      (error: unknown): Check => ({
        what: "broker",
        ok: config.natsUrl !== "",
        found: toWeirError(error).message.split("\n")[0]!,
        fix: toWeirError(error).hint,
      }),
    ),
  );
  checks.push(dataDir(config.dataDir));
  const runtime = findRuntime(config.dataDir);
  checks.push({
    what: "weir",
    ok: runtime !== undefined,
    found: runtime ? `runs at ${runtime.http_url}` : "does not run",
    fix: "start it with: weir up",
  });
  let answers = false;
  if (runtime) {
    const health = await client(LIMITS.doctor_ms_max)
      .status()
      .then(
        (s) => {
          answers = true;
          return s.health;
        },
        (error: unknown) => ({ state: "failing", reasons: [toWeirError(error).message] }),
      );
    checks.push({
      what: "health",
      ok: health.state === "ok",
      found: [health.state, ...health.reasons].join("; "),
      fix: "weir status tells more",
    });
  }
  const spool = spoolsWaiting(config.dataDir);
  checks.push({
    what: "spool",
    ok: spool.spools === 0 || runtime !== undefined,
    found: spool.spools === 0 ? "empty" : `what ${counted(spool.spools, "producer")} left, to be sent`,
    fix: "start weir; they are sent by themselves",
  });
  checks.push(checkArchive(openArchive(config)));
  checks.push(...(await checkCapture(config, runtime, answers)));
  checks.push(...checkServers(config.dataDir));
  for (const { assistant, files, dirs } of await discoverTranscripts({ env: environment(), home: homedir() })) {
    checks.push({
      what: assistant,
      ok: true,
      found: files > 0 ? `${counted(files, "session file")} in ${dirs.join(", ")}` : "no session files",
    });
  }
  if (json) sayJson({ ok: checks.every((c) => c.ok), checks });
  else
    for (const c of checks)
      say(`${c.ok ? "ok " : "NO "} ${c.what.padEnd(18)} ${c.found}${c.ok || !c.fix ? "" : `  (${c.fix})`}`);
  if (checks.some((c) => !c.ok)) process.exitCode = 1;
}

/** The files of the archive by their size; what they hold is looked at by `weir verify`. */
function checkArchive(archive: Archive): Check {
  const what = "archive";
  const { folder } = archive.place;
  try {
    const { segments, totals } = archive.look();
    const wrong = segments
      .flatMap(({ frames, rows }) => [frames, rows])
      .filter(({ file, bytes }) => statSync(join(folder, file), { throwIfNoEntry: false })?.size !== bytes);
    const held = `${counted(totals.events, "event")} of ${counted(totals.days, "day")}, ${(totals.bytes / 1e6).toFixed(1)} MB`;
    return {
      what,
      ok: wrong.length === 0,
      found:
        wrong.length > 0
          ? `missing or not whole in ${folder}: ${wrong
              .slice(0, 3)
              .map(({ file }) => file)
              .join(", ")}`
          : segments.length > 0
            ? held
            : "nothing is archived yet",
      fix: "put the files back from a backup; weir verify tells which part of the log they hold",
    };
  } catch (error) {
    const { message, hint } = toWeirError(error);
    return { what, ok: false, found: message, fix: hint };
  }
}

function dataDir(folder: string): Check {
  const what = "data folder";
  if (!existsSync(folder)) return { what, ok: true, found: `${folder} will be made` };
  try {
    accessSync(folder, constants.R_OK | constants.W_OK);
    const { bavail, bsize } = statfsSync(folder);
    const free = bavail * bsize;
    return {
      what,
      ok: free > LOW_DISK_BYTES,
      found: `${folder}, ${(free / 1e9).toFixed(1)} GB free`,
      fix: "free disk space: on a full disk producers wait, and payloads of hooks are dropped and counted",
    };
  } catch {
    return {
      what,
      ok: false,
      found: `${folder} cannot be written`,
      fix: "choose a writable folder with WEIR_DATA_DIR",
    };
  }
}
