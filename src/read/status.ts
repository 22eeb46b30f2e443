import { z } from "zod";

const text = (about: string) => z.string().describe(about);
const count = (about: string) => z.number().describe(about);

/** How a running weir is doing: what `weir status`, /api/status, the tool health and the page show. */
export const STATUS = z
  .object({
    version: text("version of weir"),
    uptime_s: count("seconds since it started"),
    profile: text("safe or fast"),
    health: z
      .object({
        state: z
          .enum(["ok", "degraded", "failing"])
          .describe("ok; degraded: works, but somebody should look; failing: events are not taken or lost"),
        reasons: z.array(z.string()).describe("why it is not ok, one sentence each"),
      })
      .describe("the whole in one word"),
    broker: z
      .object({
        url: text("address without credentials"),
        version: text("version of nats-server"),
        ok: z.boolean().describe("connected"),
      })
      .describe("the broker"),
    streams: z
      .array(
        z.object({
          name: text("stream"),
          messages: count("messages it holds"),
          bytes: count("bytes it holds"),
          first_seq: count("first sequence it holds"),
          last_seq: count("last sequence"),
        }),
      )
      .describe("streams of the log"),
    processors: z
      .array(
        z.object({
          name: text("processor"),
          partition: count("partition"),
          state: text("running, standby, stopped or failed"),
          input_seq: count("last sequence it worked on"),
          head_seq: count("last sequence of its input"),
          lag_events: count("messages it is behind"),
          held_by: z
            .string()
            .nullable()
            .describe("the instance that works on the partition, as machine (process); none while it changes hands"),
        }),
      )
      .describe("processors, by partition"),
    tables: z
      .object({
        state: text("running, catching_up, stopped or failed"),
        seq: count("sequence of the log the tables stand at"),
        head_seq: count("last sequence of the log"),
        lag: count("messages the tables are behind"),
        applied: count("events applied"),
        repeated: count("repeated events dropped"),
        set_aside: count("events that could not be applied"),
        lost: z
          .array(z.object({ first_seq: count("first"), last_seq: count("last") }))
          .describe("sequences missing in the log"),
        last_commit_ms: z.number().nullable().describe("how long ago the tables last changed, in milliseconds"),
      })
      .describe("the tables"),
    archive: z
      .object({
        state: text("waiting, archiving, or failed"),
        first_seq: count("first sequence of the log that is archived, 0 where nothing is"),
        last_seq: count("last sequence of the log that is archived, 0 where nothing is"),
        segments: count("segments, two files each"),
        events: count("events archived"),
        bytes: count("bytes of its files"),
        days: count("days it has a folder for"),
        first_day: z.string().nullable().describe("day its first events were stored (UTC)"),
        last_day: z.string().nullable().describe("day its last events were stored (UTC)"),
        problem: z.string().nullable().describe("why archiving failed the last time, with what to do"),
      })
      .describe("the older part of the log, in files"),
    producers: z
      .object({
        spooled: count("events waiting on disk for the broker, payloads of hooks included"),
        hooks_waiting: count("payloads of hooks waiting on disk to be taken"),
        dropped: count("events given up at a limit"),
      })
      .describe("producers"),
    following: z
      .array(
        z.object({
          assistant: text("assistant whose transcripts are followed"),
          folders: z.array(z.string()).describe("folders they lie in"),
          state: text(
            "looking: files are searched; reading: files from before wait; following: new lines are read as they come",
          ),
          files: count("transcripts"),
          bytes: count("their size"),
          files_waiting: count("transcripts from before that wait to be read, the newest first"),
          bytes_waiting: count("their size"),
          lines: count("lines read since the start"),
          events: count("events made of them"),
          bad_lines: count("lines that hold no record"),
          unreadable: count("folders and files that cannot be read"),
          folders_watched: count("folders the system tells about"),
          folders_unwatched: count("folders that are looked at once a minute"),
        }),
      )
      .describe("transcripts that are followed; none where WEIR_FOLLOW is off"),
    watching: z
      .array(
        z.object({
          path: text("folder"),
          folders: count("folders in it that are watched"),
          files: count("files whose state is known"),
          repository: z.boolean().describe("whether it is in a git repository"),
        }),
      )
      .describe("folders whose files and git are watched; none where WEIR_WATCH is off"),
  })
  .describe("how weir is doing");

/** The value {@link STATUS} describes. */
export type Status = z.infer<typeof STATUS>;
