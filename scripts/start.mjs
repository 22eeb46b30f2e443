#!/usr/bin/env node
// What `weir` starts, copied to dist/src/cli.js. A hook and a wrapped MCP server stand in an assistant's way: they are looked for before
// anything else is loaded. The hook is required, because import() of CommonJS costs a third of Node's start.
const [, , first, second] = process.argv;

/** The options of `weir wrap --name N … -- command`; undefined where it is said in any other way. */
function plainWrap(words) {
  const options = { payloads: "redacted" };
  const names = { "--name": "name", "--payloads": "payloads", "--data-dir": "dataDir" };
  let at = 0;
  for (; at < words.length && words[at] !== "--"; at += 2) {
    const name = names[words[at]];
    if (name === undefined || words[at + 1] === undefined) return undefined;
    options[name] = words[at + 1];
  }
  return options.name === undefined || at + 1 >= words.length ? undefined : { options, command: words.slice(at + 1) };
}

/** What is wrong with an option is told by the program; nothing was started then. */
function refused(error) {
  if (error.code !== "usage") throw error;
  return false;
}

if (first === "hook" && second !== "--help" && second !== "-h")
  process.getBuiltinModule("node:module").createRequire(import.meta.url)("./hook.cjs");
else {
  const plain = first === "wrap" ? plainWrap(process.argv.slice(3)) : undefined;
  const done =
    plain && (await (await import("./cli/wrap.js")).wrap(plain.command, plain.options).then(() => true, refused));
  if (!done) await import("./program.js");
}
