import { rmSync, statSync } from "node:fs";
import { readConfig } from "../base/config.ts";
import { WeirError } from "../base/errors.ts";
import { redactText } from "../base/redact.ts";
import { sameButSpace } from "../capture/json-text.ts";
import { type Configured, counterpart, type Editor } from "../capture/mcp/configured/editor.ts";
import { frontOf, standingOf } from "../capture/mcp/configured/front.ts";
import { OF_PLUGIN } from "../capture/mcp/configured/plugins.ts";
import { diffLines } from "./diff.ts";
import { openServers, proxyOf, type ServersFile, serversFiles } from "./mcp-servers.ts";
import { note, say, sayJson } from "./print.ts";
import { type ProxyRecord, runningProxies } from "./proxies.ts";
import { checkWritable, readText, replaceFile } from "./settings-file.ts";
import { ownFolder, program } from "./setup.ts";

interface WrapAll {
  readonly undo?: boolean;
  readonly dryRun?: boolean;
  readonly scope: string;
  readonly json?: boolean;
}

/** What became of one server. */
interface Done {
  readonly assistant: string;
  readonly name: string;
  readonly file: string;
  readonly done: "wrapped" | "taken away" | "left";
  readonly why?: string;
}

/** What the copy of a file is called, behind its name. */
export const WRAP_BACKUP = ".weir-wrap-backup";

/** `weir wrap --all`: puts the recording proxy in front of every MCP server of the assistants on this machine; `--undo` takes it away. */
export function wrapAll(options: WrapAll): void {
  const { scope, undo = false } = options;
  if (scope !== "user" && scope !== "project")
    throw new WeirError("usage", `--scope takes user or project, not ${scope.slice(0, 40)}`);
  const config = readConfig();
  const { files, problems } = serversFiles();
  const told: Done[] = [];
  const changed: ServersFile[] = [];
  const writes: (() => void)[] = [];
  const proxies = runningProxies(config.dataDir);
  for (const one of files.filter(({ place }) => place.scope === scope)) {
    const kept = readText(one.file + WRAP_BACKUP);
    const was = kept === undefined ? undefined : openServers(kept, one.place, one.file);
    for (const server of one.editor.servers) {
      const became = one.place.plugin
        ? { done: "left" as const, why: undo ? "no proxy stands in front" : OF_PLUGIN }
        : undo
          ? takeAway(one.editor, server, was)
          : putBefore(one.editor, server, proxies, (name) =>
              frontOf(program("src/cli.js", "src/cli"), name, ownFolder(config)),
            );
      told.push({ assistant: one.place.assistant, name: server.name, file: one.file, ...became });
    }
    if (one.editor.text === one.text) continue;
    changed.push(one);
    writes.push(() => write(one, { undo, kept, was }));
  }
  if (!options.dryRun) {
    checkWritable(changed.map(({ file }) => file));
    for (const one of writes) one();
  }
  if (options.json) {
    sayJson({
      dry_run: options.dryRun ?? false,
      changed: changed.map(({ file }) => file),
      servers: told,
      problems,
      ...(options.dryRun && {
        diff: changed.map(({ file, text, editor }) => ({ file, lines: diffLines(text, editor.text) })),
      }),
    });
    return;
  }
  for (const { file, text, editor } of options.dryRun ? changed : []) {
    say(`--- ${file}\n+++ ${file}`);
    for (const line of diffLines(text, editor.text)) say(line);
  }
  for (const { assistant, name, done, why } of told) {
    const became = options.dryRun && done !== "left" ? `would be ${done}` : done;
    say(`${assistant} ${name}: ${became}${why ? ` (${why})` : ""}`);
  }
  if (told.length === 0) say("No MCP server is configured for an assistant that weir knows.");
  else if (changed.length > 0 && !options.dryRun)
    say("Assistants that run take this up when they start their servers again.");
  for (const problem of problems) note(problem);
}

type Became = Pick<Done, "done" | "why">;

function putBefore(
  editor: Editor,
  server: Configured,
  proxies: readonly ProxyRecord[],
  front: (name: string) => readonly string[],
): Became {
  const standing = standingOf(server);
  if (standing.kind === "weir") return { done: "left", why: "it is weir's own" };
  if (standing.kind === "wrapped") return { done: "left", why: "weir stands in front already" };
  if (server.odd !== undefined) return { done: "left", why: server.odd };
  if (server.url !== undefined) {
    if (proxyOf(proxies, server.url, "url")) return { done: "left", why: "weir stands in front already" };
    const proxy = proxyOf(proxies, server.url, "to");
    const how = `weir proxy --name ${server.name} --to ${redactText(server.url)}`;
    if (!proxy) return { done: "left", why: `it speaks HTTP: let \`${how}\` run, and say this again` };
    editor.setUrl(server, proxy.url);
    return { done: "wrapped" };
  }
  editor.prepend(server, front(server.name));
  return { done: "wrapped" };
}

function takeAway(editor: Editor, server: Configured, was: Editor | undefined): Became {
  const standing = standingOf(server);
  if (standing.kind === "wrapped") {
    if (standing.byHand) return { done: "left", why: "the proxy was put there by hand" };
    editor.strip(server, standing.count, was);
    return { done: "taken away" };
  }
  const before = counterpart(was, server);
  if (server.url === undefined || before?.url === undefined || before.url === server.url)
    return { done: "left", why: "no proxy stands in front" };
  if (!isLocal(server.url)) return { done: "left", why: "its address was changed since" };
  editor.setUrl(server, before.url);
  return { done: "taken away" };
}

/** A file as it is without the proxies that weir put in front. */
function withoutProxies({ text, place, file }: ServersFile, was: Editor | undefined): string {
  const editor = openServers(text, place, file);
  for (const server of editor.servers) takeAway(editor, server, was);
  return editor.text;
}

/**
 * Writes a file. What it is without proxies is kept beside it, so that servers which were entered after the first change find their way back too; taking
 * the proxies away puts that back where only space differs.
 */
function write(
  one: ServersFile,
  { undo, kept, was }: { readonly undo: boolean; readonly kept: string | undefined; readonly was: Editor | undefined },
): void {
  const { file, editor, place } = one;
  const backup = file + WRAP_BACKUP;
  const isKept = (text: string): boolean =>
    kept !== undefined && (kept === text || (place.format === "json" && sameButSpace(kept, text)));
  if (!undo) {
    const bare = withoutProxies(one, was);
    if (!isKept(bare)) replaceFile(backup, bare, statSync(file).mode & 0o777);
    replaceFile(file, editor.text);
    return;
  }
  replaceFile(file, isKept(editor.text) ? kept! : editor.text);
  rmSync(backup, { force: true });
}

/** Whether an address can be that of a proxy on this machine. */
export const isLocal = (url: string): boolean => /^http:\/\/(127\.0\.0\.1|\[::1\]|localhost):\d+/.test(url);
