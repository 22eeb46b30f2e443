import { LIMITS } from "../../base/limits.ts";
import type { Draft } from "../../define/event.ts";
import { commitCreated, fileChanged } from "../../events/work.ts";
import { boundKey, short } from "../bound.ts";
import { isLoose, type Loose, listOf, looseOf, textOf } from "../loose.ts";
import { type Context, idOf } from "./record.ts";
import type { OpenCall } from "./state.ts";

const FILE_TOOLS = new Set(["Read", "Write", "Edit", "MultiEdit", "NotebookEdit"]);

/** The files and commits that a successful call worked on. */
export function workOf(context: Context, call: OpenCall): Draft[] {
  const result = looseOf(context.record.toolUseResult);
  if (FILE_TOOLS.has(call.tool)) return changedFile(context, call, result);
  return isLoose(result.gitOperation) ? createdCommit(context, call, result) : [];
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
  const pull = looseOf(operation.pr).number;
  return [
    commitCreated.of(
      { ...context.envelope, id: idOf(context, "commit.created", sha, call.id), subject: sha, fact: `commit:${sha}` },
      {
        sha,
        kind: short(commit.kind, 32),
        message: short(line?.slice(line.indexOf("] ") + 2), 1_000),
        files: files === undefined ? undefined : Number(files),
        call_id: call.id,
        pull_request: typeof pull === "number" && Number.isSafeInteger(pull) && pull >= 0 ? pull : undefined,
      },
    ),
  ];
}
