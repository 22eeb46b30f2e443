/**
 * The owner of an archive, as a process that a test can kill: `node --import tsx archiver-runner.ts DATA_DIR NATS_URL UNTIL LOG_BYTES`. It prints
 * the sequence that is archived, each time it is more, and ends when that is UNTIL.
 */
import { join } from "node:path";
import { createLog } from "../../src/base/log.ts";
import { Archive } from "../../src/engine/archive/archive.ts";
import { startArchiver } from "../../src/engine/archive/archiver.ts";
import { connectBroker } from "../../src/wire/connect.ts";
import { readCredential } from "../../src/wire/credentials.ts";
import { WORKER } from "./archive.ts";

const [dataDir = "", url = "", until = "", logBytes = ""] = process.argv.slice(2);
const log = createLog("runner", "silent");
const credentials = await readCredential(join(dataDir, "nats"), "engine");
const bus = await connectBroker({ url, credentials, name: "engine", log });
const stop = new AbortController();
const archiver = startArchiver({
  archive: new Archive({ folder: join(dataDir, "archive"), entry: WORKER }),
  bus,
  url,
  credentials,
  root: "dist",
  logBytes: Number(logBytes),
  until: () => Number(until),
  log,
  signal: stop.signal,
});
process.stdout.write("0\n");
await archiver.now((seq) => process.stdout.write(`${seq}\n`));
stop.abort();
await archiver.done;
await bus.close();
