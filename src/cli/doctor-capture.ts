import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { clock } from "../base/clock.ts";
import { type Config, environment, privacyGiven } from "../base/config.ts";
import { LIMITS } from "../base/limits.ts";
import { loadPolicy } from "../base/privacy.ts";
import { EVENTS, type Handler, isOlder } from "../capture/claude-code/hook/registered.ts";
import { registeredHooks } from "../capture/claude-code/hook/settings.ts";
import { hooksFolder } from "../capture/hooks/append.ts";
import { hooksWaiting } from "../capture/hooks/drain.ts";
import { openJson } from "../capture/json-text.ts";
import { client } from "./ask.ts";
import { assistantVersion, filesOf } from "./claude-code.ts";
import { readCaptureToken } from "./hooks.ts";
import type { Runtime } from "./runtime.ts";

/** One thing looked at. */
export interface Check {
  readonly what: string;
  readonly ok: boolean;
  readonly found: string;
  /** What to do about it. */
  readonly fix?: string;
}

const AGAIN = "run: weir init claude-code";
/** An event may be this far ahead of the clock before the clock is doubted. */
const AHEAD_MS_MAX = 60_000;

interface Registered {
  readonly file: string;
  readonly hooks: readonly { readonly event: string; readonly handler: Handler }[];
}

/** What is wrong with the way from the assistant to weir, each with its fix. Nothing where the assistant was never used here. */
export async function checkCapture(config: Config, runtime: Runtime | undefined): Promise<Check[]> {
  const version = assistantVersion();
  const registered: Registered[] = [];
  const checks: Check[] = [];
  for (const scope of ["user", "project"] as const) {
    const { settings: file } = filesOf(scope, process.cwd());
    if (!existsSync(file)) continue;
    try {
      const settings = openJson(readFileSync(file, "utf8"), file);
      const hooks = registeredHooks(settings);
      if (hooks.length > 0) registered.push({ file, hooks });
      if (hooks.length > 0 && settings.get(["disableAllHooks"]) === true)
        checks.push(fault("hooks", `disableAllHooks is set in ${file}`, "take it out of the file"));
    } catch (error) {
      checks.push(fault("hooks", error instanceof Error ? error.message : String(error), "correct the file"));
    }
  }
  const used = version !== undefined || existsSync(`${environment().HOME || homedir()}/.claude`);
  if (registered.length === 0) {
    if (used) checks.push(fault("hooks", "Claude Code does not tell weir what it does", AGAIN));
  } else checks.push(...registered.flatMap((one) => checkFile(one, config, runtime, version)));
  checks.push(checkSpool(config, runtime));
  const policy = loadPolicy(config.dataDir, privacyGiven());
  if (policy.fault !== undefined)
    checks.push(fault("privacy", policy.fault, "correct or remove the file; until then nothing private is kept"));
  if (runtime) checks.push(await checkClock());
  return checks;
}

const fault = (what: string, found: string, fix: string): Check => ({ what, ok: false, found, fix });

function checkFile(
  { file, hooks }: Registered,
  config: Config,
  runtime: Runtime | undefined,
  version: string | undefined,
): Check[] {
  const faults = new Map<string, string>();
  for (const { handler } of hooks) {
    const found = handler.type === "http" ? httpFault(handler, config, runtime) : commandFault(handler, config);
    if (found) faults.set(...found);
  }
  const there = new Set(hooks.map(({ event }) => event));
  const known = Object.keys(EVENTS).filter(
    (event) => version === undefined || EVENTS[event] === "" || !isOlder(version, EVENTS[event]!),
  );
  const missing = known.filter((event) => !there.has(event));
  if (missing.length > 0) faults.set(`${missing.join(", ")} in ${file} not registered`, AGAIN);
  const unknown = [...there].filter((event) => !known.includes(event));
  if (unknown.length > 0)
    faults.set(`Claude Code ${version} does not know ${unknown.join(", ")}`, `update Claude Code, or ${AGAIN}`);
  if (faults.size > 0) return [...faults].map(([found, fix]) => fault("hooks", found, fix));
  return [
    {
      what: "hooks",
      ok: true,
      found: `${there.size} events registered in ${file}${version === undefined ? "" : `, Claude Code ${version}`}`,
    },
  ];
}

function httpFault(handler: Handler, config: Config, runtime: Runtime | undefined): [string, string] | undefined {
  const url = URL.canParse(String(handler.url)) ? new URL(String(handler.url)) : undefined;
  const here = runtime ? new URL(runtime.http_url).port : String(config.httpPort);
  if (url?.port !== here && here !== "0")
    return [`handlers send to port ${url?.port}, weir listens on ${here}`, `${AGAIN} --http`];
  const said = /^Bearer (\S+)$/.exec(String((handler.headers as Handler | undefined)?.Authorization ?? ""))?.[1];
  if (said === undefined) return ["handlers over HTTP send no token", `${AGAIN} --http`];
  if (said !== readCaptureToken(config.dataDir))
    return ["handlers over HTTP send a token of another weir", `${AGAIN} --http`];
  if (!runtime)
    return [
      "handlers over HTTP fail while weir does not run, and the assistant shows it",
      "start weir, or run: weir init claude-code",
    ];
  return undefined;
}

function commandFault(handler: Handler, config: Config): [string, string] | undefined {
  const command = String(handler.command);
  const words = [...command.matchAll(/'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2]!);
  const missing = words.filter((word) => /^\/.*[^/]$/.test(word) && !existsSync(word));
  if (missing.length > 0) return [`the command of the hooks starts what is not there: ${missing.join(", ")}`, AGAIN];
  const folder = /^WEIR_DATA_DIR=(?:'([^']*)'|(\S+))/.exec(command);
  const said = folder?.[1] ?? folder?.[2];
  if (said !== undefined && said !== config.dataDir)
    return [
      `hooks write to ${said}, this weir keeps its data in ${config.dataDir}`,
      `${AGAIN}, or set WEIR_DATA_DIR=${said}`,
    ];
  return undefined;
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
      ? "weir runs and does not take them: look at its log, restart it"
      : "start weir; they are taken by themselves: weir up",
  };
}

/** A clock that was set back or runs ahead: events of the future, and input refused for its time. */
async function checkClock(): Promise<Check> {
  const what = "clock";
  try {
    const { rows } = await client().sql(
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
