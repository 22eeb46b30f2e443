import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, onTestFailed, test } from "vitest";
import { clock } from "../../src/base/clock.ts";
import { derivedId } from "../../src/base/id.ts";
import { createWeir } from "../../src/sdk/index.ts";
import { dice } from "../support/dice.ts";
import { tempDir } from "../support/temp.ts";
import { answer } from "../support/transcript-sample.ts";
import { until } from "../support/until.ts";
import {
  alive,
  brokerPid,
  CLI,
  PATIENT,
  type Ran,
  type Started,
  start,
  startWeir,
  type Weir,
} from "../support/weir.ts";

const FROM_SDK = 2_400;
const FILES = 4;
const FROM_FILE = 500;
const SESSIONS = 12;
const ANSWERS = 40;
/** What is killed, in an order that is drawn: all of weir, its broker, a processor's own process, an import under way. */
const ACTS = ["weir", "broker", "runner", "import", "weir", "broker"] as const;

const eventLine = (file: number, k: number): string =>
  JSON.stringify({
    specversion: "1.0",
    id: `crash-${file}-${k}`,
    source: "test://file",
    type: "tool.called",
    time: `2026-07-01T10:00:00.${String(k).padStart(6, "0")}Z`,
    session: `file-${file}`,
    data: { tool: "Bash", call_id: `f${file}-${k}`, duration_ms: k, success: true },
  });

/** Session files of an assistant, each with answers of a model. */
function writeTranscripts(folder: string): void {
  const project = join(folder, "projects", "-home-ada-app");
  mkdirSync(project, { recursive: true });
  for (let s = 0; s < SESSIONS; s++) {
    const sessionId = derivedId(0, "crash", s);
    const lines = Array.from({ length: ANSWERS }, (_, k) =>
      JSON.stringify(
        answer(derivedId(1, sessionId, k), `msg_${s}_${k}`, { type: "text", text: "done" }, 5, { sessionId }),
      ),
    );
    writeFileSync(join(project, `${sessionId}.jsonl`), `${lines.join("\n")}\n`);
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return port;
}

test("weir, broker, processor and import are killed at random while producers work: each event is in the tables once, and verify is clean", async () => {
  const seed = Number(process.env.WEIR_TEST_SEED ?? clock.nowMs() % 1_000_000);
  onTestFailed(() => console.error(`repeat with WEIR_TEST_SEED=${seed}`));
  const roll = dice(seed);
  process.env.WEIR_LOG_LEVEL = "silent"; // of the producer in this process: a broker that is away is part of the play
  await using dir = await tempDir();
  const dataDir = join(dir.path, "data");
  const home = join(dir.path, "assistant");
  writeTranscripts(home);
  // processors of their own find the broker where it was
  const env = {
    WEIR_NATS_PORT: String(await freePort()),
    WEIR_LOG_LEVEL: "silent",
    WEIR_FOLLOW: "off",
    WEIR_WATCH: "off",
  };
  const up = (): Promise<Weir> => startWeir({ dataDir, args: ["--without", "validate"], env });
  let weir = await up();
  let over = false;
  const programs: Started[] = [];
  const run = (words: readonly string[]): Started => {
    const started = start(process.execPath, [CLI, ...words], { env: weir.env, input: "" });
    programs.push(started);
    return started;
  };
  /** Does it again until it is done: weir may be away, or it may have been killed itself. */
  const insist = async (words: readonly string[], each: (one: Started) => void = () => {}): Promise<void> => {
    await until(
      `${words.join(" ")} is done`,
      async () => {
        const one = run(words);
        each(one);
        return over || (await one.ended).code === 0;
      },
      { tries: 200 },
    );
  };
  let runner: Started;
  let importing: Started | undefined;
  const keepRunner = async (): Promise<Ran | undefined> => {
    let last: Ran | undefined;
    while (!over) {
      runner = run(["run", "validate"]);
      last = await runner.ended;
    }
    return last;
  };
  const sdk = createWeir({ dataDir, name: "crash", source: "test://crash", frameEventsMax: 50 });
  try {
    const running = keepRunner();
    const files = (async () => {
      for (let f = 0; f < FILES; f++) {
        const file = join(dir.path, `${f}.jsonl`);
        writeFileSync(file, Array.from({ length: FROM_FILE }, (_, k) => eventLine(f, k)).join("\n"));
        await insist(["publish", "--file", file]);
      }
    })();
    const imports = insist(["import", "claude-code", home, "--json"], (one) => {
      importing = one;
    });
    for (const work of [files, imports]) work.catch(() => {}); // awaited below

    const acts = [...ACTS].sort(() => roll(3) - 1);
    for (let k = 0; k < FROM_SDK; k++) {
      await sdk.emit({
        type: "tool.called",
        id: derivedId(1_782_900_000_000_000 + k, "crash-sdk", k),
        time: 1_782_900_000_000_000 + k,
        session: `sdk-${k % 5}`,
        data: { tool: "Read", call_id: `s${k}`, duration_ms: k, success: true },
      });
      if ((k + 1) % (FROM_SDK / (acts.length + 1)) > 0) continue;
      const act = acts.shift();
      // now at once, now in the middle of things
      if (roll(2) === 0)
        await until("some were sent", () => sdk.stats().published > 0 || sdk.stats().spooled > 0, PATIENT);
      if (act === "runner") runner!.child.kill("SIGKILL");
      if (act === "import") importing?.child.kill("SIGKILL");
      if (act === "broker") {
        const pid = await until("there is a broker", () => brokerPid(dataDir), PATIENT);
        process.kill(pid, "SIGKILL");
        await until(
          "another one was started",
          () => brokerPid(dataDir) !== pid && brokerPid(dataDir) !== undefined,
          PATIENT,
        );
      }
      if (act === "weir") {
        weir.process.child.kill("SIGKILL"); // its broker is left behind
        await weir.process.ended;
        weir = await up();
      }
    }
    await sdk.flush();
    await files;
    await imports;
    await until("the spool is sent", () => sdk.stats().spooled === 0 && sdk.stats().buffered === 0, PATIENT);
    expect(sdk.stats()).toMatchObject({ dropped: 0 });
    await sdk.close();
    const counts = () =>
      weir.sql<Record<string, number>>(
        `select (select count(*) from tool_calls where session like 'sdk-%') as sdk, (select count(*) from tool_calls where session like 'file-%') as file,
         (select count(*) from model_calls) as answers, (select count(*) - count(distinct id) from events) as doubled`,
      );
    const whole = { sdk: FROM_SDK, file: FILES * FROM_FILE, answers: SESSIONS * ANSWERS, doubled: 0 };
    await until(
      "everything is in the tables",
      async () => JSON.stringify((await counts())[0]) === JSON.stringify(whole),
      { tries: 400 },
    ).catch(async () => expect((await counts())[0]).toEqual(whole));
    const verified = await until(
      "nothing is on its way any more",
      async () => {
        const ran = await weir.run(["verify", "--json"]);
        return ran.code === 0 || ran.code === 1
          ? { ...ran, found: JSON.parse(ran.stdout) as { ok: boolean } }
          : undefined;
      },
      { tries: 5 },
    );
    expect({ ...verified.found, code: verified.code }).toMatchObject({
      ok: true,
      code: 0,
      missing: [],
      lost: [],
      frames: [],
    });
    over = true;
    runner!.child.kill("SIGTERM");
    expect((await running)?.code).toBe(0);
    expect((await weir.stop()).code).toBe(0);
  } finally {
    over = true;
    for (const { child } of programs) child.kill("SIGKILL");
    await weir[Symbol.asyncDispose]();
    const broker = brokerPid(dataDir);
    if (broker && alive(broker)) process.kill(broker, "SIGKILL");
  }
});
