// What assistants' settings name, copied to dist/src/hook.cjs: it runs the hook with what V8 compiled of it when weir was built. A Node with another V8
// takes the program's text alone. Both stand in one file, so that a build under way never gives the text of one and the code of another.
const { readFileSync } = require("node:fs");
const { Script } = require("node:vm");

try {
  const packed = readFileSync(`${__dirname}/hook.packed`);
  const text = 4 + packed.readUInt32LE();
  new Script(packed.toString("utf8", 4, text), {
    filename: `${__dirname}/hook.js`,
    cachedData: packed.subarray(text),
  }).runInThisContext()(require);
} catch {
  // a recorder never disturbs
}
