import { setPriority } from "node:os";
import { join } from "node:path";
import { environment, readConfig } from "../base/config.ts";
import { LIMITS } from "../base/limits.ts";
import { createLog } from "../base/log.ts";
import { createWeir, type Weir } from "../sdk/index.ts";
import { Follower } from "./follow/follow.ts";
import { followPlan } from "./follow/settings.ts";
import { type Asked, ProjectWatches } from "./watch/project.ts";
import type { Told } from "./watching.ts";

/*
 * The process beside `weir up` that reads what others write: transcripts, files of projects, git. It is a producer like any other, through the SDK and its spool, with
 * low priority, so that taking in years of sessions disturbs neither weir's answers nor the machine's user. It ends with its parent.
 */

const config = readConfig();
const log = createLog("weir watching", config.logLevel);
try {
  setPriority(10);
} catch {
  // not allowed here: it works the same, only less politely
}

let ending = false;
let followers: Follower[] = [];
let projects: ProjectWatches | undefined;
let sink: Weir | undefined;
async function end(): Promise<void> {
  if (ending) return;
  ending = true;
  setTimeout(() => process.exit(1), LIMITS.follow_stop_ms_max).unref();
  await Promise.all([...followers.map((follower) => follower.stop()), projects?.close()]);
  await sink?.close();
  process.exit(0);
}
process.on("SIGTERM", () => void end());
process.on("SIGINT", () => {}); // Ctrl-C reaches the whole group: the parent says when
process.once("disconnect", () => void end());
if (!process.connected) void end(); // the parent was killed before this line

const own = createWeir({
  name: "watching",
  source: "weir://watching",
  via: "transcript",
  dataDir: config.dataDir,
  check: false,
});
sink = own;
const watches = new ProjectWatches(own, log);
projects = watches;
process.on("message", (asked: Asked) => void watches.use(asked));
followers = await Promise.all(
  followPlan(config.follow, { env: environment() }).map(({ kind, dirs }) =>
    Follower.start({ kind, dirs, sink: own, log, positionsFile: join(config.dataDir, "import", `${kind}.jsonl`) }),
  ),
);
const tell = (): void => {
  const told: Told = { following: followers.map((follower) => follower.status()), watching: watches.status() };
  if (process.connected) process.send?.(told);
};
setInterval(tell, LIMITS.follow_told_ms);
tell();
