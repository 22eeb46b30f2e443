/** OTLP/JSON as Claude Code and others write it, for tests. */
type Values = Readonly<Record<string, unknown>>;

const anyValue = (value: unknown): unknown =>
  typeof value === "string"
    ? { stringValue: value }
    : typeof value === "boolean"
      ? { boolValue: value }
      : Number.isInteger(value)
        ? { intValue: value }
        : typeof value === "number"
          ? { doubleValue: value }
          : value;

export const attributes = (values: Values): unknown[] =>
  Object.entries(values).map(([key, value]) => ({ key, value: anyValue(value) }));

const nanos = (us: number): string => `${us}000`;
const CLAUDE = { "service.name": "claude-code", "service.version": "2.1.220" };

export const logsRequest = (
  records: readonly { us: number; name?: string; attributes: Values; body?: string }[],
  { resource = CLAUDE as Values, scope = "com.anthropic.claude_code.events" } = {},
) => ({
  resourceLogs: [
    {
      resource: { attributes: attributes(resource) },
      scopeLogs: [
        {
          scope: { name: scope },
          logRecords: records.map((r) => ({
            timeUnixNano: nanos(r.us),
            body: { stringValue: r.body ?? `claude_code.${r.name}` },
            attributes: attributes({ ...(r.name ? { "event.name": r.name } : {}), ...r.attributes }),
          })),
        },
      ],
    },
  ],
});

export const spansRequest = (
  spans: readonly {
    id: string;
    name: string;
    us: number;
    ms: number;
    attributes: Values;
    kind?: number;
    parent?: string;
  }[],
  { resource = { "service.name": "agent" } as Values, scope = "" } = {},
) => ({
  resourceSpans: [
    {
      resource: { attributes: attributes(resource) },
      scopeSpans: [
        {
          scope: { name: scope },
          spans: spans.map((s) => ({
            traceId: "0af7651916cd43dd8448eb211c80319c",
            spanId: s.id,
            parentSpanId: s.parent ?? "",
            name: s.name,
            kind: s.kind ?? 1,
            startTimeUnixNano: nanos(s.us),
            endTimeUnixNano: nanos(s.us + s.ms * 1_000),
            attributes: attributes(s.attributes),
          })),
        },
      ],
    },
  ],
});

export const sumRequest = (
  name: string,
  points: readonly { us: number; start: number; value: number; attributes?: Values }[],
  temporality: 1 | 2,
  resource: Values = { "service.name": "shop" },
) => ({
  resourceMetrics: [
    {
      resource: { attributes: attributes(resource) },
      scopeMetrics: [
        {
          scope: { name: "meter" },
          metrics: [
            {
              name,
              unit: "1",
              sum: {
                aggregationTemporality: temporality,
                isMonotonic: true,
                dataPoints: points.map((p) => ({
                  startTimeUnixNano: nanos(p.start),
                  timeUnixNano: nanos(p.us),
                  asInt: String(p.value),
                  attributes: attributes(p.attributes ?? {}),
                })),
              },
            },
          ],
        },
      ],
    },
  ],
});
