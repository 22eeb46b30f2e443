/** A weir reduced to its broker, as a process that a test can kill: `node --import tsx hold-broker.ts DATA_DIR NATS_SERVER`. */
import { readConfig } from "../../src/base/config.ts";
import { createLog } from "../../src/base/log.ts";
import { startBroker } from "../../src/wire/broker.ts";

const [dataDir = "", natsServer = ""] = process.argv.slice(2);
const config = { ...readConfig({}), dataDir, natsServer, natsPort: 0 };
const broker = await startBroker({ config, log: createLog("holder", "silent") });
process.stdout.write(`${JSON.stringify({ pid: broker.pid, port: broker.port })}\n`);
setInterval(() => {}, 1_000_000);
