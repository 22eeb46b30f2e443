import { LIMITS } from "../../base/limits.ts";
import { isLoose } from "../loose.ts";
import type { Estate } from "./connection.ts";

import type { Server } from "./server.ts";

const NEWLINE = 10;

/** Whether a line is the answer to a request. */
function isAnswer(line: Buffer, id: string | number | undefined): boolean {
  try {
    const message: unknown = JSON.parse(line.toString());
    return isLoose(message) && message.id === id && message.method === undefined;
  } catch {
    return false;
  }
}

/**
 * Says the client's handshake again to a server that was restarted. Its answer is kept from the client, which has one; whatever else it says
 * meanwhile goes to `pass`. Resolves with what came after the answer, or when the server ended. A server that does not answer in time is killed.
 */
export async function replayHandshake(
  server: Server,
  { initialize, initialize_id, initialized, greeting }: Estate,
  pass: (chunk: Buffer) => void,
): Promise<Buffer> {
  if (!initialize || server.pid === undefined) return Buffer.alloc(0);
  server.stdin.write(initialize);
  if (greeting) return Buffer.alloc(0); // the client still waits for the answer, and goes on by itself
  const rest = await answerOf(server, initialize_id, pass);
  if (rest && initialized) server.stdin.write(initialized);
  return rest ?? Buffer.alloc(0);
}

/** Reads until the answer came; gives what came behind it, or undefined where the server ended without. */
function answerOf(
  server: Server,
  id: string | number | undefined,
  pass: (chunk: Buffer) => void,
): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    let held = Buffer.alloc(0);
    const limit = setTimeout(() => server.kill("SIGKILL"), LIMITS.mcp_handshake_ms_max);
    const done = (rest: Buffer | undefined): void => {
      clearTimeout(limit);
      server.stdout.off("data", read);
      server.stdout.pause();
      resolve(rest);
    };
    const read = (chunk: Buffer): void => {
      held = Buffer.concat([held, chunk]);
      for (let end = held.indexOf(NEWLINE); end >= 0; end = held.indexOf(NEWLINE)) {
        const line = held.subarray(0, end + 1);
        held = held.subarray(end + 1);
        if (isAnswer(line, id)) {
          done(held);
          return;
        }
        pass(line);
      }
      if (held.length > LIMITS.mcp_message_bytes_max) server.kill("SIGKILL");
    };
    server.stdout.on("data", read);
    void server.ended.then(() => done(undefined));
  });
}
