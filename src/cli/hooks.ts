import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Context, Hono } from "hono";
import { clock } from "../base/clock.ts";
import { makeFolder } from "../base/folder.ts";
import { newId } from "../base/id.ts";
import { LIMITS } from "../base/limits.ts";
import { secretToken } from "../base/secret-token.ts";
import { hooksFolder } from "../capture/hooks/append.ts";
import { HOOK_MAPPINGS } from "../capture/hooks/assistants.ts";
import { createInbox } from "../capture/hooks/inbox.ts";
import { lineOf, type RecordPrivacy, recordOf } from "../capture/hooks/record.ts";
import type { Guarded } from "../read/context.ts";
import { bodyParts } from "../read/http/body.ts";
import { CAPTURE_PATHS } from "../read/http/intake.ts";
import { entry } from "./root.ts";

/** Below this path assistants send their hooks; the last part names the assistant. */
export const [HOOKS_PATH] = CAPTURE_PATHS;

const tokenFile = (dataDir: string): string => join(dataDir, "capture.token");

/**
 * The token that assistants are given: it allows to send what was captured, nothing else, and stays the same when weir starts again, because it
 * stands in their settings. Made at the first use, in a file only the user may read.
 */
export function captureToken(dataDir: string): string {
  const file = tokenFile(dataDir);
  const known = readCaptureToken(dataDir);
  if (known !== undefined) return known;
  makeFolder(dataDir, 0o700);
  const token = secretToken(24);
  writeFileSync(`${file}.${process.pid}`, `${token}\n`, { mode: 0o600 });
  renameSync(`${file}.${process.pid}`, file);
  return token;
}

/** The token of {@link captureToken}; undefined while there is none. */
export function readCaptureToken(dataDir: string): string | undefined {
  try {
    const token = readFileSync(tokenFile(dataDir), "utf8").trim();
    return token === "" ? undefined : token;
  } catch {
    return undefined;
  }
}

/** The token of {@link captureToken}, and the paths it opens: those where assistants send what they do. */
export const captureGate = (dataDir: string): NonNullable<Guarded["capture"]> => ({
  token: captureToken(dataDir),
  opens: (path) => CAPTURE_PATHS.some((start) => path.startsWith(start)),
});

/**
 * `POST /hooks/<assistant>`: takes one payload and answers 204 without a body once it is on the disk. It goes through the same spool as those of
 * `weir hook`, so payloads of both ways keep their order. An answer that is no 2xx is shown to the person at the assistant, so whatever was
 * sent is taken: what is no JSON or too large keeps its beginning, and what finds no room is counted.
 */
export function addHookRoutes(app: Hono, dataDir: string, privacy: RecordPrivacy): { close(): Promise<void> } {
  const inbox = createInbox({ folder: hooksFolder(dataDir), entry: entry("src/capture/hooks/inbox-worker") });
  for (const assistant of Object.keys(HOOK_MAPPINGS)) {
    app.post(`${HOOKS_PATH}${assistant}`, async (c) => {
      const at = clock.nowUs();
      const { data, bytes } = await readBody(c, LIMITS.hook_body_bytes_max);
      await inbox.append(lineOf(recordOf({ id: newId(at), assistant, at }, data, bytes, privacy)));
      return c.body(null, 204);
    });
  }
  return inbox;
}

/** The body as far as it is kept, read to its end. */
async function readBody(c: Context, max: number): Promise<{ data: Buffer; bytes: number }> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of bodyParts(c)) {
    if (bytes < max) parts.push(part.subarray(0, max - bytes));
    bytes += part.length;
  }
  return { data: Buffer.concat(parts), bytes };
}
