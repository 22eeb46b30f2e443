// Builds dist/: the command line, the SDK, the sandbox's child, and every definition as a file of its own, so that the built weir finds
// them by their folders as the source does. Packages stay outside the bundle.
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { build } from "esbuild";

const files = (folder) =>
  readdirSync(folder)
    .filter((file) => /^[a-z][a-z0-9_]*\.ts$/.test(file))
    .map((file) => `${folder}/${file}`);

// beside dist until all of it is there
const next = "dist.next";
rmSync(next, { recursive: true, force: true });
const common = {
  bundle: true,
  platform: "node",
  target: "node20.19",
  legalComments: "none",
  logLevel: "warning",
};
await build({
  ...common,
  entryPoints: [
    { in: "src/cli.ts", out: "src/program" },
    ...[
      "src/sdk/index.ts",
      "src/store/sandbox/child.ts",
      "src/engine/processors-worker.ts",
      "src/cli/front-worker.ts",
      "src/engine/archive/worker.ts",
      "src/capture/watching-process.ts",
      "src/capture/mcp/recorder.ts",
      "src/cli/wrap.ts",
      "src/capture/hooks/inbox-worker.ts",
      ...["processors", "projections", "src/read/queries", "src/commands"].flatMap(files),
    ].map((file) => ({ in: file, out: file.replace(/\.ts$/, "") })),
  ],
  outdir: next,
  splitting: true,
  chunkNames: "chunks/[name]-[hash]",
  format: "esm",
  packages: "external",
  sourcemap: "linked",
});
// A hook is one small program of its own, compiled here: Node would do that each time the assistant calls a tool.
await build({
  ...common,
  entryPoints: ["src/cli/hook.ts"],
  outfile: `${next}/src/hook.js`,
  format: "cjs",
  minify: true,
  banner: { js: "(function (require) {" },
  footer: { js: "})" },
});
const scratch = mkdtempSync(join(tmpdir(), "weir-build-"));
execFileSync(process.execPath, ["scripts/pack-hook.cjs", `${next}/src/hook.js`, `${next}/src/hook.packed`], {
  env: { ...process.env, WEIR_DATA_DIR: scratch },
  input: JSON.stringify({
    session_id: "s",
    hook_event_name: "PostToolUse",
    cwd: scratch,
    tool_input: { command: "ls" },
  }),
});
rmSync(scratch, { recursive: true });
copyFileSync("scripts/hook-start.cjs", `${next}/src/hook.cjs`);
copyFileSync("scripts/start.mjs", `${next}/src/cli.js`);
chmodSync(`${next}/src/cli.js`, 0o755);

// Assistants run hooks meanwhile, so each file takes the place of the old one by itself, what others need first, and what is left over goes last.
const starts = ["src/hook.cjs", "src/cli.js"];
const inside = (folder) =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true }).filter((name) => !statSync(join(folder, name)).isDirectory())
    : [];
const made = [...inside(next).filter((file) => !starts.includes(file)), ...starts];
for (const file of made) {
  mkdirSync(dirname(join("dist", file)), { recursive: true });
  renameSync(join(next, file), join("dist", file));
}
for (const file of inside("dist")) if (!made.includes(file)) rmSync(join("dist", file));
rmSync(next, { recursive: true });
