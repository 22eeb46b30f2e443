import { toWeirError } from "../base/errors.ts";
import { LIMITS } from "../base/limits.ts";
import { wait } from "../base/wait.ts";
import { lastFrame } from "../wire/publish.ts";
import { isFenced } from "../wire/publish-error.ts";
import { streamIdentity } from "../wire/streams.ts";
import { brokenOff, totalsAt } from "./input-place.ts";
import { type ProcessorOptions, ProcessorRun } from "./processor-run.ts";
import { fits, readerOf, waysOf } from "./resume.ts";
import { loadSnapshot } from "./snapshot.ts";

/** Longest pause before a runner that failed again and again starts over. */
const PAUSE_MAX_MS = 5_000;

/**
 * Runs one processor over one partition until the signal: reads its input in order, steps through what waits, publishes one output frame
 * with the input's position in a header and its own last output as expected sequence. The log is the checkpoint: after a crash the last
 * output tells where to go on, and of two runners only one can write. A runner that was fenced, whose broker failed, or whose
 * input was replaced or cut, starts over.
 */
export async function runProcessor(options: ProcessorOptions): Promise<void> {
  const { status, signal, log, name } = options;
  let pause = 100;
  while (!signal.aborted) {
    const began = performance.now();
    try {
      await runOnce(options);
      pause = 100;
    } catch (error) {
      if (signal.aborted) break;
      if (performance.now() - began > PAUSE_MAX_MS) pause = 100; // it went well for a while
      const fenced = isFenced(error);
      status.state = "standing by";
      status.trouble = fenced ? undefined : toWeirError(error).message;
      log[fenced ? "info" : "warn"](
        { processor: name, err: error },
        fenced ? "another runner writes for this partition" : "the processor starts over",
      );
      await wait(fenced ? LIMITS.standby_ms : pause, signal);
      pause = Math.min(pause * 2, PAUSE_MAX_MS);
    }
  }
  status.state = "stopped";
}

async function runOnce(options: ProcessorOptions): Promise<void> {
  const { name, processor, partition, bus, signal, status } = options;
  const ways = waysOf(name, processor, partition);
  const identity = await streamIdentity(bus.jsm, ways.inStream);
  const of = `${options.version} ${identity.created}`;
  const last = await lastFrame(bus, ways.outStream, ways.outSubject);
  const broken = last && (await brokenOff(bus, ways.inStream, identity, last));
  const snapshot = loadSnapshot<unknown>(options.snapshots, name, partition, of);
  const run = new ProcessorRun(options, ways, { of, created: identity.created }, last);
  if (broken) {
    // what is there is worked on from its beginning: repeats are known by their ids, and nothing new is passed by
    status.notice = `${broken}; what was in it and not yet worked on is lost, and what is there is worked on from its beginning`;
    options.log.error({ processor: name, stream: ways.inStream }, status.notice);
    const totals =
      processor.reads === "valid"
        ? totalsAt(bus, ways.inStream, identity, ways.inSubjects[0]!, last.totals)
        : last.totals;
    await run.startOver(await totals);
  } else if (snapshot && (await fits(snapshot, run.done, identity.last_seq, options, ways)))
    run.takeState(snapshot.state, snapshot.input);
  else await run.rebuildState();
  const reader = readerOf(options, ways.inStream, {
    after: run.position,
    subjects: ways.inSubjects,
    created: identity.created,
  });
  const stop = (): void => void reader.close();
  signal.addEventListener("abort", stop);
  if (signal.aborted) stop(); // told while the log was asked
  try {
    status.state = "running";
    status.trouble = undefined;
    status.input = run.position;
    await run.follow(reader);
    await run.settle();
    run.save();
  } finally {
    run.stop();
    signal.removeEventListener("abort", stop);
    await reader.close();
  }
}
