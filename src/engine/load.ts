import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Command } from "../define/command.ts";
import type { Processor } from "../define/processor.ts";
import type { Projection } from "../define/projection.ts";
import type { Query } from "../define/query.ts";

/** Everything that is found by its folder and file name. */
export interface Definitions {
  readonly processors: ReadonlyMap<string, Processor>;
  readonly projections: ReadonlyMap<string, Projection>;
  readonly queries: ReadonlyMap<string, Query>;
  readonly commands: ReadonlyMap<string, Command>;
}

/** Folders of the definitions, below the project's root or the built one. */
const FOLDERS = {
  processors: "processors",
  projections: "projections",
  queries: "src/read/queries",
  commands: "src/commands",
} as const;

async function loadFolder<T>(folder: string): Promise<ReadonlyMap<string, T>> {
  const files = readdirSync(folder)
    .filter((file) => /^[a-z][a-z0-9_]*\.(ts|js)$/.test(file))
    .sort();
  const loaded = await Promise.all(
    files.map((file) => import(pathToFileURL(join(folder, file)).href) as Promise<{ default: T }>),
  );
  return new Map(files.map((file, k) => [basename(file).replace(/\.(ts|js)$/, ""), loaded[k]!.default]));
}

/** Loads every definition below `root`: a file's default export under the file's name. */
export async function loadDefinitions(root: string): Promise<Definitions> {
  const [processors, projections, queries, commands] = await Promise.all([
    loadFolder<Processor>(join(root, FOLDERS.processors)),
    loadFolder<Projection>(join(root, FOLDERS.projections)),
    loadFolder<Query>(join(root, FOLDERS.queries)),
    loadFolder<Command>(join(root, FOLDERS.commands)),
  ]);
  return { processors, projections, queries, commands };
}

/** Loads the processors alone: what `weir run` needs, without DuckDB. */
export const loadProcessors = (root: string): Promise<ReadonlyMap<string, Processor>> =>
  loadFolder<Processor>(join(root, FOLDERS.processors));

/** Loads the projections alone. */
export const loadProjections = (root: string): Promise<ReadonlyMap<string, Projection>> =>
  loadFolder<Projection>(join(root, FOLDERS.projections));
