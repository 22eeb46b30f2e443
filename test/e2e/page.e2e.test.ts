import { writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { browserSkipped, hasBrowser, openPage, startBrowser } from "../support/browser.ts";
import { tempDir } from "../support/temp.ts";
import { sampleSession, sampleText } from "../support/transcript-sample.ts";
import { until } from "../support/until.ts";
import { startWeir, type Weir } from "../support/weir.ts";

const HOSTILE = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`;
const HOSTILE_TOOL = '<b onmouseover="alert(1)">tool</b>';

/** Imports the sample session, titled by somebody who means harm, and another in a folder of Windows. */
async function importSamples(weir: Weir): Promise<void> {
  await using dir = await tempDir();
  const project = join(dir.path, "projects", "-work-app");
  await mkdir(project, { recursive: true });
  const titled = sampleSession().map((record) => ({
    ...record,
    ...("summary" in record && { summary: HOSTILE }),
    ...("customTitle" in record && { customTitle: HOSTILE }),
  }));
  const text = sampleText(titled).replaceAll('"name":"Grep"', `"name":${JSON.stringify(HOSTILE_TOOL)}`);
  writeFileSync(join(project, "first.jsonl"), text);
  writeFileSync(
    join(project, "second.jsonl"),
    text
      .replaceAll("5e551010-0000", "5e551010-1111")
      .replaceAll(/"(r\d\d|msg_\d|req_msg_\d|toolu_\d)"/g, '"$1-2"')
      .replaceAll(JSON.stringify(HOSTILE), '"Second greeting"')
      .replaceAll('"cwd":"/home/ada/app"', '"cwd":"C:\\\\code\\\\shop"'),
  );
  await weir.json(["import", "claude-code", join(dir.path, "projects"), "--json"]);
  await weir.settled();
}

/** The rows of a table as its cells' texts. */
const cells = (page: Page, id: string): Promise<string[][]> =>
  page
    .locator(`#${id} tr:has(td)`)
    .evaluateAll((rows) => rows.map((row) => [...row.children].map((c) => c.textContent ?? "")));

const address = (weir: Weir, token = weir.runtime.token): string => `${weir.runtime.http_url}/#token=${token}`;

describe.skipIf(!hasBrowser)(`the page in a browser${browserSkipped}`, () => {
  let browser: Browser;
  let weir: Weir;
  beforeAll(async () => {
    browser = await startBrowser();
    weir = await startWeir();
  });
  afterAll(async () => {
    await browser?.close();
    await weir?.[Symbol.asyncDispose]();
  });

  test("an empty instance says what to do first, and fills by itself", async () => {
    await until("weir's own clock is recorded, which is nothing of the user's", async () => {
      const { tables } = (await (await weir.http("/api/status")).json()) as { tables: { applied: number } };
      return tables.applied > 0;
    });
    await using opened = await openPage(browser, address(weir));
    const { page, trouble } = opened;
    await page.locator("#empty").waitFor();
    expect(await page.locator("#empty").textContent()).toMatch(/Nothing recorded yet[\s\S]*weir import claude-code/);
    expect(await page.locator("#content").isVisible()).toBe(false);
    await importSamples(weir);
    await page.locator("#sessions td").first().waitFor();
    expect(await page.locator("#empty").isVisible()).toBe(false);
    expect(trouble).toEqual([]);
  });

  test("sessions, usage by day and the system's state are those of the tables", async () => {
    await using opened = await openPage(browser, address(weir));
    const { page, trouble } = opened;
    await page.locator("#sessions td").first().waitFor();
    expect(page.url()).toBe(`${weir.runtime.http_url}/`); // the token does not stay in the address

    const told = await weir.sql<{ session: string; title: string | null; prompts: number; tool_calls: number }>(
      "select session, title, prompts, tool_calls from sessions",
    );
    const shown = await cells(page, "sessions");
    expect(shown.map((row) => [row[0], row[4], row[5]]).sort()).toEqual(
      told.map((s) => [s.title ?? s.session, String(s.prompts), String(s.tool_calls)]).sort(),
    );
    expect(new Set(shown.map((row) => row[1]))).toEqual(new Set(["app", "shop"]));

    const [usage] = await weir.sql<{ days: number; calls: number; cost: number; tokens: number }>(
      "select count(distinct date_trunc('day', time)) as days, sum(calls)::int as calls, sum(cost_usd) as cost, sum(output_tokens)::int as tokens from usage_daily",
    );
    expect(usage).toMatchObject({ days: 1, calls: 12 });
    const bars = page.locator("#usage rect:not(.track)");
    expect(await bars.count()).toBe(30);
    const heights = await bars.evaluateAll((all) => all.map((bar) => Number(bar.getAttribute("height"))));
    expect(heights.filter((height) => height > 0)).toEqual([98]);
    expect(await page.locator("#usage-last").textContent()).toBe("Jul 1");
    expect(await page.locator("#tiles").textContent()).toContain(`$${usage!.cost.toFixed(2)}`);
    expect(await page.locator("#tiles").textContent()).toContain("30 days to Jul 1");
    await page.locator("#measure").selectOption("output_tokens");
    expect(await page.locator("#usage-peak").textContent()).toBe(`peak ${usage!.tokens}`);

    const system = Object.fromEntries(await cells(page, "system"));
    expect(system).toMatchObject({
      version: expect.stringContaining(weir.runtime.version),
      broker: expect.stringMatching(/^connected, nats-server 2\./),
      validate: "running",
    });
    expect(await page.locator("#health").textContent()).toBe("ok");
    expect(trouble).toEqual([]);
  });

  test("hostile text is shown as text", async () => {
    await using opened = await openPage(browser, address(weir));
    const { page, trouble } = opened;
    await page.getByText(HOSTILE).waitFor();
    await page.getByText(HOSTILE).hover();
    expect((await cells(page, "tools")).map(([name]) => name)).toContain(HOSTILE_TOOL);
    expect(await page.locator("main img, main script, main b[onmouseover]").count()).toBe(0);
    expect(await page.title()).toBe("weir");
    expect(trouble).toEqual([]);
  });

  test("a wrong token gives a clear message, and the right one opens the page", async () => {
    await using opened = await openPage(browser, address(weir, "wrong"));
    const { page, trouble } = opened;
    await page.getByText("This token is not the right one.").waitFor();
    expect(await page.locator("#content").isVisible()).toBe(false);
    expect(await page.locator("#login").textContent()).toContain("weir up");
    await page.getByRole("textbox", { name: "Token" }).fill(weir.runtime.token);
    await page.getByRole("button", { name: "Open" }).click();
    await page.locator("#sessions td").first().waitFor();
    await page.reload(); // kept for this tab
    await page.locator("#sessions td").first().waitFor();
    expect(trouble).toEqual([]);
  });

  test("on a phone nothing runs over the side", async () => {
    await using opened = await openPage(browser, address(weir));
    const { page } = opened;
    await page.setViewportSize({ width: 390, height: 800 });
    await page.locator("#sessions td").first().waitFor();
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(390);
  });

  test("a weir that ends is told on the page", async () => {
    await using going = await startWeir();
    await using opened = await openPage(browser, address(going));
    await opened.page.locator("#empty").waitFor();
    await going.stop();
    await opened.page.getByText("weir does not answer").waitFor();
  });
});
