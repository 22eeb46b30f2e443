import { WeirError } from "../../base/errors.ts";
import { list, optional, text, time } from "../../define/field.ts";
import { defineQuery } from "../../define/query.ts";
import { ALWAYS, type Condition, equals, period, rows, rowsOf, spanning, statement, within } from "../statement.ts";
import { addedUsage, USAGE_SUMS, usageSums } from "../usage-sums.ts";

const BY = ["day", "hour", "model", "project", "assistant", "total"];

/** What to group by, checked. */
function groups(by: readonly string[] | undefined): readonly string[] {
  const asked = [...new Set(by ?? ["day"])];
  const wrong = asked.filter((name) => !BY.includes(name));
  if (wrong.length > 0)
    throw new WeirError("bad_input", `by=${wrong.join(",").slice(0, 60)} is not one of ${BY.join(", ")}`, {
      hint: "for example by=day,model",
    });
  return asked;
}

export default defineQuery({
  title: "Tokens and cost",
  about:
    "Tokens and cost of model calls over time, by any mix of day, hour, model, project and assistant (`by`, for example day,model; `total` gives one row for the whole period). Each model answer counts once, however many sources reported it. input_tokens are those without cached ones. cost_usd is the list price at the time of the call; calls of models without a known price are counted in unpriced_calls and not in cost_usd. Days and hours are UTC.",
  input: {
    by: optional(
      list("what to group by: day, hour, model, project, assistant, or total; day where absent", { max: 5 }),
    ),
    ...period(ALWAYS),
    model: optional(text("only this model")),
    project: optional(text("only this project's folder")),
    assistant: optional(text("only this assistant")),
    limit: rows(500),
  },
  row: {
    time: optional(time("start of the day or hour, where grouped by it")),
    model: optional(text("model, where grouped by it")),
    project: optional(text("folder of the project, where grouped by it")),
    assistant: optional(text("assistant, where grouped by it")),
    ...usageSums,
  },
  sql: (input) => {
    const by = groups(input.by);
    const timed = by.includes("hour") ? "time" : by.includes("day") ? "date_trunc('day', time)" : undefined;
    const key = (name: string): string => (by.includes(name) ? name : `null::varchar as ${name}`);
    const grouped = [
      ...(timed ? [timed] : []),
      ...["model", "project", "assistant"].filter((name) => by.includes(name)),
    ];
    const span = by.includes("hour")
      ? hourly(input)
      : spanning("usage", ["model", "project", "assistant", ...USAGE_SUMS], input, ALWAYS);
    return statement(
      [
        equals("model", "model", input.model),
        equals("project", "project", input.project),
        equals("assistant", "assistant", input.assistant),
      ],
      (
        where,
      ) => `select ${timed ? `${timed} as time` : "null::timestamp as time"}, ${key("model")}, ${key("project")}, ${key("assistant")},
  ${addedUsage}
from (${span.sql}) where ${where} ${grouped.length > 0 ? `group by ${grouped.join(", ")}` : "having count(*) > 0"}
order by ${timed ? `${timed} desc, ` : ""}cost_usd desc, calls desc limit $rows`,
      { ...span.values, rows: rowsOf(input.limit, 500) },
    );
  },
});

/** Hours of the period; the one it begins in counts whole. */
function hourly(input: { since?: number; until?: number }): Condition {
  const { sql, values } = within("time", input, ALWAYS, "hour");
  return { sql: `select * from usage_hourly where ${sql}`, values };
}
