#!/usr/bin/env node
// What `weir` starts, built as dist/src/cli.js. A hook stands in an assistant's way: it is looked for before anything else is loaded.
if (process.argv[2] === "hook") await import("./hook.ts");
else await import("../cli.ts");

export {};
