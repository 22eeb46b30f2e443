import type { Context } from "hono";

/** Arguments in the URL; one that is given several times is a list. */
export const argumentsOf = (c: Context): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(c.req.queries()).map(([name, values]) => [name, values.length === 1 ? values[0] : values]),
  );
