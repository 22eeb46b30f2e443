// pack-hook.cjs FILE PACKED: packs the bundled hook with what V8 compiles of it while it takes the payload on stdin: length of the text, text, code.
const { readFileSync, writeFileSync } = require("node:fs");
const { Script } = require("node:vm");

const [, , file, packed] = process.argv;
process.argv.splice(2, 2, "hook", "claude-code");
const text = readFileSync(file, "utf8");
const script = new Script(text);
script.runInThisContext()(require);
const size = Buffer.alloc(4);
size.writeUInt32LE(Buffer.byteLength(text));
// on the disk before it is used: V8 looks at the length of its code, not at what is in it, and a power cut may leave zeros
writeFileSync(packed, Buffer.concat([size, Buffer.from(text), script.createCachedData()]), { flush: true });
