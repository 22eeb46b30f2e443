import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";

/** `npm run bench -- <name> [--option value …]`: prints a table and, last, one line of JSON, which is also kept in bench/results/. */
/** Files beside the benches that they share. */
const PARTS = [
  "events",
  "floor",
  "http-load",
  "http-peer",
  "instance",
  "outage-judge",
  "outage-producer",
  "producer",
  "proxy-http",
  "run",
];

const [name, ...words] = process.argv.slice(2);
const options = new Map<string, string>();
for (let k = 0; k < words.length; k += 2) options.set(words[k]!.replace(/^--/, ""), words[k + 1] ?? "");
const file = new URL(`./${name}.ts`, import.meta.url);
if (!name || !/^[a-z-]+$/.test(name) || !existsSync(file)) {
  const names = readdirSync(new URL(".", import.meta.url))
    .map((entry) => entry.replace(/\.ts$/, ""))
    .filter((entry) => existsSync(new URL(`./${entry}.ts`, import.meta.url)) && !PARTS.includes(entry));
  process.stderr.write(`npm run bench -- ${names.sort().join(" | ")}\n`);
  process.exit(2);
}
const { default: bench } = (await import(file.href)) as {
  default: (options: ReadonlyMap<string, string>) => Promise<Record<string, unknown>>;
};
process.stdout.write(
  `${cpus().length} cores (${cpus()[0]?.model.trim()}), ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}\n`,
);
const result = { bench: name, ...(await bench(options)) };
mkdirSync(new URL("./results/", import.meta.url), { recursive: true });
writeFileSync(new URL(`./results/${name}.json`, import.meta.url), `${JSON.stringify(result, null, 2)}\n`);
process.stdout.write(`${JSON.stringify(result)}\n`);
process.exit(0);
