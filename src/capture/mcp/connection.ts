import { LIMITS } from "../../base/limits.ts";
import { redactText } from "../../base/redact.ts";
import type { Draft } from "../../define/event.ts";
import { eventsDropped } from "../../events/flow.ts";
import { mcpServerDied } from "../../events/mcp.ts";
import { boundText } from "../bound.ts";
import { type CallOrigin, calledOf } from "./called.ts";
import { createLineSplitter, type MessageLine } from "./lines.ts";
import { type Message, messagesOf } from "./message.ts";
import { type Call, createPairing, type Missing, type Pending, type Side } from "./pairing.ts";
import type { Reader } from "./reader.ts";
import { createSampler, type Sampler } from "./usage.ts";

/** How a server ended. */
export interface Death {
  readonly at: number;
  readonly exit_code?: number;
  readonly signal?: string;
  readonly uptime_ms: number;
  readonly stderr: string;
  /** Absent where it is not started again. */
  readonly restart_in_ms?: number;
}

/** What a restart needs to know of the connection; lines carry their newline. */
export interface Estate {
  /** Requests of the client that were left without an answer. */
  readonly unanswered: number;
  /** Messages for the client: errors for those requests, and the end of the server's own requests. */
  readonly answers: Uint8Array;
  readonly initialize?: Uint8Array;
  readonly initialize_id?: string | number;
  /** The first server had not answered `initialize` yet: the client still waits for it. */
  readonly greeting: boolean;
  readonly initialized?: Uint8Array;
}

/** What is recorded of one client's connection to a server that may be restarted. */
export interface Connection extends Reader<Side> {
  spawned(pid: number): void;
  died(death: Death): Estate;
  /** The client's last message reached no server; gives the error that answers it. */
  lost(at: number): Uint8Array;
  /** Requests of the client that wait for an answer. */
  unanswered(): number;
}

const NONE = new Uint8Array(0);
const lines = (messages: readonly unknown[]): Uint8Array =>
  messages.length === 0
    ? NONE
    : Buffer.from(messages.map((m) => `${JSON.stringify({ jsonrpc: "2.0", ...(m as object) })}\n`).join(""));
const SERVER_ERROR = -32_000; // the first of the codes JSON-RPC leaves to servers

/** Makes the record of a connection; events go to `emit`. */
export function createConnection(origin: CallOrigin, emit: (draft: Draft) => void): Connection {
  const { server } = origin;
  const pairing = createPairing();
  const splitters = { client: createLineSplitter(), server: createLineSplitter() };
  let sampler: Sampler | undefined;
  let initialize: { readonly id: string | number; readonly line: Uint8Array } | undefined;
  let initialized: Uint8Array | undefined;
  let newest: readonly Message[] = [];
  let forgotten = 0;

  const record = (calls: readonly Call[]): void => {
    for (const call of calls) emit(calledOf(call, origin, sampler?.since(call.look)));
  };
  const dropped = (where: string, count: number): void =>
    emit(eventsDropped.of({ subject: server, project: origin.project }, { where, count }));
  const greeting = (): boolean =>
    initialize !== undefined &&
    pairing.pending("client").some((call) => call.id === initialize!.id && call.method === "initialize");

  const greet = (line: MessageLine, message: Message): void => {
    if (!line.whole || line.bytes > LIMITS.mcp_handshake_bytes_max) return;
    const kept = Buffer.concat([line.whole, Buffer.from("\n")]);
    if (message.method === "initialize" && message.id !== undefined) initialize = { id: message.id, line: kept };
    if (message.method === "notifications/initialized") initialized = kept;
  };
  const takeLine = (side: Side, line: MessageLine, at: number): void => {
    const messages = messagesOf(line);
    if (side === "client") newest = messages;
    for (const message of messages) {
      if (side === "client") greet(line, message);
      record(pairing.take(side, message, at, message.method === undefined ? undefined : { look: sampler?.look() }));
    }
    if (pairing.forgotten() === forgotten) return;
    dropped("mcp_pending", pairing.forgotten() - forgotten);
    forgotten = pairing.forgotten();
  };
  const giveUp = (which: readonly Pending[], why: Missing, at: number): void => record(pairing.end(which, why, at));
  const sorry = (which: readonly Pending[], message: string) =>
    which.map(({ id }) => ({ id, error: { code: SERVER_ERROR, message } }));

  return {
    take: (side, chunk, at) => splitters[side].push(chunk, (line) => takeLine(side, line, at)),
    missed(side, messages) {
      splitters[side].gap();
      dropped("mcp_backlog", messages);
    },
    spawned(pid) {
      sampler = createSampler(pid);
      splitters.server = createLineSplitter(); // what the one before had begun to say has no end
    },
    died(death) {
      const first = greeting();
      const asked = pairing.pending("client").filter((call) => !(first && call.id === initialize!.id));
      const asking = pairing.pending("server");
      const unanswered = pairing.pending("client").length;
      const { at, exit_code, signal, uptime_ms, stderr, restart_in_ms } = death;
      const why = signal ? `by ${signal}` : `with exit code ${exit_code}`;
      const gone = restart_in_ms === undefined;
      giveUp(gone ? pairing.pending("client") : asked, "server_died", at);
      giveUp(asking, "server_died", at);
      // a server that stops by itself while nobody waits for it has not died
      if (exit_code !== 0 || unanswered > 0)
        emit(
          mcpServerDied.of(
            { time: at, subject: server, project: origin.project },
            { server, exit_code, signal, uptime_ms, unanswered, stderr: toldOf(stderr, origin), restart_in_ms },
          ),
        );
      const told = `MCP server ${server} ended ${why} before it answered${gone ? "" : "; it is being started again"}`;
      return {
        unanswered,
        answers: lines([
          ...sorry(gone ? [...asked, ...(first ? [{ id: initialize!.id } as Pending] : [])] : asked, told),
          ...asking.map(({ id }) => ({ method: "notifications/cancelled", params: { requestId: id, reason: told } })),
        ]),
        greeting: first,
        ...(initialize ? { initialize: initialize.line, initialize_id: initialize.id } : {}),
        ...(initialized ? { initialized } : {}),
      };
    },
    lost(at) {
      const ids = new Set(newest.filter((m) => m.method !== undefined).map((m) => m.id));
      const which = pairing.pending("client").filter((call) => ids.has(call.id));
      giveUp(which, "server_died", at);
      return lines(sorry(which, `MCP server ${server} ended while this request was on its way`));
    },
    unanswered: () => pairing.pending("client").length,
    end(at) {
      giveUp(pairing.pending("client"), "unanswered", at);
      giveUp(pairing.pending("server"), "unanswered", at);
    },
  };
}

/** The server's last lines as they are kept: not at all where payloads are not. */
function toldOf(stderr: string, { payloads }: CallOrigin): string | undefined {
  if (stderr === "" || payloads === "off") return undefined;
  return boundText(payloads === "full" ? stderr : redactText(stderr), LIMITS.mcp_stderr_bytes);
}
