import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { mark } from "./redact/rule.ts";

/** Files of a data folder with what weir itself signs in with, and where in them it stands. */
const FILES: readonly (readonly [name: string, secret: RegExp])[] = [
  ["runtime.json", /"token":\s*"([^"]{16,})"/g],
  ["capture.token", /^(\S{16,})$/gm],
  ["nats/credentials.json", /"password":\s*"([^"]{16,})"/g],
];
const LOOK_MS = 1_000; // how often it is looked whether weir signs in with something else

/** Takes out of a text what weir itself signs in with: it is kept at no level. */
export function withoutOwnSecrets(dataDir: string): (text: string) => string {
  let looked = Number.NEGATIVE_INFINITY;
  let stamp = "";
  let secrets: readonly string[] = [];
  const look = (): void => {
    const now = performance.now();
    if (now - looked < LOOK_MS) return;
    looked = now;
    const files = FILES.map(([name, secret]) => [join(dataDir, name), secret] as const);
    const seen = files.map(([file]) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0).join(" ");
    if (seen === stamp) return;
    stamp = seen;
    secrets = files.flatMap(([file, secret]) => {
      try {
        return [...readFileSync(file, "utf8").matchAll(secret)].map(([, found]) => found!);
      } catch {
        return []; // there is none, or it is not for this user
      }
    });
  };
  return (text) => {
    look();
    let out = text;
    for (const secret of secrets) if (out.includes(secret)) out = out.replaceAll(secret, mark("weir_token"));
    return out;
  };
}
