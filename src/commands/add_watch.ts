import { isAbsolute, resolve } from "node:path";
import { WeirError } from "../base/errors.ts";
import { isProject } from "../base/folder.ts";
import { defineCommand } from "../define/command.ts";
import { text } from "../define/field.ts";
import { watchSet } from "../events/work.ts";

export default defineCommand({
  title: "Watch a folder",
  about:
    "Puts a folder under watch: from then on files in it that are made, changed, renamed or removed are recorded, and commits and branches of the git repository it is in. Projects in which sessions run are watched without this. The whole disk or everything of a user is not watched. The query watches lists what is watched.",
  role: "operator",
  input: { path: text("the folder, from the root of the file system", { max: 1024 }) },
  decide: ({ path }, now_us) => {
    if (!isAbsolute(path)) throw new WeirError("bad_input", `${path} does not begin at the root of the file system`);
    if (!isProject(resolve(path)))
      throw new WeirError("bad_input", `${path} is the whole disk, everything of a user, or a folder of the system`, {
        hint: "name a folder in it",
      });
    return [watchSet.of({ time: now_us, subject: path.slice(0, 512) }, { path, watched: true })];
  },
});
