import type { JsonText, Path } from "../json-text.ts";
import { isLoose, type Loose } from "../loose.ts";

/** Enters values into the object at a path; those that are set to something else already, and not by weir, are left alone and named. */
export function addValues(
  settings: JsonText,
  path: Path,
  values: Loose,
  ours: (name: string, value: unknown) => boolean,
): string[] {
  const taken: string[] = [];
  for (const [name, value] of Object.entries(values)) {
    const there = settings.get([...path, name]);
    if (there === value) continue;
    if (there === undefined || ours(name, there)) settings.set([...path, name], value);
    else taken.push(name);
  }
  return taken;
}

/** Takes the named values out of the object at a path, and the object where nothing is left in it. */
export function removeValues(settings: JsonText, path: Path, names: readonly string[]): void {
  for (const name of names) if (settings.get([...path, name]) !== undefined) settings.remove([...path, name]);
  const left = settings.get(path);
  if (isLoose(left) && Object.keys(left).length === 0 && names.length > 0) settings.remove(path);
}

/** Enters weir among the MCP servers at a path; false where another program has that name. */
export function addMcpServer(settings: JsonText, path: Path, server: Loose): boolean {
  const there = settings.get([...path, "weir"]);
  if (there !== undefined && !isWeir(there)) return false;
  if (JSON.stringify(there) !== JSON.stringify(server)) settings.set([...path, "weir"], server);
  return true;
}

/** Takes weir out of the MCP servers at a path. */
export function removeMcpServer(settings: JsonText, path: Path): void {
  if (isWeir(settings.get([...path, "weir"]))) removeValues(settings, path, ["weir"]);
}

/** Whether an MCP server is weir: its command ends in `mcp`. */
const isWeir = (server: unknown): boolean => {
  if (!isLoose(server)) return false;
  const words = [server.command ?? [], server.args ?? []].flat();
  return words.at(-1) === "mcp";
};
