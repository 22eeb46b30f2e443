#!/usr/bin/env node
// What `weir` starts, copied to dist/src/cli.js. A hook stands in an assistant's way: it is looked for before anything else is loaded, and
// required, because import() of CommonJS costs a third of Node's start.
const [, , first, second] = process.argv;
if (first === "hook" && second !== "--help" && second !== "-h")
  process.getBuiltinModule("node:module").createRequire(import.meta.url)("./hook.cjs");
else await import("./program.js");
