import { existsSync, readFileSync } from "node:fs";
import { clock } from "../base/clock.ts";
import { type Config, privacyGiven } from "../base/config.ts";
import { LIMITS } from "../base/limits.ts";
import { loadPolicy } from "../base/privacy.ts";
import { hooksFolder } from "../capture/hooks/append.ts";
import { hooksWaiting } from "../capture/hooks/drain.ts";
import { SETUPS } from "../capture/setup/assistants.ts";
import type { Handler } from "../capture/setup/hooks.ts";
import { eventsOf, type Setup, type Standing } from "../capture/setup/setup.ts";
import { client } from "./ask.ts";
import { readCaptureToken } from "./hooks.ts";
import type { Runtime } from "./runtime.ts";
import { installedVersion, spotOf } from "./setup.ts";
import { quoted, wordsOf } from "./shell-words.ts";

/** One thing looked at. */
export interface Check {
  readonly what: string;
  readonly ok: boolean;
  readonly found: string;
  /** What to do about it. */
  readonly fix?: string;
}

/** An event may be this far ahead of the clock before the clock is doubted. */
const AHEAD_MS_MAX = 60_000;

/**
 * What is wrong with the way from the assistants to weir, each with its fix. Nothing of an assistant that was never used here. `answers`: whether the
 * running weir can be asked.
 */
export async function checkCapture(config: Config, runtime: Runtime | undefined, answers: boolean): Promise<Check[]> {
  const checks = SETUPS.flatMap((setup) => checkAssistant(setup, config, runtime));
  checks.push(checkSpool(config, runtime));
  const policy = loadPolicy(config.dataDir, privacyGiven());
  if (policy.fault !== undefined)
    checks.push(fault("privacy", policy.fault, "correct or remove the file; until then nothing private is kept"));
  if (answers) checks.push(await checkClock());
  return checks;
}

const fault = (what: string, found: string, fix: string): Check => ({ what, ok: false, found, fix });

/** One assistant on this machine, with what stands in a file of it. */
interface Looked {
  readonly setup: Setup;
  readonly version: string | undefined;
  readonly config: Config;
  readonly runtime: Runtime | undefined;
}

function checkAssistant(setup: Setup, config: Config, runtime: Runtime | undefined): Check[] {
  const what = `${setup.name} hooks`;
  const used = setup.homes(spotOf("user")).some((folder) => existsSync(folder));
  const looked: Looked = { setup, config, runtime, version: installedVersion(setup) };
  const checks: Check[] = [];
  let registered = false;
  for (const scope of ["user", "project"] as const) {
    for (const settings of setup.files(spotOf(scope))) {
      if (!existsSync(settings.file)) continue;
      try {
        const standing = settings.standing(readFileSync(settings.file, "utf8"));
        if (standing.telemetry) checks.push(...checkTelemetry(standing.telemetry, settings.file, looked));
        if (standing.hooks.length === 0) continue;
        registered = true;
        if (standing.off) checks.push(fault(what, `${standing.off} in ${settings.file}`, "take it out of the file"));
        checks.push(...checkHooks(standing.hooks, settings.file, looked));
      } catch (error) {
        checks.push(fault(what, error instanceof Error ? error.message : String(error), "correct the file"));
      }
    }
  }
  if (!registered && (used || looked.version !== undefined))
    checks.push(fault(what, `${setup.label} does not tell weir what it does`, again(setup)));
  return checks;
}

const again = ({ name }: Setup, flag = ""): string => `run: weir init ${name}${flag}`;

function checkHooks(hooks: Standing["hooks"], file: string, { setup, version, config, runtime }: Looked): Check[] {
  const faults = new Map<string, string>();
  for (const { handler } of hooks) {
    const found =
      handler.type === "http" ? httpFault(handler, setup, config, runtime) : commandFault(handler, setup, config);
    if (found) faults.set(...found);
  }
  const there = new Set(hooks.map(({ event }) => event));
  const known = eventsOf(setup.events, version);
  const missing = known.filter((event) => !there.has(event));
  if (missing.length > 0) faults.set(`${missing.join(", ")} in ${file} not registered`, again(setup));
  const unknown = [...there].filter((event) => !known.includes(event));
  if (unknown.length > 0)
    faults.set(
      `${setup.label} ${version ?? ""} does not know ${unknown.join(", ")}`,
      `update ${setup.label}, or ${again(setup)}`,
    );
  const what = `${setup.name} hooks`;
  if (faults.size > 0) return [...faults].map(([found, fix]) => fault(what, found, fix));
  const events = there.size === 1 ? [...there][0] : `${there.size} events`;
  const which = version === undefined ? "" : `, ${setup.label} ${version}`;
  return [{ what, ok: true, found: `${events} registered in ${file}${which}` }];
}

/** The port that weir listens on; undefined where any may be. */
const portOf = (config: Config, runtime: Runtime | undefined): string | undefined => {
  const port = runtime ? new URL(runtime.http_url).port : String(config.httpPort);
  return port === "0" ? undefined : port;
};

function httpFault(
  handler: Handler,
  setup: Setup,
  config: Config,
  runtime: Runtime | undefined,
): [string, string] | undefined {
  const url = URL.canParse(String(handler.url)) ? new URL(String(handler.url)) : undefined;
  const here = portOf(config, runtime) ?? url?.port;
  const fix = again(setup, " --http");
  if (url?.port !== here) return [`handlers send to port ${url?.port}, weir listens on ${here}`, fix];
  const said = /^Bearer (\S+)$/.exec(String((handler.headers as Handler | undefined)?.Authorization ?? ""))?.[1];
  if (said === undefined) return ["handlers over HTTP send no token", fix];
  if (said !== readCaptureToken(config.dataDir)) return ["handlers over HTTP send a token of another weir", fix];
  if (!runtime)
    return [
      "handlers over HTTP fail while weir does not run, and the assistant shows it",
      `start weir, or ${again(setup)}`,
    ];
  return undefined;
}

function commandFault(handler: Handler, setup: Setup, config: Config): [string, string] | undefined {
  const words = wordsOf(String(handler.command ?? handler.bash));
  const missing = words.filter((word) => /^\/.*[^/]$/.test(word) && !existsSync(word));
  if (missing.length > 0)
    return [`the command of the hooks starts what is not there: ${missing.join(", ")}`, again(setup)];
  const said = /^WEIR_DATA_DIR=(.*)$/s.exec(words[0] ?? "")?.[1];
  if (said !== undefined && said !== config.dataDir)
    return [
      `hooks write to ${said}, this weir keeps its data in ${config.dataDir}`,
      `${again(setup)}, or set WEIR_DATA_DIR=${quoted(said)}`,
    ];
  return undefined;
}

function checkTelemetry(
  { endpoint, token }: NonNullable<Standing["telemetry"]>,
  file: string,
  { setup, config, runtime }: Looked,
): Check[] {
  const what = `${setup.name} OTLP`;
  const port = URL.canParse(endpoint) ? new URL(endpoint).port : "";
  const here = portOf(config, runtime) ?? port;
  const fix = again(setup, " --otel");
  if (port !== here) return [fault(what, `telemetry goes to port ${port}, weir listens on ${here}`, fix)];
  if (token !== undefined && token !== readCaptureToken(config.dataDir))
    return [fault(what, "telemetry is sent with a token of another weir", fix)];
  return [{ what, ok: true, found: `goes to ${endpoint}, by ${file}` }];
}

function checkSpool(config: Config, runtime: Runtime | undefined): Check {
  const { events, bytes, dropped, since_ms } = hooksWaiting(hooksFolder(config.dataDir));
  const waits = since_ms === undefined ? 0 : clock.nowMs() - since_ms;
  const stuck = events > 0 && (runtime === undefined || waits > LIMITS.hook_wait_ms_max);
  return {
    what: "hook spool",
    ok: !stuck && dropped === 0,
    found:
      dropped > 0
        ? `${dropped} payloads found no room`
        : events === 0
          ? "empty"
          : `${events} payloads wait, ${(bytes / 1e6).toFixed(1)} MB, for ${Math.round(waits / 1_000)} s`,
    fix: runtime
      ? `weir runs and does not take them: look at its log, and who owns the files in ${hooksFolder(config.dataDir)}`
      : "start weir; they are taken by themselves: weir up",
  };
}

/** A clock that was set back or runs ahead: events of the future, and input refused for its time. */
async function checkClock(): Promise<Check> {
  const what = "clock";
  try {
    const { rows } = await client(LIMITS.doctor_ms_max).sql(
      "select (epoch_ms(max(time)))::double as newest, (select count(*) from rejected where reason = 'clock' and time > (now() at time zone 'UTC') - interval 1 day)::double as refused from events",
    );
    const [newest, refused] = (rows[0] ?? []) as (number | null)[];
    const ahead = (newest ?? 0) - clock.nowMs();
    if (ahead > AHEAD_MS_MAX)
      return fault(
        what,
        `the newest event is ${Math.round(ahead / 1_000)} s in the future`,
        "set the clock of this machine, or of the one that sends",
      );
    if ((refused ?? 0) > 0)
      return fault(
        what,
        `${refused} events were refused for their time since yesterday`,
        "set the clock of the machine that sends; weir rejected list shows them",
      );
    return { what, ok: true, found: "agrees with the events" };
  } catch {
    return { what, ok: true, found: "not looked at: the tables do not answer" };
  }
}
