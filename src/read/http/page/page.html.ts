/** The page's skeleton; page.js fills it. */
export const PAGE_HTML = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>weir</title>
<link rel="stylesheet" href="/page.css">
<script src="/page.js" defer></script>
</head>
<body>
<header>
  <h1>weir</h1>
  <p class="tagline">the flight recorder for AI assistants</p>
  <span class="grow"></span>
  <span id="as-of" class="muted"></span>
  <span id="health" class="pill" role="status">…</span>
</header>
<main>
  <div id="reasons" class="card warn" role="alert" hidden></div>
  <form id="login" class="card narrow" hidden>
    <h2>Token</h2>
    <p>Open the address that <code>weir up</code> prints, or paste the token of <code>~/.weir/runtime.json</code>.</p>
    <label>Token <input id="token" type="password" autocomplete="off" spellcheck="false"></label>
    <button type="submit">Open</button>
    <p id="login-error" class="bad" role="alert"></p>
  </form>
  <section id="empty" class="card narrow" hidden>
    <h2>Nothing recorded yet</h2>
    <p>Begin with what your assistant already wrote down:</p>
    <pre>weir import claude-code\nweir import codex</pre>
    <p>or record something of your own:</p>
    <pre>weir publish metric.measured '{"name":"queue.depth","value":3}'</pre>
    <p class="muted">This page fills by itself.</p>
  </section>
  <div id="content" hidden>
    <section class="tiles" id="tiles" aria-label="Sums"></section>
    <section class="card">
      <div class="row"><h2>Usage by day</h2><span class="grow"></span><label class="muted">show <select id="measure"><option value="cost_usd">cost</option><option value="output_tokens">output tokens</option><option value="calls">model calls</option></select></label></div>
      <svg id="usage" class="chart" role="img" aria-label="Usage by day" preserveAspectRatio="none"></svg>
      <div class="row muted small"><span id="usage-first"></span><span class="grow"></span><span id="usage-peak"></span><span class="grow"></span><span id="usage-last"></span></div>
    </section>
    <section class="card" id="alerts-card" hidden><h2>Alerts</h2><div class="scroll"><table id="alerts"></table></div></section>
    <section class="card"><h2>Sessions <span id="sessions-span" class="muted small"></span></h2><div class="scroll"><table id="sessions"></table></div></section>
    <div class="columns">
      <section class="card"><h2>Tools <span id="tools-span" class="muted small"></span></h2><div class="scroll"><table id="tools"></table></div></section>
      <section class="card"><h2>System</h2><div class="scroll"><table id="system"></table></div></section>
    </div>
  </div>
</main>
<noscript><p class="card narrow">This page needs JavaScript. <code>weir status</code> and <code>weir query sessions</code> tell the same.</p></noscript>
</body>
</html>
`;
