/**
 * The page's script. It writes text by textContent only, so nothing recorded can become markup. The token comes in the address's fragment,
 * which never leaves the browser, and is kept for this tab.
 */
export const PAGE_JS = `"use strict";
const REFRESH_MS = 5000;
const $ = (id) => document.getElementById(id);
const KEY = "weir.token";
const given = new URLSearchParams(location.hash.slice(1)).get("token");
if (given) {
  sessionStorage.setItem(KEY, given);
  history.replaceState(null, "", location.pathname);
}

class NoToken extends Error {}
async function get(path) {
  const token = sessionStorage.getItem(KEY);
  if (!token) throw new NoToken("");
  const response = await fetch(path, { headers: { Authorization: "Bearer " + token } });
  if (response.status === 401) throw new NoToken("This token is not the right one.");
  const body = await response.json();
  if (!response.ok) throw new Error(body.error ? body.error.message : "HTTP " + response.status);
  return body;
}
const query = async (name, args) => {
  const answer = await get("/api/query/" + name + "?" + new URLSearchParams(args));
  const rows = answer.rows.map((row) => Object.fromEntries(answer.columns.map((c, k) => [c.name, row[k]])));
  return { rows, as_of: answer.as_of };
};

const number = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
const money = (v) => (v == null ? "" : "$" + (v >= 100 ? v.toFixed(0) : v.toFixed(2)));
const count = (v) => (v == null ? "" : number.format(v));
const duration = (ms) => {
  if (ms == null) return "";
  if (ms < 1000) return Math.round(ms) + " ms";
  const s = ms / 1000;
  if (s < 60) return s.toFixed(1) + " s";
  return s < 3600 ? Math.round(s / 60) + " min" : s < 172800 ? (s / 3600).toFixed(1) + " h" : Math.round(s / 86400) + " d";
};
const ago = (iso) => (iso ? duration(Math.max(0, Date.now() - Date.parse(iso))) + " ago" : "");
const day = (iso) => new Date(iso).toLocaleDateString(undefined, { month: "short", day: "numeric", timeZone: "UTC" });
// folders of Windows too: transcripts may come from another machine
const last = (path) => (path || "").split(/[\\\\/]/).filter(Boolean).pop() || "";
const plural = (n, word) => count(n) + " " + word + (n === 1 ? "" : "s");
const DAY_MS = 86400000;
/** The days before a time in words; "last" only where the time is about now. */
const stretch = (days, end) => (Date.now() - end < 2 * DAY_MS ? "last " + days + " days" : days + " days to " + day(end));

function element(tag, text, cls) {
  const e = document.createElement(tag);
  if (text != null) e.textContent = String(text);
  if (cls) e.className = cls;
  return e;
}
/** Fills a table: columns are [title, value of a row, class, hover text of a row]; without rows it shows what \`none\` says. */
function table(id, columns, rows, none) {
  if (rows.length === 0) return $(id).replaceChildren(element("caption", none, "muted"));
  const head = element("tr");
  for (const [title, , cls] of columns) head.append(element("th", title, cls === "num" ? "num" : ""));
  const lines = rows.map((row) => {
    const line = element("tr");
    for (const [, value, cls, hover] of columns) {
      const cell = element("td", value(row), typeof cls === "function" ? cls(row) : cls);
      if (hover) cell.title = hover(row) || "";
      line.append(cell);
    }
    return line;
  });
  $(id).replaceChildren(...(columns.some(([title]) => title) ? [head] : []), ...lines);
}

/** The 30 days to the newest one with usage: what the chart and its sums show. */
function usageDays(usage) {
  const newest = usage.length ? Date.parse(usage[0].time) : Date.now();
  const byDay = new Map(usage.map((row) => [row.time.slice(0, 10), row]));
  const days = Array.from({ length: 30 }, (_, k) => new Date(newest - (29 - k) * DAY_MS).toISOString().slice(0, 10));
  return days.map((time) => byDay.get(time) || { time });
}

function tiles(days, tools, newest) {
  const sum = (rows, name) => rows.reduce((total, row) => total + (row[name] || 0), 0);
  const calls = sum(tools, "calls");
  const month = stretch(30, Date.parse(days[29].time));
  const week = stretch(7, newest);
  const shown = [
    ["cost, " + month, money(sum(days, "cost_usd"))],
    ["model calls, " + month, count(sum(days, "calls"))],
    ["output tokens, " + month, count(sum(days, "output_tokens"))],
    ["tool calls, " + week, count(calls)],
    ["tool errors, " + week, calls ? ((100 * sum(tools, "errors")) / calls).toFixed(1) + " %" : "–"],
  ];
  $("tiles").replaceChildren(
    ...shown.map(([title, value]) => {
      const tile = element("div", null, "tile");
      tile.append(element("b", value), element("span", title, "muted small"));
      return tile;
    }),
  );
}

let shownDays = [];
function chart() {
  const measure = $("measure").value;
  const svg = $("usage");
  const days = shownDays.map((row) => row.time.slice(0, 10));
  const values = shownDays.map((row) => row[measure] || 0);
  const peak = Math.max(...values, 0);
  const format = measure === "cost_usd" ? money : count;
  svg.setAttribute("viewBox", "0 0 300 100");
  svg.replaceChildren(
    ...days.flatMap((d, k) => {
      const height = peak > 0 ? (values[k] / peak) * 98 : 0;
      return [
        [100, "track"],
        [height, ""],
      ].map(([h, cls]) => {
        const bar = document.createElementNS("http://www.w3.org/2000/svg", "rect");
        for (const [name, value] of Object.entries({ x: k * 10 + 1, y: 100 - h, width: 8, height: h, class: cls })) bar.setAttribute(name, String(value));
        const title = document.createElementNS("http://www.w3.org/2000/svg", "title");
        title.textContent = day(d) + ": " + format(values[k]);
        bar.append(title);
        return bar;
      });
    }),
  );
  $("usage-first").textContent = day(days[0]);
  $("usage-last").textContent = day(days[29]);
  $("usage-peak").textContent = peak > 0 ? "peak " + format(peak) : "";
}

function system(status) {
  const { tables, broker, producers } = status;
  const lines = [
    ["version", status.version + " (" + status.profile + "), up " + duration(status.uptime_s * 1000)],
    ["broker", (broker.ok ? "connected, " : "not connected, ") + "nats-server " + broker.version],
    ["tables", tables.state + ", position " + count(tables.seq) + " of " + count(tables.head_seq) + (tables.lag ? ", " + count(tables.lag) + " behind" : "")],
    ["events", count(tables.applied) + " applied, " + count(tables.repeated) + " repeats dropped, " + count(tables.set_aside) + " set aside"],
    ["producers", count(producers.spooled) + " spooled, " + count(producers.dropped) + " given up"],
    ...status.processors.map((p) => [p.name + (p.partition ? " " + p.partition : ""), p.state + (p.lag_events ? ", " + count(p.lag_events) + " behind" : "")]),
    ...status.streams.map((s) => [s.name, plural(s.messages, "message") + ", " + count(s.bytes) + "B"]),
  ];
  table("system", [["", (l) => l[0]], ["", (l) => l[1], "muted"]], lines);
}

function health(state, reasons) {
  $("health").textContent = state;
  $("health").className = "pill " + state;
  $("reasons").hidden = reasons.length === 0;
  $("reasons").replaceChildren(...reasons.map((r) => element("p", r)));
}

function show({ sessions, usage, tools, alerts, status }) {
  const newest = sessions.as_of.time; // of what was recorded: weir's own clock events do not count
  const none = newest === null;
  $("login").hidden = true;
  $("empty").hidden = !none;
  $("content").hidden = none;
  health(status.health.state, status.health.reasons);
  $("as-of").textContent = newest ? "newest event " + ago(newest) : "";
  shownDays = usageDays(usage.rows);
  tiles(shownDays, tools.rows, Date.parse(newest));
  $("sessions-span").textContent = stretch(30, Date.parse(newest));
  $("tools-span").textContent = stretch(7, Date.parse(newest));
  chart();
  $("alerts-card").hidden = alerts.rows.length === 0;
  table("alerts", [["severity", (r) => r.severity, (r) => r.severity], ["what", (r) => r.message], ["status", (r) => r.status], ["times", (r) => count(r.times), "num"], ["last", (r) => ago(r.last_at), "num"]], alerts.rows);
  table(
    "sessions",
    [
      ["session", (r) => r.title || r.session, "cut", (r) => r.session],
      ["project", (r) => last(r.project), "", (r) => r.project],
      ["assistant", (r) => r.assistant || ""],
      ["model", (r) => r.model || "", "cut"],
      ["prompts", (r) => count(r.prompts), "num"],
      ["tools", (r) => count(r.tool_calls), "num"],
      ["errors", (r) => (r.tool_errors ? count(r.tool_errors) : ""), "num"],
      ["cost", (r) => money(r.cost_usd), "num"],
      ["lasted", (r) => duration(r.duration_ms), "num"],
      ["last event", (r) => ago(r.last_event_at), "num", (r) => r.last_event_at],
    ],
    sessions.rows,
    "No sessions in these days. Older ones: weir query sessions --since 365d. To take in what an assistant wrote down: weir import claude-code",
  );
  table(
    "tools",
    [
      ["tool", (r) => r.tool, "cut", (r) => r.tool],
      ["calls", (r) => count(r.calls), "num"],
      ["errors", (r) => (r.errors ? (100 * r.error_rate).toFixed(1) + " %" : ""), "num"],
      ["median", (r) => duration(r.p50), "num"],
      ["95 %", (r) => duration(r.p95), "num"],
    ],
    tools.rows,
    "No tool calls in these days.",
  );
  system(status);
}

let timer;
async function refresh() {
  clearTimeout(timer);
  try {
    const [sessions, usage, tools, alerts, status] = await Promise.all([
      query("sessions", { limit: 25 }),
      query("usage", { by: "day" }),
      query("tools", { limit: 12 }),
      query("alerts", { status: "active", limit: 10 }),
      get("/api/status"),
    ]);
    show({ sessions, usage, tools, alerts, status });
  } catch (error) {
    if (error instanceof NoToken) {
      sessionStorage.removeItem(KEY);
      $("content").hidden = $("empty").hidden = $("reasons").hidden = true;
      $("login").hidden = false;
      $("login-error").textContent = error.message;
      $("health").textContent = "locked";
      return;
    }
    health("failing", [error instanceof TypeError ? "weir does not answer; is it running? (weir up)" : error.message]);
  }
  timer = setTimeout(() => (document.hidden ? undefined : refresh()), REFRESH_MS);
}
document.addEventListener("visibilitychange", () => document.hidden || refresh());
$("measure").addEventListener("change", chart);
$("login").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem(KEY, $("token").value.trim());
  $("token").value = "";
  refresh();
});
refresh();
`;
