import { id, int, optional, ref, text, time } from "../src/define/field.ts";
import { defineFold } from "../src/define/projection.ts";
import { larger, smallest } from "../src/events/merge.ts";
import { commitCreated } from "../src/events/work.ts";

export default defineFold({
  version: 1,
  about: "One row a git commit.",
  on: [commitCreated],
  key: "commit",
  row: {
    commit: ref("key of the commit"),
    sha: ref("hash"),
    time: time("when it was made"),
    session: optional(ref("session that made it")),
    call: optional(ref("tool call that made it")),
    project: optional(text("folder of the project")),
    branch: optional(text("git branch")),
    kind: optional(text("committed, amended, merged, or another word")),
    message: optional(text("first line of its message", { private: true })),
    author: optional(text("who made it", { private: true })),
    files: optional(int("files it changed")),
    pull_request: optional(int("number of the pull request it belongs to")),
    event_id: id("first event about it"),
  },
  keyOf: (event) => event.fact ?? event.id,
  fold: (row, event) => {
    const data = event.data as {
      sha: string;
      kind?: string;
      message?: string;
      author?: string;
      files?: number;
      call_id?: string;
      pull_request?: number;
    };
    return {
      commit: row?.commit ?? event.fact ?? event.id,
      sha:
        row && row.sha.length > data.sha.length
          ? row.sha
          : row && row.sha.length === data.sha.length
            ? larger(row.sha, data.sha)
            : data.sha,
      time: smallest(row?.time, event.time)!,
      session: larger(row?.session, event.session),
      call: larger(row?.call, data.call_id),
      project: larger(row?.project, event.project),
      branch: larger(row?.branch, event.branch),
      kind: larger(row?.kind, data.kind),
      message: larger(row?.message, data.message),
      author: larger(row?.author, data.author),
      files: larger(row?.files, data.files),
      pull_request: larger(row?.pull_request, data.pull_request),
      event_id: row?.event_id ?? event.id,
    };
  },
});
