import type { Context, Hono } from "hono";
import { WeirError } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import type { ReadContext } from "../context.ts";
import { toCsv } from "../csv.ts";
import { argumentsOf } from "./arguments.ts";
import { readJson } from "./body.ts";

/** Who gives an order over HTTP, as the audit shows it. */
const actorOf = (c: Context): string => {
  const said = (c.req.header("weir-actor") ?? "").replace(/[^\x20-\x7e]/g, "").slice(0, 100);
  return said === "" ? "http" : said;
};

/** The routes below /api/. */
export function addApiRoutes(app: Hono, ctx: ReadContext): void {
  app.get("/api/query/:name", async (c) =>
    c.json(await ctx.ask(c.req.param("name"), argumentsOf(c), { signal: c.req.raw.signal })),
  );
  app.post("/api/command/:name", async (c) =>
    c.json(await ctx.order(c.req.param("name"), await readJson(c), actorOf(c))),
  );
  app.get("/api/events", async (c) => c.json(await ctx.ask("search", argumentsOf(c), { signal: c.req.raw.signal })));
  app.get("/api/status", async (c) => c.json(await ctx.status()));
  app.post("/api/sql", async (c) => {
    const { query, format } = sqlInput(await readJson(c));
    const answer = await ctx.sql(query, { signal: c.req.raw.signal });
    if (format === "json") return c.json(answer);
    if (answer.truncated) c.header("Weir-Truncated", "true");
    return c.body(toCsv(answer), 200, { "Content-Type": "text/csv; charset=utf-8" });
  });
}

function sqlInput(body: unknown): { query: string; format: "json" | "csv" } {
  const { query, format, ...rest } = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
  const hint = 'send {"query": "select …", "format": "json"}';
  if (typeof query !== "string" || query.trim() === "") throw new WeirError("bad_input", "query is missing", { hint });
  if (query.length > LIMITS.sql_chars_max)
    throw new WeirError("bad_input", `query is longer than ${LIMITS.sql_chars_max} characters`);
  if (format !== undefined && format !== "json" && format !== "csv")
    throw new WeirError("bad_input", "format is not json or csv", { hint });
  if (Object.keys(rest).length > 0)
    throw new WeirError("bad_input", `${Object.keys(rest)[0]!.slice(0, 60)} is no argument`, { hint });
  return { query, format: format ?? "json" };
}
