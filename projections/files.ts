import { id, int, optional, ref, text, time } from "../src/define/field.ts";
import { defineFold } from "../src/define/projection.ts";
import { larger, smallest } from "../src/events/merge.ts";
import { fileChanged } from "../src/events/work.ts";

export default defineFold({
  version: 2,
  about: "One row each time a file was read, made, changed or removed.",
  on: [fileChanged],
  key: "change",
  row: {
    change: ref("key of the change"),
    path: text("path"),
    action: text("read, created, changed, removed or renamed"),
    time: time("when"),
    session: optional(ref("session")),
    project: optional(text("folder of the project")),
    call: optional(ref("tool call that did it")),
    lines_added: optional(int("lines added", { unit: "line" })),
    lines_removed: optional(int("lines removed", { unit: "line" })),
    from_path: optional(text("path before a rename")),
    files: optional(int("files it stands for, where many changed at once and path is their folder")),
    source: text("how weir learned of it: transcript, watch, …"),
    event_id: id("first event about it"),
  },
  keyOf: (event) => event.fact ?? event.id,
  fold: (row, event) => {
    const data = event.data as {
      path: string;
      action: string;
      call_id?: string;
      lines_added?: number;
      lines_removed?: number;
      from_path?: string;
      files?: number;
    };
    return {
      change: row?.change ?? event.fact ?? event.id,
      path: larger(row?.path, data.path)!,
      action: larger(row?.action, data.action)!,
      time: smallest(row?.time, event.time)!,
      session: larger(row?.session, event.session),
      project: larger(row?.project, event.project),
      call: larger(row?.call, data.call_id),
      lines_added: larger(row?.lines_added, data.lines_added),
      lines_removed: larger(row?.lines_removed, data.lines_removed),
      from_path: larger(row?.from_path, data.from_path),
      files: larger(row?.files, data.files),
      source: smallest(row?.source, event.via ?? "api")!,
      event_id: row?.event_id ?? event.id,
    };
  },
});
