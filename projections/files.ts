import { defineFold } from "../src/define/projection.ts";
import { id, int, optional, ref, text, time } from "../src/define/field.ts";
import { fileChanged } from "../src/events/work.ts";

export default defineFold({
  version: 1,
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
    event_id: id("event"),
  },
  keyOf: (event) => event.fact ?? event.id,
  fold: (row, event) => {
    if (row) return row;
    const data = event.data as { path: string; action: string; call_id?: string; lines_added?: number; lines_removed?: number; from_path?: string };
    return {
      change: event.fact ?? event.id,
      path: data.path,
      action: data.action,
      time: event.time,
      session: event.session,
      project: event.project,
      call: data.call_id,
      lines_added: data.lines_added,
      lines_removed: data.lines_removed,
      from_path: data.from_path,
      event_id: event.id,
    };
  },
});
