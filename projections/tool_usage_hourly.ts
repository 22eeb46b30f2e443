import { text } from "../src/define/field.ts";
import { defineRollup, shareKeys } from "../src/define/projection.ts";

const HOUR = 3_600_000_000;
const keys = shareKeys();

export default defineRollup({
  version: 1,
  about: "Calls of tools by hour, tool, MCP server and project, with quantiles of their durations in milliseconds.",
  key: { tool: text("tool"), mcp_server: text("MCP server"), project: text("folder of the project") },
  sums: {
    calls: { about: "calls", scale: 1 },
    errors: { about: "calls that failed", scale: 1 },
    denied: { about: "calls that were refused", scale: 1 },
    input_bytes: { about: "size of the inputs", scale: 1, unit: "byte" },
    output_bytes: { about: "size of the outputs", scale: 1, unit: "byte" },
  },
  sketch: true,
  bucket_us: HOUR,
  coarser: { tool_usage_daily: 24 * HOUR },
  of: {
    tool_calls: (row) => [
      {
        time: row.time as number,
        key: keys(row.tool as string, row.mcp_server as string | undefined, row.project as string | undefined),
        add: [
          1,
          row.status === "failed" ? 1 : 0,
          row.status === "denied" ? 1 : 0,
          (row.input_bytes as number | undefined) ?? 0,
          (row.output_bytes as number | undefined) ?? 0,
        ],
        value: (row.duration_ms as number | null | undefined) ?? undefined,
      },
    ],
  },
});
