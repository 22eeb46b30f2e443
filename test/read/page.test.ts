import { runInNewContext } from "node:vm";
import type { Hono } from "hono";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createHttp } from "../../src/read/http/app.ts";
import { PAGE_HTML } from "../../src/read/http/page/page.html.ts";
import { PAGE_JS } from "../../src/read/http/page/page.js.ts";
import { emptyStore, filledStore, type TestStore } from "../support/filled-store.ts";
import { readContext, type TestContext, TOKEN } from "../support/read-context.ts";
import { until } from "../support/until.ts";

/** As much of an element as the page's script uses; there is no way to make markup of a text. */
class FakeElement {
  hidden: boolean;
  className = "";
  title = "";
  value = "";
  private own = "";
  children: FakeElement[] = [];
  readonly listeners = new Map<string, (event: { preventDefault(): void }) => void>();
  constructor(hidden = false) {
    this.hidden = hidden;
  }
  append(...parts: FakeElement[]): void {
    this.children.push(...parts);
  }
  replaceChildren(...parts: FakeElement[]): void {
    this.children = parts;
  }
  setAttribute(): void {}
  addEventListener(name: string, listener: (event: { preventDefault(): void }) => void): void {
    this.listeners.set(name, listener);
  }
  set textContent(text: string) {
    this.own = String(text);
    this.children = [];
  }
  get textContent(): string {
    return this.own + this.children.map((child) => child.textContent).join(" ");
  }
}

/** Runs the page's script against an app; gives its elements and what it kept. */
function open(app: Hono, hash: string) {
  const elements = new Map<string, FakeElement>();
  for (const [tag, id] of PAGE_HTML.matchAll(/<[^>]*\bid="([^"]+)"[^>]*>/g))
    elements.set(id!, new FakeElement(/\shidden/.test(tag)));
  elements.get("measure")!.value = "cost_usd";
  const kept = new Map<string, string>();
  const asked: string[] = [];
  runInNewContext(PAGE_JS, {
    document: {
      hidden: false,
      getElementById: (id: string) => elements.get(id) ?? null,
      createElement: () => new FakeElement(),
      createElementNS: () => new FakeElement(),
      addEventListener: () => {},
    },
    location: { hash, pathname: "/" },
    history: { replaceState: (_: unknown, __: unknown, path: string) => asked.push(`replace ${path}`) },
    sessionStorage: {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => kept.set(key, value),
      removeItem: (key: string) => kept.delete(key),
    },
    fetch: (path: string, init: RequestInit) => {
      asked.push(path);
      return app.request(path, init);
    },
    setTimeout: () => 0,
    clearTimeout: () => {},
    URLSearchParams,
    Intl,
    Date,
    TypeError,
  });
  return { at: (id: string) => elements.get(id)!, kept, asked };
}

let filled: TestStore;
let empty: TestStore;
let ctx: TestContext;
let onEmpty: TestContext;
beforeAll(async () => {
  filled = await filledStore();
  empty = await emptyStore();
  ctx = await readContext(filled);
  onEmpty = await readContext(empty);
});
afterAll(async () => {
  ctx.select.close();
  onEmpty.select.close();
  await filled[Symbol.asyncDispose]();
  await empty[Symbol.asyncDispose]();
});

describe("the page", () => {
  it("takes the token out of the address and shows what was recorded", async () => {
    await filled.writer.run(
      "update session_facts set title = '<img src=x onerror=alert(1)>' where session = 'session-29'",
    );
    const page = open(createHttp(ctx), `#token=${TOKEN}`);
    await until("the page is filled", () => !page.at("content").hidden);
    expect(page.asked[0]).toBe("replace /");
    expect(page.asked.join(" ")).not.toContain(TOKEN);
    expect(page.at("sessions").textContent).toContain("<img src=x onerror=alert(1)>");
    expect(page.at("sessions").children).toHaveLength(26);
    expect(page.at("tools").textContent).toContain("mcp__github__search");
    expect(page.at("system").textContent).toContain("nats-server 2.14.0");
    expect(page.at("tiles").textContent).toContain("$5.00");
    expect(page.at("usage").children).toHaveLength(60);
    expect(page.at("health").textContent).toBe("ok");
    expect(page.at("alerts-card").hidden).toBe(false);
    expect(page.at("login").hidden).toBe(true);
  });
  it("tells how to begin where nothing was recorded", async () => {
    const page = open(createHttp(onEmpty), `#token=${TOKEN}`);
    await until("the page is filled", () => !page.at("empty").hidden);
    expect(page.at("content").hidden).toBe(true);
  });
  it("asks for the token, forgets a wrong one, and takes a new one", async () => {
    const page = open(createHttp(ctx), "#token=wrong");
    await until("the page asks", () => !page.at("login").hidden);
    expect(page.kept.size).toBe(0);
    expect(page.at("login-error").textContent).toContain("not the right one");
    page.at("token").value = ` ${TOKEN} `;
    page.at("login").listeners.get("submit")!({ preventDefault() {} });
    await until("the page is filled", () => !page.at("content").hidden);
    expect(page.at("token").value).toBe("");
  });
});
