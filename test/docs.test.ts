import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { clock } from "../src/base/clock.ts";
import { OPTIONS } from "../src/base/config.ts";
import { parseArguments } from "../src/cli/ask.ts";
import { parseInput } from "../src/define/input.ts";
import { loadDefinitions } from "../src/engine/load.ts";

const ROOT = join(import.meta.dirname, "..");
const read = (file: string): string => readFileSync(join(ROOT, file), "utf8");
const pages = ["README.md", "CONTRIBUTING.md", "bench/README.md"].concat(
  ["docs", "docs/capture"].flatMap((folder) =>
    readdirSync(join(ROOT, folder))
      .filter((name) => name.endsWith(".md"))
      .map((name) => join(folder, name)),
  ),
);

/** A command as docs/reference/commands.md has it, which is made from the program itself and checked to be fresh. */
interface Known {
  readonly options: ReadonlyMap<string, boolean>;
  readonly required: readonly string[];
}
function knownCommands(): Map<string, Known> {
  const out = new Map<string, Known>();
  for (const section of read("docs/reference/commands.md").split(/^## /m).slice(1)) {
    const [, name = ""] = /^`weir ([a-z-]+(?: [a-z-]+)*)/.exec(section) ?? [];
    const rows = [...section.matchAll(/^\| `(--[a-z-]+)([^`]*)` \| ([^|]*) \|/gm)];
    out.set(name, {
      options: new Map(rows.map(([, flag, value]) => [flag!, value !== ""])),
      required: rows.filter(([, , , required]) => required!.trim() !== "").map(([, flag]) => flag!),
    });
  }
  return out;
}

/** Words of a line of shell, quotes undone, up to a comment or the next command. */
function wordsOf(line: string): string[] {
  const words: string[] = [];
  for (const [, double, single, bare] of line.matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'|([^\s"']+)/g)) {
    if (bare && /^(#|\||>|<$|&&|;)/.test(bare)) break;
    words.push(double ?? single ?? bare!);
  }
  return words;
}

/** Command lines of a page's shell blocks; a line that ends inside quotes goes on in the next. */
function commandLines(page: string): string[] {
  const out: string[] = [];
  for (const [, block = ""] of read(page).matchAll(/^```sh\n([\s\S]*?)^```/gm)) {
    let open = "";
    for (const line of block.replaceAll("\\\n", " ").split("\n")) {
      open = open === "" ? line : `${open} ${line.trim()}`;
      if (
        (open.match(/"/g) ?? []).length % 2 === 1 ||
        (open.replace(/"[^"]*"/g, "").match(/'/g) ?? []).length % 2 === 1
      )
        continue;
      out.push(open);
      open = "";
    }
  }
  return out;
}

test("every command line of the documentation names a command, options and arguments that there are", async () => {
  const known = knownCommands();
  const { queries } = await loadDefinitions(ROOT);
  const scripts = (JSON.parse(read("package.json")) as { scripts: Record<string, string> }).scripts;
  let seen = 0;
  for (const page of pages) {
    for (const line of commandLines(page)) {
      const words = wordsOf(line);
      while (words[0] !== undefined && /^[A-Z_]+=/.test(words[0])) words.shift();
      if (words[0] === "npm" && words[1] === "run")
        expect(Object.keys(scripts), `${page}: ${line}`).toContain(words[2]);
      if (words[0] === "npx") words.shift();
      if (words[0] !== "weir") continue;
      seen++;
      const [, first = "", second = ""] = words;
      const name = known.has(`${first} ${second}`) ? `${first} ${second}` : first;
      expect([page, line, [...known.keys()]]).toEqual([page, line, expect.arrayContaining([name])]);
      const rest = words.slice(1 + name.split(" ").length);
      if (name === "query") {
        const query = queries.get(rest[0] ?? "");
        if (rest.length === 0) continue;
        expect([page, line, query?.title]).toEqual([page, line, expect.any(String)]);
        const given = rest.slice(1).filter((w) => w !== "--json" && w !== "--csv" && w !== "--help");
        if (rest.includes("--help")) continue;
        parseInput(query!.input, parseArguments(given, query!.input), clock.nowUs());
        continue;
      }
      const { options, required } = known.get(name)!;
      const own = rest.includes("--") ? rest.slice(0, rest.indexOf("--")) : rest;
      for (const flag of own.filter((w) => /^--[a-z]/.test(w)).map((w) => w.split("=")[0]!))
        expect([page, line, flag, [...options.keys(), "--help"]]).toEqual([
          page,
          line,
          flag,
          expect.arrayContaining([flag]),
        ]);
      for (const flag of required) expect([page, line, own]).toEqual([page, line, expect.arrayContaining([flag])]);
    }
  }
  expect(seen).toBeGreaterThan(10);
});

test("the README lists the commands there are, and every setting of weir it names is one", () => {
  const readme = read("README.md");
  const listed = readme.slice(readme.indexOf("## Commands"), readme.indexOf("## From your program"));
  for (const name of knownCommands().keys()) {
    if (/^(add|remove)-watch$/.test(name)) continue; // orders; `weir watch` gives them
    const [first = "", second = first] = name.split(" ");
    expect(listed, name).toMatch(new RegExp(`\\b${first}\\b`));
    expect(listed, name).toContain(second);
  }
  const settings = Object.values(OPTIONS).map(({ env }) => env) as string[];
  for (const page of pages)
    for (const [name] of read(page).matchAll(/\bWEIR_[A-Z_]+\b/g))
      if (!/^WEIR_(IN|VALID|EVENTS|TEST_\w+)$/.test(name)) expect(settings, `${page}: ${name}`).toContain(name);
});

test("links between pages lead somewhere", () => {
  for (const page of [...pages, "ARCHITECTURE.md", "CHANGELOG.md"])
    for (const [, target = ""] of read(page).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g))
      if (!/^[a-z]+:/.test(target))
        expect(() => readdirSync(join(ROOT, page, "..", target)), `${page}: ${target}`).not.toThrow(/ENOENT/);
});
