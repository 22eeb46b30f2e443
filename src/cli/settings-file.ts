import { randomBytes } from "node:crypto";
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";

/** What a file holds; undefined where there is none. */
export const readText = (file: string): string | undefined =>
  existsSync(file) ? readFileSync(file, "utf8") : undefined;

/** Writes a file whole or not at all. It keeps its mode; a new one is its owner's alone unless `mode` says otherwise. */
export function replaceFile(file: string, text: string, mode?: number): void {
  const temporary = `${file}.${randomBytes(4).toString("hex")}`;
  const access = mode ?? (existsSync(file) ? statSync(file).mode & 0o777 : 0o600);
  writeFileSync(temporary, text, { mode: access });
  const fd = openSync(temporary, "r+");
  fsyncSync(fd);
  closeSync(fd);
  renameSync(temporary, file);
}
