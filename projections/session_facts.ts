import type { EventDefinition } from "../src/define/event.ts";
import { optional, ref, type ShapeOf, text, time } from "../src/define/field.ts";
import { defineFold } from "../src/define/projection.ts";
import { CATALOG } from "../src/events/catalog.ts";

const ROW = {
  session: ref("session", { max: 128 }),
  started_at: time("first event"),
  last_event_at: time("last event"),
  ended_at: optional(time("when it ended, where that was told")),
  end_reason: optional(text("why it ended")),
  assistant: optional(text("assistant that ran it, the first one told")),
  assistant_version: optional(text("its version")),
  project: optional(text("folder of the project, the first one told")),
  branch: optional(text("git branch, the last one")),
  model: optional(text("model, the last one")),
  title: optional(text("title", { private: true })),
  parent: optional(ref("session it was resumed or forked from")),
  entrypoint: optional(text("how the assistant was called")),
  assistant_at: optional(time("when the assistant was first told")),
  project_at: optional(time("when the project was first told")),
  branch_at: optional(time("when the branch was last seen")),
  model_at: optional(time("when the model was last seen")),
  title_at: optional(time("when the title was given")),
};

export default defineFold({
  version: 2,
  about: "What is known of a session itself; `sessions` adds its counts.",
  on: CATALOG as unknown as readonly EventDefinition[],
  key: "session",
  row: ROW,
  keyOf: (event) => event.session,
  open: () => true,
  fold: (row, event, own) => {
    const data = event.data as Readonly<Record<string, string | undefined>>;
    const { time, branch, project, assistant } = event;
    const old = row ?? { session: event.session!, started_at: time, last_event_at: time };
    const started = event.type === "session.started";
    const model = started || (event.type === "model.called" && !data.agent) ? data.model : undefined;
    const title = event.type === "session.titled" ? data.title : undefined;
    const ended =
      event.type === "session.ended" &&
      later(time, data.reason ?? "", old.ended_at, old.end_reason ?? (old.ended_at === undefined ? undefined : ""));
    if (row && time >= row.started_at && !started && !ended && title === undefined) {
      // the common case: nothing new but the time
      const known =
        !earlier(time, assistant, row.assistant_at, row.assistant) &&
        !earlier(time, project, row.project_at, row.project) &&
        (branch === undefined || branch === row.branch) &&
        (model === undefined || model === row.model);
      if (known) {
        const last_event_at = Math.max(row.last_event_at, time);
        const branch_at = later(time, branch, row.branch_at, undefined) ? time : row.branch_at;
        const model_at = later(time, model, row.model_at, undefined) ? time : row.model_at;
        const same = last_event_at === row.last_event_at && branch_at === row.branch_at && model_at === row.model_at;
        if (same) return row;
        return own
          ? Object.assign(row, { last_event_at, branch_at, model_at })
          : moved(row, last_event_at, branch_at, model_at);
      }
    }
    const ofAssistant = earlier(time, assistant, old.assistant_at, old.assistant);
    const ofProject = earlier(time, project, old.project_at, old.project);
    return {
      ...old,
      started_at: Math.min(old.started_at, time),
      last_event_at: Math.max(old.last_event_at, time),
      ended_at: ended ? time : old.ended_at,
      end_reason: ended ? data.reason : old.end_reason,
      assistant: ofAssistant ? assistant : old.assistant,
      assistant_at: ofAssistant ? time : old.assistant_at,
      assistant_version: started ? larger(data.assistant_version, old.assistant_version) : old.assistant_version,
      project: ofProject ? project : old.project,
      project_at: ofProject ? time : old.project_at,
      branch: later(time, branch, old.branch_at, old.branch) ? branch : old.branch,
      branch_at: later(time, branch, old.branch_at, old.branch) ? time : old.branch_at,
      model: later(time, model, old.model_at, old.model) ? model : old.model,
      model_at: later(time, model, old.model_at, old.model) ? time : old.model_at,
      title: later(time, title, old.title_at, old.title) ? title : old.title,
      title_at: later(time, title, old.title_at, old.title) ? time : old.title_at,
      parent: started ? larger(data.parent, old.parent) : old.parent,
      entrypoint: started ? larger(data.entrypoint, old.entrypoint) : old.entrypoint,
    };
  },
});

type Facts = ShapeOf<typeof ROW>;

/** The row at a later time; written out, because it is made for almost every event. */
const moved = (
  row: Facts,
  last_event_at: number,
  branch_at: number | undefined,
  model_at: number | undefined,
): Facts => ({
  session: row.session,
  started_at: row.started_at,
  last_event_at,
  ended_at: row.ended_at,
  end_reason: row.end_reason,
  assistant: row.assistant,
  assistant_version: row.assistant_version,
  project: row.project,
  branch: row.branch,
  model: row.model,
  title: row.title,
  parent: row.parent,
  entrypoint: row.entrypoint,
  assistant_at: row.assistant_at,
  project_at: row.project_at,
  branch_at,
  model_at,
  title_at: row.title_at,
});

/** Whether a value takes the place of the one held: it is newer, or of two of one moment the larger, so that order does not matter. */
const later = (time: number, value: string | undefined, at: number | undefined, held: string | undefined): boolean =>
  value !== undefined && (at === undefined || time > at || (time === at && value > (held ?? "")));
/** The same for what is told first: it is older, or of two of one moment the smaller. */
const earlier = (time: number, value: string | undefined, at: number | undefined, held: string | undefined): boolean =>
  value !== undefined && (at === undefined || time < at || (time === at && value < (held ?? "")));
const larger = (a: string | undefined, b: string | undefined): string | undefined =>
  a === undefined ? b : b === undefined || a > b ? a : b;
