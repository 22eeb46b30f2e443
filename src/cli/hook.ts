import { readSync } from "node:fs";
import { clock } from "../base/clock.ts";
import { dataDirOf, privacyGiven } from "../base/config.ts";
import { openKeys } from "../base/keys.ts";
import { LIMITS } from "../base/limits.ts";
import { withoutOwnSecrets } from "../base/own-secrets.ts";
import { loadPolicy } from "../base/privacy.ts";
import { appendLines, hooksFolder } from "../capture/hooks/append.ts";
import { lineOf, recordOf } from "../capture/hooks/record.ts";

/** How long to wait when stdin has nothing yet and says so instead of waiting itself. */
const AGAIN_MS = 2;

/** Reads stdin to its end, keeps at most `max` bytes of it, and tells how many there were. */
function readInput(max: number): { data: Buffer; bytes: number } {
  const parts: Buffer[] = [];
  let bytes = 0;
  for (;;) {
    const part = Buffer.allocUnsafe(65_536);
    let got = 0;
    try {
      got = readSync(0, part);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") break; // closed, or no stdin at all
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, AGAIN_MS);
      continue;
    }
    if (got === 0) break;
    if (bytes < max) parts.push(part.subarray(0, Math.min(got, max - bytes)));
    bytes += got;
  }
  return { data: Buffer.concat(parts), bytes };
}

/**
 * `weir hook <assistant> [EVENT]`: takes one payload from stdin into the spool; EVENT is the kind of payload, where it does not say that itself, or
 * the payload, where the assistant gives it as an argument. It stands in the assistant's way, so it loads next to nothing, asks
 * nobody, prints nothing and ends with 0, whatever happens. A running weir takes the payload from the spool soon after.
 */
function hook(name: string | undefined, more: string | undefined): void {
  try {
    const given = more?.startsWith("{") ? Buffer.from(more) : undefined;
    const { data, bytes } = given ? { data: given, bytes: given.length } : readInput(LIMITS.hook_body_bytes_max);
    const at = clock.startedUs();
    const id = `${at}.${process.pid}.${process.hrtime.bigint()}`;
    const assistant = /^[a-z][a-z0-9-]{0,63}$/.test(name ?? "") ? name! : "unknown";
    const event = /^[A-Za-z][A-Za-z.]{0,63}$/.test(more ?? "") ? more : undefined;
    const dataDir = dataDirOf();
    const policy = loadPolicy(dataDir, privacyGiven());
    const privacy = {
      policy: () => policy,
      keys: openKeys(dataDir, { make: true }),
      withoutOwn: withoutOwnSecrets(dataDir),
    };
    appendLines(hooksFolder(dataDir), lineOf(recordOf({ id, assistant, event, at }, data, bytes, privacy)), 1);
  } catch {
    // a recorder never disturbs
  }
}

hook(process.argv[3], process.argv[4]);
