import type { Readable, Writable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { clock } from "../../base/clock.ts";
import { LIMITS } from "../../base/limits.ts";
import { forwardTo } from "./forward.ts";
import { replayHandshake } from "./handshake.ts";
import type { Side } from "./pairing.ts";
import { type Ended, exitCodeOf, type Server, startServer } from "./server.ts";
import type { Tap } from "./tap.ts";

/** What a proxy stands between. */
export interface ProxyOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Starts the recorder; called when the server was started, so that the server is not kept waiting. */
  readonly tap: () => Tap<Side>;
  /** Is told the pause before a restart, and why the proxy gives up. */
  readonly warn: (text: string) => void;
}

/** A proxy that runs. */
export interface Proxy {
  /** The server's exit code, when everything is over. */
  readonly done: Promise<number>;
  /** Passes a signal on; the server is not restarted after it. */
  signal(signal: NodeJS.Signals): void;
}

const NEWLINE = 10;

/**
 * Runs a server behind a proxy: bytes pass unchanged both ways, with the back-pressure of either end; a copy goes to the recorder; a server
 * that dies is started again, and given the client's handshake.
 */
export function startProxy(options: ProxyOptions): Proxy {
  const { stdin, stdout, stderr } = options;
  const begin = (): Server => {
    const started = startServer(options.command, options.args);
    // from its first byte on: what it says while it is told the handshake again says most when that fails
    forwardTo(stderr, started.stderr, (chunk) => stderr.write(chunk));
    return started;
  };
  /** Nobody wants the server to go on. */
  const over = new AbortController();
  let server = begin();
  const tap = options.tap();
  let open = true;
  /** The server died in the middle of a message of the client: the rest of it is for nobody. */
  let torn = false;
  let lastIn = NEWLINE;
  let lastOut = NEWLINE;
  let spoke = performance.now();
  /** The client does not read any more. */
  let deaf = false;

  const toClient = (chunk: Uint8Array): boolean => {
    if (chunk.length === 0 || deaf) return true;
    lastOut = chunk[chunk.length - 1]!;
    return stdout.write(chunk);
  };
  const say = (answers: Uint8Array | undefined): void => {
    if (!answers?.length) return;
    if (lastOut !== NEWLINE) toClient(Buffer.from("\n"));
    toClient(answers);
  };
  const toServer = (chunk: Buffer): boolean => {
    let rest = chunk;
    if (torn) {
      const at = chunk.indexOf(NEWLINE);
      rest = at < 0 ? chunk.subarray(chunk.length) : chunk.subarray(at + 1);
      torn = at < 0;
    }
    lastIn = chunk[chunk.length - 1]!;
    const room = rest.length === 0 || server.stdin.destroyed || server.stdin.write(rest);
    if (rest.length === chunk.length || torn) tap.take("client", chunk);
    else {
      tap.take("client", chunk.subarray(0, chunk.length - rest.length));
      void tap.lost().then(say);
      tap.take("client", rest);
    }
    return room;
  };
  const attach = (): void => {
    const { pid } = server;
    if (pid !== undefined) tap.spawned(pid);
    forwardTo(stdout, server.stdout, (chunk) => {
      if (!deaf) spoke = performance.now();
      const room = toClient(chunk);
      tap.take("server", chunk);
      return room;
    });
    void server.exited.then(() => {
      if (over.signal.aborted) return;
      open = false;
      stdin.pause();
    });
  };
  stdin.on("data", (chunk: Buffer) => {
    if (toServer(chunk) || !open) return;
    stdin.pause();
    server.stdin.once("drain", () => open && stdin.resume());
  });
  let finishing = false;
  const finish = (): void => {
    if (finishing) return;
    finishing = true;
    over.abort();
    server.stdin.end();
    void answered().then(() => endServer(server, () => spoke));
  };
  /** A client that closes its end may still wait for answers: resolves when none is missing any more, or nobody would read it. */
  const answered = async (): Promise<void> => {
    const latest = performance.now() + LIMITS.mcp_answer_ms_max;
    const gone = server.ended.then(() => true);
    while (!deaf && performance.now() < latest) {
      if (((await Promise.race([tap.unanswered(), gone.then(() => 0)])) ?? 0) === 0) return;
      if (await Promise.race([gone, pause(LIMITS.mcp_look_ms, false)])) return;
    }
  };
  stdin.once("end", finish);
  stdin.once("error", finish);
  stdout.on("error", () => {
    deaf = true; // the client is gone; nobody reads what the server still says
    finish();
    server.stdout.resume();
  });
  stderr.on("error", () => {});
  attach();

  const supervise = async (): Promise<number> => {
    for (let quick = 0; ; ) {
      const ended = await server.ended;
      if (over.signal.aborted) return exitCodeOf(ended);
      quick = ended.uptime_ms < LIMITS.mcp_quick_ms ? quick + 1 : 0;
      const last = ended.error !== undefined || quick >= LIMITS.mcp_quick_deaths_max;
      const wait = Math.min(LIMITS.mcp_backoff_ms * 2 ** quick, LIMITS.mcp_backoff_ms_max);
      const estate = await tap.died(deathOf(ended, last ? undefined : wait));
      say(estate?.answers);
      if (!estate || last || (ended.code === 0 && estate.unanswered === 0)) {
        if (ended.error) options.warn(`${options.command} cannot be started: ${ended.error.message}`);
        else if (ended.code !== 0) options.warn(`the MCP server ended ${reasonOf(ended)}`);
        return exitCodeOf(ended);
      }
      options.warn(`the MCP server ended ${reasonOf(ended)}; it is started again in ${wait} ms`);
      await pause(wait, undefined, { signal: over.signal }).catch(() => {});
      if (over.signal.aborted) return exitCodeOf(ended);
      torn = lastIn !== NEWLINE;
      server = begin();
      const rest = await replayHandshake(server, estate, toClient);
      attach();
      if (rest.length > 0) {
        toClient(rest);
        tap.take("server", rest);
      }
      open = true;
      stdin.resume();
    }
  };
  return {
    done: supervise().then(async (code) => {
      stdin.destroy();
      await tap.end();
      return code;
    }),
    signal(signal) {
      over.abort();
      server.kill(signal);
    },
  };
}

const reasonOf = ({ code, signal }: Ended): string => (signal ? `by ${signal}` : `with exit code ${code}`);

function deathOf(ended: Ended, restart_in_ms: number | undefined) {
  const { code, signal, uptime_ms, stderr, error } = ended;
  return {
    at: clock.nowUs(),
    uptime_ms,
    // one that could not be started has said nothing, and Node gives it a code that no program ends with
    stderr: error ? error.message : stderr,
    ...(signal ? { signal } : { exit_code: error ? exitCodeOf(ended) : (code ?? 1) }),
    ...(restart_in_ms === undefined ? {} : { restart_in_ms }),
  };
}

/** Ends a server whose stdin was closed, as the MCP specification asks: it may finish, then SIGTERM, then SIGKILL. */
async function endServer(server: Server, spoke: () => number): Promise<void> {
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    const since = performance.now();
    for (;;) {
      const left = Math.max(since, spoke()) + LIMITS.mcp_stop_ms - performance.now();
      if (left <= 0) break;
      const waited = new AbortController();
      const gone = await Promise.race([
        server.ended.then(() => true),
        pause(left, false, { signal: waited.signal }).catch(() => false),
      ]);
      waited.abort();
      if (gone) return;
    }
    server.kill(signal);
  }
}
