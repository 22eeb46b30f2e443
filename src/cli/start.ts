#!/usr/bin/env node
// What `weir` starts, built as dist/src/cli.js. A hook stands in an assistant's way: it is looked for before anything else is loaded.
const [, , first, second] = process.argv;
if (first === "hook" && second !== "--help" && second !== "-h") await import("./hook.ts");
else await import("../cli.ts");

export {};
