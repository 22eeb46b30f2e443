import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";

/** Chromium as systems name it; playwright-core brings no browser of its own. */
const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const ELSEWHERE = [
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

const found = [
  ...(process.env.PATH ?? "").split(delimiter).flatMap((dir) => NAMES.map((name) => join(dir, name))),
  ...ELSEWHERE,
].find((path) => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
});

export const hasBrowser = found !== undefined;
/** Ends the name of a test that needs a browser. */
export const browserSkipped = hasBrowser ? "" : ` (skipped: none of ${NAMES.join(", ")} is on PATH)`;

/** Starts the browser with an empty profile that is removed when it closes; it asks no server of its maker. */
export const startBrowser = (): Promise<Browser> =>
  chromium.launch({
    executablePath: found!,
    args: [
      "--no-sandbox", // CI often runs as root, where its sandbox does not start
      "--disable-gpu",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--no-first-run",
    ],
  });

/** A page of a profile of its own, and what went wrong in it: errors of scripts, refusals of the content policy, foreign requests. */
export interface Opened {
  readonly page: Page;
  readonly trouble: string[];
  [Symbol.asyncDispose](): Promise<void>;
}

/** Opens an address: `await using opened = await openPage(browser, url)`. */
export async function openPage(browser: Browser, url: string): Promise<Opened> {
  const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, timezoneId: "America/New_York" });
  const page = await context.newPage();
  const trouble: string[] = [];
  page.on("pageerror", (error) => trouble.push(error.message));
  page.on("dialog", (dialog) => {
    trouble.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("console", (message) => {
    // a refused token is an answer, though the browser calls it an error
    if (message.type() === "error" && !/status of 401/.test(message.text())) trouble.push(message.text());
  });
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== new URL(url).origin) trouble.push(`foreign request: ${request.url()}`);
  });
  await page.goto(url);
  return { page, trouble, [Symbol.asyncDispose]: () => context.close() };
}
