import { defineCommand } from "../define/command.ts";
import { ref } from "../define/field.ts";
import { thresholdSet } from "../events/measure.ts";

export default defineCommand({
  title: "Remove a threshold",
  about: "Takes a static threshold away by its name. Alerts it raised stay. The query thresholds lists the names.",
  role: "operator",
  destructive: true,
  input: { name: ref("name of the threshold", { max: 128 }) },
  needs: ({ name }) => ({ query: "thresholds", input: { name }, missing: `no threshold has the name ${name}` }),
  decide: ({ name }, now_us) => [
    thresholdSet.of({ time: now_us, subject: name }, { name, metric: "", severity: "info", removed: "true" }),
  ],
});
