import { randomBytes } from "node:crypto";
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  lstatSync,
  openSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, resolve } from "node:path";
import { WeirError } from "../base/errors.ts";

/** What a file holds; undefined where there is none. Throws where it is no text: what is read is written again. */
export function readText(file: string): string | undefined {
  if (!existsSync(file)) return undefined;
  if (!statSync(file).isFile()) throw new WeirError("file_unusable", `${file} is no file`);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(readFileSync(file));
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw new WeirError("bad_input", `${file} is no UTF-8 text`, {
      cause,
      hint: "write it as UTF-8; nothing was changed",
    });
  }
}

/** The file that a path means: links stay links, also one that leads to a file which is not there yet. */
export function behindLinks(path: string): string {
  if (existsSync(path)) return realpathSync(path);
  const link = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink();
  return link ? resolve(dirname(path), readlinkSync(path)) : path;
}

/** Throws where one of the files cannot or must not be written, before any of them is. */
export function checkWritable(files: readonly string[]): void {
  for (const file of files) {
    const refuse = (why: string): never => {
      throw new WeirError("file_unusable", `${file} cannot be changed: ${why}`, {
        hint: "make it writable, or change it by hand after what --dry-run prints; nothing was changed",
      });
    };
    // written whole beside it and renamed: a file without the right to write would be replaced all the same
    if (existsSync(file) && (statSync(file).mode & 0o222) === 0) refuse("it is read-only");
    let folder = dirname(file);
    while (!existsSync(folder)) folder = dirname(folder);
    if (!statSync(folder).isDirectory()) refuse(`${folder} is no folder`);
    try {
      accessSync(folder, constants.W_OK);
    } catch {
      refuse(`${folder} is not writable`);
    }
  }
}

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
