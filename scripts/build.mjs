// Builds dist/: the command line, the SDK, the sandbox's child, and every definition as a file of its own, so that the built weir finds
// them by their folders as the source does. Packages stay outside the bundle.
import { chmodSync, copyFileSync, readdirSync, rmSync } from "node:fs";
import { build } from "esbuild";

const files = (folder) =>
  readdirSync(folder)
    .filter((file) => /^[a-z][a-z0-9_]*\.ts$/.test(file))
    .map((file) => `${folder}/${file}`);

rmSync("dist", { recursive: true, force: true });
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
      "src/engine/archive/worker.ts",
      "src/capture/watching-process.ts",
      "src/capture/mcp/recorder.ts",
      "src/cli/wrap.ts",
      "src/capture/hooks/inbox-worker.ts",
      ...["processors", "projections", "src/read/queries", "src/commands"].flatMap(files),
    ].map((file) => ({ in: file, out: file.replace(/\.ts$/, "") })),
  ],
  outdir: "dist",
  splitting: true,
  chunkNames: "chunks/[name]-[hash]",
  format: "esm",
  packages: "external",
  sourcemap: "linked",
});
// A hook is one small file of its own: Node compiles every byte of it each time the assistant calls a tool. CommonJS starts faster.
await build({ ...common, entryPoints: ["src/cli/hook.ts"], outfile: "dist/src/hook.cjs", format: "cjs", minify: true });
copyFileSync("scripts/start.mjs", "dist/src/cli.js");
chmodSync("dist/src/cli.js", 0o755);
