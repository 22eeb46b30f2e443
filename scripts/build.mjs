// Builds dist/: the command line, the SDK, the sandbox's child, and every definition as a file of its own, so that the built weir finds
// them by their folders as the source does. Packages stay outside the bundle.
import { readdirSync, rmSync } from "node:fs";
import { build } from "esbuild";

const files = (folder) =>
  readdirSync(folder)
    .filter((file) => /^[a-z][a-z0-9_]*\.ts$/.test(file))
    .map((file) => `${folder}/${file}`);

rmSync("dist", { recursive: true, force: true });
await build({
  entryPoints: [
    "src/cli.ts",
    "src/sdk/index.ts",
    "src/store/sandbox/child.ts",
    "src/engine/processors-worker.ts",
    "src/capture/watching-process.ts",
    ...["processors", "projections", "src/read/queries", "src/commands"].flatMap(files),
  ],
  outdir: "dist",
  outbase: ".",
  bundle: true,
  splitting: true,
  chunkNames: "chunks/[name]-[hash]",
  format: "esm",
  platform: "node",
  target: "node20.19",
  packages: "external",
  sourcemap: "linked",
  legalComments: "none",
  logLevel: "warning",
});
