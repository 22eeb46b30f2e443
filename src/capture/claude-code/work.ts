import { LIMITS } from "../../base/limits.ts";
import type { Draft } from "../../define/event.ts";
import { commitCreated, fileChanged, pullRequestLinked } from "../../events/work.ts";
import { boundKey, short } from "../bound.ts";
import { isLoose, type Loose, listOf, looseOf, textOf } from "../loose.ts";
import { type Context, idOf } from "./record.ts";
import type { OpenCall } from "./state.ts";

const FILE_TOOLS = new Set(["Read", "Write", "Edit", "MultiEdit", "NotebookEdit"]);

/** The files, commits and pull requests that a successful call worked on. */
export function workOf(context: Context, call: OpenCall): Draft[] {
  const result = looseOf(context.record.toolUseResult);
  if (FILE_TOOLS.has(call.tool)) return changedFile(context, call, result);
  if (!isLoose(result.gitOperation)) return [];
  return [...createdCommit(context, call, result), ...linkedPull(context, looseOf(result.gitOperation.pr), call.id)];
}

function changedFile(context: Context, call: OpenCall, result: Loose): Draft[] {
  const path = short(result.filePath, 1024) ?? short(looseOf(result.file).filePath, 1024) ?? call.file_path;
  if (path === undefined || textOf(result.error) !== undefined) return [];
  const fact = boundKey(`file:${call.id}:${path}`, 512);
  return [
    fileChanged.of(
      {
        ...context.envelope,
        id: idOf(context, "file.changed", fact),
        subject: boundKey(path, LIMITS.subject_chars_max),
        fact,
      },
      { path, action: actionOf(call.tool, result), call_id: call.id, ...linesOf(result) },
    ),
  ];
}

function actionOf(tool: string, result: Loose): "read" | "created" | "changed" {
  if (tool === "Read") return "read";
  return tool === "Write" && result.type === "create" ? "created" : "changed";
}

/** Lines added and removed: from the patch, or all lines of a file that is new. */
function linesOf(result: Loose): { lines_added?: number; lines_removed?: number } {
  if (result.type === "create" && typeof result.content === "string") {
    return { lines_added: countLines(result.content), lines_removed: 0 };
  }
  if (!Array.isArray(result.structuredPatch)) return {};
  let lines_added = 0;
  let lines_removed = 0;
  for (const line of result.structuredPatch.flatMap((hunk) => listOf(looseOf(hunk).lines))) {
    if (typeof line !== "string") continue;
    if (line.startsWith("+")) lines_added += 1;
    else if (line.startsWith("-")) lines_removed += 1;
  }
  return { lines_added, lines_removed };
}

function countLines(text: string): number {
  if (text === "") return 0;
  let lines = text.endsWith("\n") ? 0 : 1;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) lines += 1;
  return lines;
}

/** `commit.created` from the link to git that newer versions put beside a shell command's output. */
function createdCommit(context: Context, call: OpenCall, result: Loose): Draft[] {
  const operation = looseOf(result.gitOperation);
  const commit = looseOf(operation.commit);
  const sha = short(commit.sha, 64);
  if (sha === undefined) return [];
  // git prints "[branch sha] first line" and "N files changed"
  const printed = (textOf(result.stdout) ?? "").slice(0, 65_536);
  const line = printed.split("\n").find((text) => text.startsWith("[") && text.includes(` ${sha.slice(0, 7)}`));
  const files = /^ (\d{1,9}) files? changed/m.exec(printed)?.[1];
  return [
    commitCreated.of(
      { ...context.envelope, id: idOf(context, "commit.created", sha, call.id), subject: sha, fact: `commit:${sha}` },
      {
        sha,
        kind: short(commit.kind, 32),
        message: short(line?.slice(line.indexOf("] ") + 2), 1_000),
        files: files === undefined ? undefined : Number(files),
        call_id: call.id,
        pull_request: pullNumber(looseOf(operation.pr).number),
      },
    ),
  ];
}

/** Path of a pull request's page, at GitHub and those that are like it, with the repository in front. */
const PULL_PAGE = /^https?:\/\/[^/]+\/(.{1,250}?)(?:\/-)?\/(?:pull|pulls|pull-requests|merge_requests)\/\d+/;

/** `pull_request.linked` from a line that names the session's pull request. */
export function linkedPullLine(context: Context): Draft[] {
  const { prNumber: number, prUrl: url, prRepository: repository } = context.record;
  return linkedPull(context, { number, url, repository }, undefined);
}

function linkedPull(context: Context, pull: Loose, call_id: string | undefined): Draft[] {
  const number = pullNumber(pull.number);
  if (number === undefined) return [];
  const url = short(pull.url, 1024);
  const repository = short(pull.repository, 256) ?? PULL_PAGE.exec(url ?? "")?.[1];
  const name = `${repository ?? ""}#${number}`;
  const action = short(pull.action, 32);
  return [
    pullRequestLinked.of(
      {
        ...context.envelope,
        id: idOf(context, "pull_request.linked", name, action ?? "", call_id ?? ""),
        subject: boundKey(name, LIMITS.subject_chars_max),
        fact: boundKey(`pull:${context.session ?? ""}:${name}`, 512),
      },
      { number, repository, url, action, call_id },
    ),
  ];
}

const pullNumber = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
