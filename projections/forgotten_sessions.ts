import { id, optional, ref, text, time } from "../src/define/field.ts";
import { defineMap } from "../src/define/projection.ts";
import { sessionForgotten } from "../src/events/session.ts";

/** The tables read it when they are opened: of these sessions they show nothing private. */
export default defineMap({
  version: 1,
  about: "One row an order to forget a session.",
  on: [sessionForgotten],
  row: {
    event_id: id("event"),
    session: ref("session that is forgotten", { max: 128 }),
    time: time("when it was ordered"),
    actor: optional(text("who ordered it")),
    reason: optional(text("why")),
  },
  map: (event) => {
    const { forgotten, reason } = event.data as { forgotten: string; reason?: string };
    return [{ event_id: event.id, session: forgotten, time: event.time, actor: event.actor, reason }];
  },
});
