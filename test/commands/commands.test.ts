import { homedir } from "node:os";
import { describe, expect, it } from "vitest";
import { newId } from "../../src/base/id.ts";
import { LIMITS } from "../../src/base/limits.ts";
import { loadDefinitions } from "../../src/engine/load.ts";
import { checkEvent } from "../../src/events/check.ts";
import { checkNeeds, decideOrder } from "../../src/read/order.ts";
import { ROOT } from "../support/filled-store.ts";

const NOW_US = Date.UTC(2026, 10, 20, 12) * 1_000;
const { commands, queries } = await loadDefinitions(ROOT);
const order = (name: string, input: unknown) => decideOrder(commands, name, input, { actor: "ada", now_us: NOW_US });

/** What the runner adds to a draft. */
const complete = (draft: object) => ({ id: newId(NOW_US), source: "weir://test", v: 1, ...draft });

describe("commands", () => {
  it("do not share a name with a query", () => {
    expect([...commands.keys()].filter((name) => queries.has(name))).toEqual([]);
  });
  it.each([
    [
      "set_threshold",
      { name: "slow", metric: "tool.duration", above: "5000", labels: { "gen_ai.tool.name": "Bash" } },
      { severity: "warning", above: 5_000, labels: '{"gen_ai.tool.name":"Bash"}' },
    ],
    ["remove_threshold", { name: "slow" }, { name: "slow", removed: "true" }],
    ["acknowledge_alert", { id: "alert-1", note: "mine" }, { alert: "alert-1", note: "mine" }],
    ["resolve_alert", { id: "alert-1" }, { alert: "alert-1", how: "order" }],
    ["publish", { type: "metric.measured", data: '{"name":"x","value":1}', session: "s" }, { name: "x", value: 1 }],
  ])("%s leads to one valid event with actor and time", (name, input, data) => {
    const drafts = order(name, input);
    expect(drafts).toHaveLength(1);
    expect(drafts[0]).toMatchObject({ actor: "ada", time: NOW_US, data });
    expect(checkEvent(complete(drafts[0]!) as never)).toBeUndefined();
  });
  it.each([
    ["set_threshold", { name: "slow", metric: "tool.duration" }, /needs a limit/],
    ["add_watch", { path: homedir() }, /everything of a user/],
    ["set_threshold", { name: "slow", metric: "tool.duration", above: 1, below: 2 }, /every value/],
    ["set_threshold", { name: "slow", metric: "tool.duration", above: 1, labels: "[1]" }, /JSON object of texts/],
    ["set_threshold", { metric: "tool.duration", above: 1 }, /name is missing/],
    ["publish", { type: "metric.measurd" }, /did you mean metric.measured/],
    [
      "publish",
      { type: "metric.measured", data: '{"name":"x","valu":1}' },
      /data.valu is no argument \(did you mean value\?\); data.value is missing/,
    ],
    ["publish", { type: "metric.measured", data: "[1]" }, /no JSON object/],
    ["publish", { type: "session.ended", time: "2099-01-01" }, /s ahead of the broker's clock/],
    ["publish", { type: "session.ended", time: "1985-01-01" }, /decades in the past/],
    ["publish", { type: "session.ended", id: "ffff0000-0000-7000-8000-000000000003" }, /the time in the id is ahead/],
    ["acknowledge_alert", {}, /id is missing/],
    ["resolve_alerts", {}, /did you mean resolve_alert/],
  ])("%s refuses %j", (name, input, message) => {
    expect(() => order(name, input)).toThrow(message);
  });
  it("set_threshold is refused where too many are set, unless it changes one", async () => {
    const held = Array.from({ length: LIMITS.thresholds_max }, (_, k) => [`t${k}`]);
    const ask = (rows: unknown[][]) => async () => ({ columns: [{ name: "name", type: "VARCHAR" }], rows }) as never;
    const set = (name: string, rows: unknown[][]) =>
      checkNeeds(commands, "set_threshold", { name, metric: "load", above: 1 }, { ask: ask(rows), now_us: NOW_US });
    await expect(set("one more", held)).rejects.toThrow(/thresholds are set already/);
    await expect(set("t5", held)).resolves.toBeUndefined();
    await expect(set("one more", held.slice(1))).resolves.toBeUndefined();
  });
  it("publish reads nested JSON, bytes and times of the type's fields", () => {
    const [called] = order("publish", {
      type: "tool.called",
      data: { tool: "Bash", input: { command: "ls" } },
      time: "1h",
    });
    expect(called).toMatchObject({
      via: "api",
      time: NOW_US - 3_600_000_000,
      data: { tool: "Bash", input: '{"command":"ls"}' },
    });
  });
});
