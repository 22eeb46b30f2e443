import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newId } from "../src/base/id.ts";
import { loadProjections } from "../src/engine/load.ts";
import { checkpointWhenLarge, openStore } from "../src/store/open.ts";
import { Rows } from "../src/store/rows.ts";
import { columnsOf, makeTables } from "../src/store/tables.ts";
import { toolCall } from "./events.ts";
import { remove } from "./instance.ts";

/** Events a second at which DuckDB's appender alone writes the rows of tool-call events into `events` and `tool_calls`, same commits and settings. */
export async function appenderFloor(count: number, commit: number): Promise<number> {
  const dir = mkdtempSync(join(tmpdir(), "weir-floor-"));
  const projections = await loadProjections(new URL("..", import.meta.url).pathname);
  const store = await openStore(join(dir, "floor.duckdb"), {
    memoryMb: 160,
    threads: Number(process.env.WEIR_STORE_THREADS ?? 1),
  });
  await makeTables(store.writer, projections);
  const eventColumns = columnsOf(projections.get("events") as never);
  const callColumns = columnsOf(projections.get("tool_calls") as never);
  const events = new Rows("events", eventColumns);
  const calls = new Rows("tool_calls", callColumns);
  let spent = 0;
  for (let at = 0; at < count; at += commit) {
    const rows = Array.from({ length: commit }, (_, k) => rowsOf(at + k));
    const values = (columns: typeof eventColumns, of: 0 | 1) =>
      columns.map((column) => rows.map((pair) => pair[of][column.name]));
    const [e, c] = [values(eventColumns, 0), values(callColumns, 1)];
    const started = performance.now();
    await store.writer.run("begin");
    for (const [rows, values] of [
      [events, e],
      [calls, c],
    ] as const) {
      rows.lanes.forEach((lane, k) => {
        for (const value of values[k]!) lane.push(value);
      });
      await rows.append(store.writer);
    }
    await store.writer.run("commit");
    await checkpointWhenLarge(store);
    spent += performance.now() - started;
  }
  const started = performance.now();
  await store.close();
  remove(dir);
  return count / ((spent + performance.now() - started) / 1_000);
}

function rowsOf(i: number): [Record<string, unknown>, Record<string, unknown>] {
  const draft = toolCall(i, "a1e2");
  const data = draft.data as Record<string, unknown>;
  const time = 1_760_000_000_000_000 + i * 20;
  const id = newId(time);
  const call = `tool:${data.call_id}`;
  const seq = Math.floor(i / 1_000);
  return [
    {
      id,
      source: "claude-code://host",
      time,
      subject: draft.subject,
      session: draft.session,
      via: "sdk",
      producer: "bench",
      epoch: 1,
      n: i + 1,
      fact: call,
      project: draft.project,
      assistant: draft.assistant,
      type: draft.type,
      v: 1,
      data: JSON.stringify(data),
      stream_seq: seq,
    },
    {
      call,
      session: draft.session,
      time,
      tool: data.tool,
      duration_ms: data.duration_ms,
      success: data.success,
      status: data.success ? "done" : "failed",
      project: draft.project,
      assistant: draft.assistant,
      input: data.input,
      output_bytes: data.output_bytes,
      file_path: data.file_path,
      event_id: id,
      sources: "sdk",
      first_seq: seq,
    },
  ];
}
