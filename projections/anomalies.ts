import { float, id, optional, ref, text, time } from "../src/define/field.ts";
import { defineMap } from "../src/define/projection.ts";
import { anomalyDetected } from "../src/events/measure.ts";

export default defineMap({
  version: 1,
  about: "One row a value that left what was expected of its series.",
  on: [anomalyDetected],
  row: {
    event_id: id("event"),
    series: text("series"),
    time: time("when the value was seen"),
    kind: text("high or low"),
    severity: text("info, warning or critical"),
    score: float("robust standard deviations away"),
    value: float("the value"),
    expected_low: float("lower end of what was expected"),
    expected_high: float("upper end of what was expected"),
    method: text("how it was found"),
    session: optional(ref("session")),
    cause: optional(id("event that carried the value")),
  },
  map: (event) => {
    const data = event.data as {
      series: string;
      kind: string;
      severity: string;
      score: number;
      value: number;
      expected_low: number;
      expected_high: number;
      method: string;
    };
    return [{ event_id: event.id, time: event.time, session: event.session, cause: event.cause, ...pick(data) }];
  },
});

const pick = <D extends Readonly<Record<string, unknown>>>(d: D) => ({
  series: d.series as string,
  kind: d.kind as string,
  severity: d.severity as string,
  score: d.score as number,
  value: d.value as number,
  expected_low: d.expected_low as number,
  expected_high: d.expected_high as number,
  method: d.method as string,
});
