/** The page's style, light and dark. */
export const PAGE_CSS = `:root {
  color-scheme: light dark;
  --back: #f6f7f9; --card: #ffffff; --text: #1b2430; --muted: #667085; --line: #e4e7ec; --accent: #0e7490; --soft: #cffafe;
  --good: #15803d; --warn: #b45309; --bad: #b91c1c;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
}
@media (prefers-color-scheme: dark) {
  :root { --back: #0f141b; --card: #171e28; --text: #e6eaf0; --muted: #93a0b4; --line: #263140; --accent: #22b8cf; --soft: #12343d;
    --good: #4ade80; --warn: #fbbf24; --bad: #f87171; }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body { margin: 0; background: var(--back); color: var(--text); }
header { display: flex; align-items: baseline; gap: .8rem; padding: 1rem 1.5rem; border-bottom: 1px solid var(--line); background: var(--card); flex-wrap: wrap; }
h1 { font-size: 1.35rem; margin: 0; letter-spacing: -.02em; color: var(--accent); }
h2 { font-size: 1rem; margin: 0 0 .7rem; }
p { margin: .3rem 0 .7rem; }
.tagline, .muted { color: var(--muted); }
.tagline { margin: 0; }
.small { font-size: .85rem; font-weight: 400; }
.grow { flex: 1; }
main { max-width: 1180px; margin: 0 auto; padding: 1.2rem 1.5rem 3rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1rem 1.2rem; margin-bottom: 1rem; }
.narrow { max-width: 34rem; margin: 3rem auto; }
.warn { border-color: var(--warn); }
.row { display: flex; gap: .8rem; align-items: baseline; }
.columns { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; }
.columns > * { min-width: 0; }
@media (max-width: 860px) { .columns { grid-template-columns: 1fr; gap: 0; } main { padding: 1rem; } }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 1rem; margin-bottom: 1rem; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: .8rem 1.1rem; }
.tile b { display: block; font-size: 1.5rem; font-weight: 600; letter-spacing: -.02em; font-variant-numeric: tabular-nums; }
.pill { border-radius: 999px; padding: .1rem .8rem; font-size: .85rem; border: 1px solid currentColor; color: var(--muted); }
.ok { color: var(--good); } .degraded, .warning { color: var(--warn); } .failing, .critical, .bad { color: var(--bad); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th { text-align: left; font-weight: 500; color: var(--muted); padding: .25rem .8rem .35rem 0; border-bottom: 1px solid var(--line); white-space: nowrap; }
td { padding: .35rem .8rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
tr:last-child td { border-bottom: 0; }
.num { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
caption { text-align: left; }
#sessions td, #tools td { white-space: nowrap; }
.cut { max-width: 24rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.columns .cut { max-width: 14rem; }
@media (max-width: 560px) { .cut, .columns .cut { max-width: 10rem; } }
.chart { width: 100%; height: 160px; display: block; }
.chart rect { fill: var(--accent); } .chart rect:hover { opacity: .75; } .chart .track { fill: var(--soft); opacity: .35; }
pre { background: var(--back); border: 1px solid var(--line); border-radius: 6px; padding: .6rem .8rem; overflow-x: auto; }
code, pre { font-family: ui-monospace, SFMono-Regular, Menlo, monospace; font-size: .88rem; }
input, select, button { font: inherit; color: inherit; background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: .3rem .6rem; }
input { width: 100%; margin: .3rem 0 .7rem; }
button { background: var(--accent); color: #fff; border-color: var(--accent); cursor: pointer; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
`;
