import type { Hono } from "hono";
import { PAGE_CSS } from "./page.css.ts";
import { PAGE_HTML } from "./page.html.ts";
import { PAGE_JS } from "./page.js.ts";

const ASSETS: Readonly<Record<string, readonly [type: string, text: string]>> = {
  "/": ["text/html; charset=utf-8", PAGE_HTML],
  "/page.css": ["text/css; charset=utf-8", PAGE_CSS],
  "/page.js": ["text/javascript; charset=utf-8", PAGE_JS],
};

/** Paths of the page: they hold nothing of anybody until the page was given the token. */
export const PAGE_PATHS: readonly string[] = [...Object.keys(ASSETS), "/favicon.ico"];

/** The page at `/` and what it loads. */
export function addPage(app: Hono): void {
  for (const [path, [type, text]] of Object.entries(ASSETS)) {
    app.get(path, (c) => c.body(text, 200, { "Content-Type": type, "Cache-Control": "no-cache" }));
  }
  app.get("/favicon.ico", (c) => c.body(null, 204));
}
