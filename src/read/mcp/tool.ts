import type { CallToolResult, StandardSchemaWithJSON } from "@modelcontextprotocol/server";
import { toWeirError } from "../../base/errors.ts";
import { serve } from "../../base/telemetry.ts";
import type { JsonSchema } from "../schema.ts";
import { cleanText } from "./compact.ts";

/** Characters of an error's text. */
const ERROR_CHARS_MAX = 1_000;

/** A JSON Schema as the SDK takes it. It only describes: `parseInput` checks, and names every fault at once. */
export function described(schema: JsonSchema): StandardSchemaWithJSON<unknown, Record<string, unknown>> {
  const asJson = (): Record<string, unknown> => ({ ...schema });
  return {
    "~standard": {
      version: 1,
      vendor: "weir",
      validate: (value) => ({ value: (value ?? {}) as Record<string, unknown> }),
      jsonSchema: { input: asJson, output: asJson },
    },
  };
}

/** A result whose text and structure say the same. */
export const result = (value: Record<string, unknown>): CallToolResult => ({
  content: [{ type: "text", text: JSON.stringify(value) }],
  structuredContent: value,
});

/** A failure as the assistant is told it: code, what happened, what to do. */
export const failed = (thrown: unknown): CallToolResult => {
  const error = toWeirError(thrown);
  const line =
    error.code === "internal"
      ? "error: internal: something went wrong inside weir (weir's log tells what)"
      : error.line();
  return { content: [{ type: "text", text: cleanText(line, ERROR_CHARS_MAX - 40) }], isError: true };
};

/** A call of a tool: its name, and what the caller sent beside the arguments. */
interface Call {
  readonly tool: string;
  readonly meta: Readonly<Record<string, unknown>> | undefined;
}

/** The result of a call, failures included, within a span of it; bugs are reported. The caller's `_meta.traceparent` is the span's parent. */
export function attempt(
  report: ((error: unknown, where: string) => void) | undefined,
  { tool, meta }: Call,
  work: () => Promise<Record<string, unknown>>,
): Promise<CallToolResult> {
  const attributes = {
    "mcp.method.name": "tools/call",
    "gen_ai.tool.name": tool,
    "gen_ai.operation.name": "execute_tool",
  };
  const from = typeof meta?.traceparent === "string" ? meta.traceparent : undefined;
  return serve({ what: "mcp", name: `tools/call ${tool}`, attributes, from }, async (add) => {
    try {
      return result(await work());
    } catch (error) {
      const { code } = toWeirError(error);
      add({ "error.type": code }, true);
      if (code === "internal") report?.(error, "mcp");
      return failed(error);
    }
  });
}
