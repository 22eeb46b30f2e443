import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { expect, test } from "vitest";
import { makeCanaries } from "../support/canaries.ts";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";
import { CLI, PATIENT, ROOT, start, startWeir, type Weir } from "../support/weir.ts";

interface Report {
  accepted: number;
  rejected: { line: number; id: string | null; error: string }[];
}
const call = (k: number, more: object = {}) => ({
  specversion: "1.0",
  id: `call-${k}`,
  source: "test://file",
  type: "tool.called",
  time: `2026-07-01T10:00:${String(k % 60).padStart(2, "0")}.000001Z`,
  session: "file",
  data: { tool: "Bash", call_id: `c${k}`, duration_ms: k, success: true },
  ...more,
});

test("one event is published, is in the tables at once, and wrong ones are told", async () => {
  await using weir = await startWeir();
  const done = await weir.json<{ ids: string[]; seq: number }>([
    ...[
      "publish",
      "tool.called",
      '{"tool":"Read","call_id":"one","duration_ms":12.5,"success":false,"error":"no such file"}',
    ],
    ...["--session", "s 1", "--source", "test://here", "--time", "2026-07-01T12:30:00.123456Z", "--json"],
  ]);
  expect(done).toEqual({ ids: [expect.stringMatching(/^[0-9a-f-]{36}$/)], seq: expect.any(Number) });
  expect(
    await weir.json(["sql", "select session, time, tool, duration_ms, success, error from tool_calls", "--json"]),
  ).toEqual([
    {
      session: "s 1",
      time: "2026-07-01T12:30:00.123456Z",
      tool: "Read",
      duration_ms: 12.5,
      success: false,
      error: "no such file",
    },
  ]);
  expect(
    await weir.sql("select id::varchar as id, source, via, stream_seq from events where type = 'tool.called'"),
  ).toEqual([{ id: done.ids[0], source: "test://here", via: "api", stream_seq: expect.any(Number) }]);
  for (const [words, text] of [
    [["publish", "tool.caled", "{}"], /tool\.called/],
    [["publish", "tool.called", "[1]"], /data/],
    [["publish", "tool.called", "{}"], /data\.tool/],
    [["publish", "tool.called", '{"tool":"a","colour":1}'], /colour/],
    [["publish", "tool.called", '{"tool":"a","duration_ms":"long"}'], /duration_ms/],
  ] as const) {
    const ran = await weir.run(words);
    expect({ words, ...ran }).toMatchObject({
      words,
      code: 1,
      stdout: "",
      stderr: expect.stringMatching(/^error: bad_input: /),
    });
    expect(ran.stderr).toMatch(text);
  }
  expect(await weir.sql("select count(*) as n from tool_calls")).toEqual([{ n: 1 }]);
});
test("a file is taken line by line, what is rejected is kept, repaired and sent again, and the same file twice has no double", async () => {
  await using weir = await startWeir();
  await using dir = await tempDir();
  const file = join(dir.path, "events.jsonl");
  const good = Array.from({ length: 1_200 }, (_, k) => JSON.stringify(call(k)));
  const bad = [
    "this is no JSON",
    JSON.stringify({ hello: "world" }),
    JSON.stringify(call(5_001, { type: "tool.exploded" })),
    JSON.stringify(call(5_002, { data: { call_id: "broken", duration_ms: -1 } })),
    JSON.stringify(call(5_003, { time: "2199-01-01T00:00:00Z" })),
    '"text"',
  ];
  const lines = [...good.slice(0, 700), ...bad.slice(0, 3), "", ...good.slice(700), ...bad.slice(3)];
  writeFileSync(file, `${lines.join("\r\n")}\r\n`);
  const first = await weir.run(["publish", "--file", file, "--json"]);
  expect(first.code).toBe(1);
  const report = JSON.parse(first.stdout) as Report;
  expect(report.accepted + report.rejected.length).toBe(good.length + bad.length);
  expect(report.rejected.map((r) => r.line)).toEqual([701, 702, 703, 1205, 1206, 1207]);
  await weir.settled();
  expect(await weir.sql("select count(*) as n, count(distinct call) as calls from tool_calls")).toEqual([
    { n: 1_200, calls: 1_200 },
  ]);
  const listed = (
    await weir.json<{ rows: { id: string; reason: string; beginning: string; input_type: string }[] }>([
      "rejected",
      "list",
      "--json",
    ])
  ).rows;
  expect(listed.map((r) => r.reason).sort()).toEqual([
    "clock",
    "invalid",
    "invalid",
    "invalid",
    "invalid",
    "unknown_type",
  ]);
  const shown: string[] = [];
  for (const { id } of listed) {
    const ran = await weir.run(["rejected", "show", id]);
    expect(ran.code).toBe(0);
    shown.push(ran.stdout);
  }
  for (const piece of ["this is no JSON", '"hello":"world"', "tool.exploded", '"call_id":"broken"', "5003", '"text"'])
    expect(
      shown.filter((text) => text.includes(piece)),
      piece,
    ).toHaveLength(1);
  const broken = listed.find((r) => r.beginning.includes("broken"))!;
  expect(await weir.run(["rejected", "retry", broken.id])).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(
      /^error: bad_input: it would be rejected again: data.tool is missing \(nothing was sent;/,
    ),
  });
  const { sent } = await weir.json<{ sent: string }>([
    "rejected",
    "retry",
    broken.id,
    "--set",
    "data.tool=Bash",
    "data.duration_ms=7",
    "--json",
  ]);
  const text = listed.find((r) => r.beginning === '"text"')!;
  expect(await weir.run(["rejected", "retry", text.id, "--set", "type=session.ended"])).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^error: bad_input: the repaired input is no JSON object/),
  });
  await weir.settled();
  expect(await weir.sql("select count(*)::integer as n from rejected")).toEqual([{ n: listed.length }]); // none came of what was tried
  expect(await weir.run(["rejected", "retry", broken.id, "--set", "data.tool=Bash"])).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(`^error: conflict: it was sent again already, as ${sent}`),
  });
  expect(await weir.sql("select tool, duration_ms from tool_calls where call like '%broken'")).toEqual([
    { tool: "Bash", duration_ms: 7 },
  ]);
  expect(await weir.sql(`select status, sent::varchar as sent from rejected where id = '${broken.id}'`)).toEqual([
    { status: "retried", sent },
  ]);
  expect(await weir.sql("select actor, action from audit where action = 'input.retried'")).toEqual([
    { actor: "cli", action: "input.retried" },
  ]);
  const again = await weir.run(["publish", "--file", "-", "--json"], { input: lines.join("\n") });
  expect(JSON.parse(again.stdout)).toMatchObject({ accepted: report.accepted });
  await weir.settled();
  expect(await weir.sql("select count(*) as n from tool_calls where call not like '%broken'")).toEqual([{ n: 1_200 }]);
  expect(
    await weir.sql("select count(*) as n, count(distinct id) as ids from events where type = 'tool.called'"),
  ).toEqual([{ n: 1_201, ids: 1_201 }]);
  expect(await weir.json(["verify", "--json"])).toMatchObject({ ok: true });
  const ok = await weir.run(["publish", "--file", "-"], { input: good.slice(0, 3).join("\n") });
  expect(ok).toEqual({ code: 0, stdout: "3 events accepted, 0 rejected\n", stderr: "" });
  expect(await weir.run(["publish", "--file", join(dir.path, "none.jsonl")])).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^error: bad_input: .*none\.jsonl does not exist/),
  });
});
test("HTTP takes CloudEvents one by one and in batches", async () => {
  await using weir = await startWeir();
  const post = async (type: string, body: unknown) => {
    const response = await weir.http("/api/events", {
      method: "POST",
      headers: { "Content-Type": type },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
    return [response.status, await response.json()] as const;
  };
  expect(await post("application/cloudevents+json", call(1))).toEqual([
    200,
    { accepted: 1, rejected: 0, events: [{ id: expect.any(String), status: "accepted" }] },
  ]);
  const [status, batch] = await post("application/cloudevents-batch+json; charset=utf-8", [
    call(2),
    { type: "nonsense" },
    call(3),
    call(2),
  ]);
  expect([status, batch]).toMatchObject([
    200,
    {
      accepted: 3,
      rejected: 1,
      events: [
        { status: "accepted" },
        { id: null, status: "rejected" },
        { status: "accepted" },
        { status: "accepted" },
      ],
    },
  ]);
  expect(await post("application/cloudevents-batch+json", [])).toEqual([200, { accepted: 0, rejected: 0, events: [] }]);
  expect((await post("application/cloudevents-batch+json", [{ type: "x" }]))[0]).toBe(400);
  expect((await post("text/plain", "hello"))[0]).toBe(415);
  await weir.settled();
  expect(await weir.sql("select count(*) as n from tool_calls")).toEqual([{ n: 3 }]);
  const { rows } = (await (await weir.http("/api/events?type=tool.called&limit=2")).json()) as { rows: unknown[] };
  expect(rows).toHaveLength(2);
});
test("a program records with the SDK, tail shows what enters the log, and a program before weir is not lost", async () => {
  await using weir = await startWeir();
  const tail = start(process.execPath, [CLI, "tail", "--json"], { env: weir.env, input: "" });
  // what is published before the tail reads is not its business: publish until it shows something
  await until("the tail reads", async () => {
    await weir.json(["publish", "metric.measured", '{"name":"warm.up","value":1}', "--json"]);
    return tail.stdout().includes("warm.up");
  });
  const program = `
    import { createWeir } from "weir/sdk";
    const weir = createWeir({ name: "agent", source: "my-agent://laptop" });
    for (let k = 0; k < 300; k++) await weir.emit({ type: "tool.called", session: "sdk", data: { tool: "search", call_id: "c" + k, duration_ms: k, success: true } });
    await weir.close();
    console.log(JSON.stringify(weir.stats()));
  `;
  const sdk = (env: Readonly<Record<string, string>>) =>
    start(process.execPath, ["--input-type=module", "-e", program], { env, cwd: ROOT, input: "" }).ended;
  const ran = await sdk(weir.env);
  expect({ code: ran.code, stderr: ran.stderr }).toEqual({ code: 0, stderr: "" });
  expect(JSON.parse(ran.stdout)).toMatchObject({ emitted: 300, published: 300, spooled: 0, dropped: 0 });
  await weir.settled();
  expect(
    await weir.sql(
      "select count(*) as n, any_value(source) as source, any_value(via) as via from events where session = 'sdk'",
    ),
  ).toEqual([{ n: 300, source: "my-agent://laptop", via: "sdk" }]);
  await until(
    "the tail has shown all",
    () =>
      tail
        .stdout()
        .split("\n")
        .filter((line) => line.includes('"session":"sdk"')).length === 300,
  );
  const [first] = tail
    .stdout()
    .split("\n")
    .filter((line) => line.includes('"session":"sdk"'));
  expect(JSON.parse(first!)).toMatchObject({
    specversion: "1.0",
    type: "tool.called",
    session: "sdk",
    data: { tool: "search", duration_ms: 0 },
    stream_seq: expect.any(Number),
  });
  tail.child.kill("SIGINT");
  expect((await tail.ended).code).toBe(0);
  await weir.stop();
  expect((await sdk(weir.env)).code).toBe(0);
  await using later = await startWeir({ dataDir: weir.dataDir });
  await until(
    "what was spooled is sent",
    async () =>
      (await later.sql<{ n: number }>("select count(*) as n from events where session = 'sdk'"))[0]!.n === 600,
    PATIENT,
  );
  await later.settled();
  expect(await later.json(["verify", "--json"])).toMatchObject({ ok: true, missing: [] });
});
test("no secret reaches the disk, whichever way it came", async () => {
  await using weir = await startWeir();
  await using dir = await tempDir();
  const canaries = makeCanaries(7, 5);
  // one family of secrets for each way, so that one found names its way
  const ways = ["cli", "file", "http", "bad", "sdk", "import"] as const;
  const of = (way: (typeof ways)[number]) => canaries.filter((_, k) => k % ways.length === ways.indexOf(way));
  const text = (way: (typeof ways)[number]) =>
    of(way)
      .map((c) => `it was:\n${c.text}\nand more`)
      .join("\n");
  const output = (way: (typeof ways)[number]) => ({
    tool: "Bash",
    call_id: `canary-${way}`,
    output: text(way),
    error: text(way).slice(0, 3_000),
    input: JSON.stringify({ command: text(way) }),
  });
  await weir.json(["publish", "tool.called", JSON.stringify(output("cli")), "--session", "canary", "--json"]);
  const file = join(dir.path, "canaries.jsonl");
  writeFileSync(file, `${JSON.stringify(call(1, { data: output("file") }))}\n`);
  await weir.json(["publish", "--file", file, "--json"]);
  await weir.http("/api/events", {
    method: "POST",
    headers: { "Content-Type": "application/cloudevents+json" },
    body: JSON.stringify(call(2, { data: output("http") })),
  });
  for (const body of [
    call(3, { type: "no.such_type", data: output("bad") }),
    { secret: text("bad") },
    call(4, { data: { ...output("bad"), tool: 7 } }),
  ])
    await weir.http("/api/events", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
  const garbage = join(dir.path, "garbage.jsonl");
  writeFileSync(garbage, `no JSON at all ${text("bad").replaceAll("\n", " ")}\n`);
  await weir.run(["publish", "--file", garbage]);
  const program = `
    import { createWeir } from "weir/sdk";
    const weir = createWeir({ name: "leaky" });
    await weir.emit({ type: "tool.called", session: "canary", data: ${JSON.stringify(output("sdk"))} });
    await weir.emit({ type: "prompt.submitted", session: "canary", data: { kind: "text", text: ${JSON.stringify(text("sdk"))} } });
    await weir.close();`;
  const sdk = async () =>
    expect(
      (await start(process.execPath, ["--input-type=module", "-e", program], { env: weir.env, input: "" }).ended).code,
    ).toBe(0);
  await sdk();
  const project = join(dir.path, "projects", "-home-ana");
  await mkdir(project, { recursive: true });
  const record = (uuid: string, type: string, message: object) =>
    JSON.stringify({
      uuid,
      type,
      sessionId: "canary-import",
      timestamp: "2026-07-01T10:00:00.000Z",
      version: "2.1.0",
      cwd: "/home/ana",
      message,
    });
  writeFileSync(
    join(project, "canary-import.jsonl"),
    [
      record("00000000-0000-4000-8000-000000000001", "user", { role: "user", content: text("import") }),
      record("00000000-0000-4000-8000-000000000002", "assistant", {
        id: "m1",
        role: "assistant",
        model: "claude-sonnet-4-5",
        content: [{ type: "tool_use", id: "t1", name: "Bash", input: { command: text("import") } }],
        usage: { input_tokens: 1, output_tokens: 1 },
      }),
      record("00000000-0000-4000-8000-000000000003", "user", {
        role: "user",
        content: [{ type: "tool_result", tool_use_id: "t1", is_error: true, content: text("import") }],
      }),
      "",
    ].join("\n"),
  );
  expect(await weir.json(["import", "claude-code", join(dir.path, "projects"), "--json"])).toMatchObject({
    prompts: 1,
    tool_calls: 1,
  });
  await weir.settled();
  expect(await weir.sql("select count(*) as n from events where contains(data, 'and more')")).not.toEqual([{ n: 0 }]);
  await weir.json(["rejected", "list", "--json"]);
  await leaks(
    weir,
    canaries.map((c) => c.secret),
  );
  await weir.stop();
  await sdk(); // into the spool
  await leaks(
    weir,
    canaries.map((c) => c.secret),
  );
});

/** Looks for secrets in every file of the data folder as it is, and in every value of the tables, which lie there packed. */
async function leaks(weir: Weir, secrets: readonly string[]): Promise<void> {
  const found: string[] = [];
  for (const name of readdirSync(weir.dataDir, { recursive: true, encoding: "utf8" })) {
    const path = join(weir.dataDir, name);
    if (!statSync(path).isFile()) continue;
    const bytes = readFileSync(path);
    for (const secret of secrets) if (bytes.includes(secret)) found.push(`${name}: ${secret}`);
    if (!/\.duckdb$/.test(name) || !/sql\//.test(name)) continue;
    const instance = await DuckDBInstance.create(path, { access_mode: "READ_ONLY" });
    const connection = await instance.connect();
    const tables = (
      await connection.runAndReadAll("select table_name from information_schema.tables where table_type = 'BASE TABLE'")
    ).getRowsJS();
    for (const [table] of tables) {
      const rows = (
        await connection.runAndReadAll(
          `select t::varchar from "${table}" t${table === "rejected" ? ` union all select decode(original) from rejected where content_type = 'application/json'` : ""}`,
        )
      ).getRowsJS();
      const text = rows.map(([row]) => row).join("\n");
      for (const secret of secrets) if (text.includes(secret)) found.push(`${table}: ${secret}`);
    }
    connection.closeSync();
    instance.closeSync();
  }
  expect(found).toEqual([]);
}
