import { OPTIONS, readConfig } from "../base/config.ts";
import { suggestion } from "../define/input.ts";
import { say, sayJson } from "./print.ts";

/** `weir config`: every setting with its value; passwords are left out. */
export function configCommand({ json }: { json?: boolean }): void {
  const config: Record<string, unknown> = { ...readConfig() };
  for (const [name, { secret }] of Object.entries(OPTIONS) as [string, { secret?: boolean }][])
    if (secret) config[name] = String(config[name]).replace(/(\/\/|^|,)([^@/,]*):[^@/,]*@/g, "$1$2:…@");
  if (json) {
    sayJson(config);
    return;
  }
  for (const [name, { env, about }] of Object.entries(OPTIONS))
    say(`${env.padEnd(24)} ${String(config[name]).padEnd(24)} ${about}`);
}

/** What is set and is no setting, but nearly the name of one: it would be passed over without a word. */
export function misspelt(env: NodeJS.ProcessEnv): string[] {
  const known = Object.values(OPTIONS).map((option) => option.env);
  return Object.keys(env)
    .filter((name) => name.startsWith("WEIR_") && !known.includes(name as (typeof known)[number]))
    .map((name) => [name, suggestion(name, known)] as const)
    .filter(([, near]) => near !== "")
    .map(([name, near]) => `${name} is no setting${near}`);
}
