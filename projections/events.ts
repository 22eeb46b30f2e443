import { ENVELOPE } from "../src/define/event.ts";
import { int, json, text } from "../src/define/field.ts";
import { defineMap } from "../src/define/projection.ts";

/** Every event, as it stands in the log. `engine/apply` fills it column by column; `map` says the same for one event. */
export default defineMap({
  version: 1,
  about: "Every event once: its envelope, and its data as JSON.",
  on: "all",
  row: {
    ...ENVELOPE,
    type: text("type of the event", { max: 128 }),
    v: int("version of the type"),
    data: json("the type's own data as a JSON object", { private: true }),
    stream_seq: int("sequence of its frame in the log"),
  },
  map: (event, { stream_seq }) => {
    const { type, v, data, ...envelope } = event;
    return [{ ...envelope, type, v, data: JSON.stringify(data), stream_seq }];
  },
});
