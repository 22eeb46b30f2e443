import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Folder that holds processors/, projections/ and src/: the project's own in development, dist/ where weir is built. */
export function definitionsRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "processors"))) {
    const up = dirname(folder);
    if (up === folder) throw new Error("the folder of the definitions is missing");
    folder = up;
  }
  return folder;
}

/** Folder of the package: where package.json and nats.conf lie. */
export function packageRoot(): string {
  let folder = definitionsRoot();
  while (!existsSync(join(folder, "package.json"))) folder = dirname(folder);
  return folder;
}

/** weir's version. */
export const version = (): string =>
  (JSON.parse(readFileSync(join(packageRoot(), "package.json"), "utf8")) as { version: string }).version;

/** A file of the source tree, as it is called in this run: `.ts` in development, `.js` where weir is built. */
export function entry(path: string): string {
  const built = join(definitionsRoot(), `${path}.js`);
  return existsSync(built) ? built : join(definitionsRoot(), `${path}.ts`);
}
