import { bool, optional, text, time } from "../src/define/field.ts";
import { defineFold } from "../src/define/projection.ts";
import { watchSet } from "../src/events/work.ts";

export default defineFold({
  version: 1,
  about: "One row a folder that was put under watch or taken out of it by name; projects in use are watched without.",
  on: [watchSet],
  key: "path",
  row: {
    path: text("the folder"),
    watched: bool("whether it is watched"),
    set_at: time("when that was said"),
    set_by: optional(text("by whom")),
  },
  keyOf: (event) => (event.data as { path: string }).path,
  fold: (row, event) => {
    if (row && row.set_at > event.time) return row;
    const { path, watched } = event.data as { path: string; watched: boolean };
    return { path, watched, set_at: event.time, set_by: event.actor };
  },
});
