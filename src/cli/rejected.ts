import { readFileSync } from "node:fs";
import { clock, usFromIso } from "../base/clock.ts";
import { WeirError } from "../base/errors.ts";
import { asObjects, client, query } from "./ask.ts";
import { say, sayJson } from "./print.ts";
import { faultOf } from "./publish.ts";

/** `weir rejected list`. */
export async function listRejected({ limit, json }: { limit?: string; json?: boolean }): Promise<void> {
  await query("rejected", limit === undefined ? [] : [`--limit=${limit}`], { json });
}

async function originalOf(id: string): Promise<{ row: Record<string, unknown>; bytes: Buffer }> {
  if (!/^[0-9a-f-]{36}$/.test(id))
    throw new WeirError("usage", `${id} is not the id of a rejection`, { hint: "weir rejected list shows the ids" });
  // the event itself, not the table: it holds the bytes as they travel in JSON, and is there at once
  const { columns, rows } = await client().ask("event", { id });
  const event = Object.fromEntries(columns.map(({ name }, k) => [name, rows[0]?.[k]]));
  if (event.type !== "input.rejected")
    throw new WeirError("not_found", `no rejected input has the id ${id}`, {
      hint: "weir rejected list shows the ids",
    });
  const data = (typeof event.data === "string" ? JSON.parse(event.data) : event.data) as Record<string, unknown>;
  const row: Record<string, unknown> = { id, time: event.time, source: event.source, ...data };
  return { row, bytes: Buffer.from(String(row.original ?? ""), "base64") };
}

/** `weir rejected show ID`: the reason and the input as it was kept. */
export async function showRejected(id: string, { json }: { json?: boolean }): Promise<void> {
  const { row, bytes } = await originalOf(id);
  const isText = row.content_type === "application/json" || row.content_type === "text/plain";
  const text = bytes.toString(isText ? "utf8" : "base64");
  if (json) return sayJson({ ...row, original: text });
  for (const [name, value] of Object.entries(row))
    if (name !== "original" && value !== null) say(`${name.padEnd(13)} ${String(value)}`);
  say();
  say(text);
}

/**
 * `weir rejected retry ID`: sends the input again, repaired: `--set data.tool=Bash` changes a value, `--file repaired.json` replaces all of it. The
 * rejection is marked with the event that was sent in its place.
 */
export async function retryRejected(
  id: string,
  { set = [], file, json }: { set?: readonly string[]; file?: string; json?: boolean },
): Promise<void> {
  const { row, bytes } = await originalOf(id);
  await checkOpen(row);
  if (file === undefined) checkKept(row, bytes);
  const event = jsonObject(file === undefined ? bytes.toString("utf8") : readFileSync(file === "-" ? 0 : file, "utf8"));
  // numbering belongs to the rejected one
  for (const name of ["producer", "epoch", "n"]) delete event[name];
  for (const assignment of set) {
    const equals = assignment.indexOf("=");
    if (equals < 1) throw new WeirError("usage", `--set takes path=value, not ${assignment}`);
    assign(event, assignment.slice(0, equals).split("."), valueIn(assignment.slice(equals + 1)));
  }
  const fault = faultOf(event, clock.nowUs());
  if (fault)
    throw new WeirError("bad_input", `it would be rejected again: ${fault}`, {
      hint: "nothing was sent; repair it with --set path=value or --file",
    });
  const [sent] = await client().publish([event]);
  if (sent?.status !== "accepted" || !sent.id)
    throw new WeirError("bad_input", `it was rejected again: ${sent?.error ?? "unknown"}`);
  await client().publish([{ type: "input.retried", actor: "cli", data: { rejected: id, sent: sent.id } }]);
  if (json) sayJson({ rejected: id, sent: sent.id });
  else say(`sent as ${sent.id}`);
}

/** Throws where the input was sent again already: the same id once more would have no effect, another one would be a double. */
async function checkOpen({ id, time }: Record<string, unknown>): Promise<void> {
  const since = usFromIso(String(time))!;
  const retried = await client().ask("rejected", { status: "retried", since, until: since + 1 });
  const done = asObjects(retried).find((row) => row.id === id);
  if (done)
    throw new WeirError("conflict", `it was sent again already, as ${done.sent}`, {
      hint: "weir publish records another event",
    });
}

/** Throws where what was kept of the input cannot be the beginning of a repair. */
function checkKept({ content_type, part, parts }: Record<string, unknown>, bytes: Buffer): void {
  const parted = Number(parts ?? 1) > 1 ? `this is part ${Number(part) + 1} of ${parts} of the input` : undefined;
  const foreign = content_type === "application/json" ? undefined : `this input is ${content_type}, no event as JSON`;
  const why = bytes.length === 0 ? "nothing was kept of this input" : (foreign ?? parted);
  if (why) throw new WeirError("bad_input", why, { hint: "send what it should have been with --file" });
}

function jsonObject(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new WeirError(
      "bad_input",
      `the repaired input is no JSON: ${cause instanceof Error ? cause.message : cause}`,
      { cause, hint: "send what it should have been with --file" },
    );
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new WeirError("bad_input", "the repaired input is no JSON object", {
      hint: "send what it should have been with --file",
    });
  return value as Record<string, unknown>;
}

function assign(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [name, ...rest] = path;
  if (!name || name === "__proto__" || name === "constructor" || name === "prototype")
    throw new WeirError("usage", "--set needs a path such as data.tool");
  if (rest.length === 0) {
    if (value === null) delete target[name];
    else target[name] = value;
    return;
  }
  const inner = target[name];
  const next = typeof inner === "object" && inner !== null ? (inner as Record<string, unknown>) : {};
  target[name] = next;
  assign(next, rest, value);
}

function valueIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text; // plain words need no quotes
  }
}
