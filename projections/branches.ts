import { id, optional, ref, text, time } from "../src/define/field.ts";
import { defineMap } from "../src/define/projection.ts";
import { branchChanged } from "../src/events/work.ts";

export default defineMap({
  version: 1,
  about: "One row each time a git branch was made, left for another, merged, moved or removed.",
  on: [branchChanged],
  row: {
    time: time("when"),
    project: optional(text("folder of the repository")),
    branch: text("the branch, or a hash where none was checked out"),
    action: text("created, switched, merged, moved or removed"),
    from_branch: optional(text("branch that was left, or merged into this one")),
    sha: optional(ref("hash it points to now, or pointed to last")),
    event_id: id("the event"),
  },
  map: (event) => {
    const data = event.data as { branch: string; action: string; from_branch?: string; sha?: string };
    const { branch, action, from_branch, sha } = data;
    return [{ time: event.time, project: event.project, branch, action, from_branch, sha, event_id: event.id }];
  },
});
