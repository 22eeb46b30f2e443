import { id, int, optional, ref, text, time } from "../src/define/field.ts";
import { defineFold } from "../src/define/projection.ts";
import { larger, smallest } from "../src/events/merge.ts";
import { pullRequestLinked } from "../src/events/work.ts";

export default defineFold({
  version: 1,
  about: "One row a session and pull request it made or did something with.",
  on: [pullRequestLinked],
  key: "link",
  row: {
    link: ref("key of session and pull request"),
    time: time("when the session was first linked to it"),
    number: int("number of the pull request"),
    repository: optional(text("repository it is in, with its owner")),
    url: optional(text("its page")),
    action: optional(text("what the session did with it, making it before all else, commenting on it last")),
    session: optional(ref("the session")),
    call: optional(ref("tool call that did it")),
    project: optional(text("folder of the project")),
    branch: optional(text("git branch the session was on")),
    event_id: id("first event about it"),
  },
  keyOf: (event) => event.fact ?? event.id,
  fold: (row, event) => {
    const data = event.data as {
      number: number;
      repository?: string;
      url?: string;
      action?: string;
      call_id?: string;
    };
    return {
      link: row?.link ?? event.fact ?? event.id,
      time: smallest(row?.time, event.time)!,
      number: row?.number ?? data.number,
      repository: larger(row?.repository, data.repository),
      url: larger(row?.url, data.url),
      action: weightier(row?.action, data.action),
      session: larger(row?.session, event.session),
      call: larger(row?.call, data.call_id),
      project: larger(row?.project, event.project),
      branch: larger(row?.branch, event.branch),
      event_id: row?.event_id ?? event.id,
    };
  },
});

/** A pull request that a session made is its own, whatever else it did with it; one that it only commented on may be anybody's. */
function weightier(a: string | undefined, b: string | undefined): string | undefined {
  const weight = (action: string | undefined): number =>
    action === "created" ? 3 : action === "commented" ? 1 : action === undefined || action === null ? 0 : 2;
  return weight(a) === weight(b) ? larger(a, b) : weight(a) > weight(b) ? a : b;
}
