import { isAbsolute } from "node:path";
import { WeirError } from "../base/errors.ts";
import { defineCommand } from "../define/command.ts";
import { text } from "../define/field.ts";
import { watchSet } from "../events/work.ts";

export default defineCommand({
  title: "Stop watching a folder",
  about:
    "Takes a folder out of watch with all below it, also where it is a project in use or lies in one; what was recorded of it stays. add_watch takes it back. A folder that is not watched does no harm.",
  role: "operator",
  destructive: true,
  input: { path: text("the folder, from the root of the file system", { max: 1024 }) },
  decide: ({ path }, now_us) => {
    if (!isAbsolute(path)) throw new WeirError("bad_input", `${path} does not begin at the root of the file system`);
    return [watchSet.of({ time: now_us, subject: path.slice(0, 512) }, { path, watched: false })];
  },
});
