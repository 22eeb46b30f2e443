import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openSealed, readSealed, type SealedFile, writeSealed } from "../../base/sealed.ts";

/**
 * Files beside the store that make a start quick. What is in them can be made again from the tables; they belong to one making of the log, whose
 * `identity` stands in the folder.
 */
export class Caches {
  private readonly folder: string;
  private written: string | undefined;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** The bytes saved under a name for that log; undefined where there are none, or where they are damaged. */
  read(name: string, identity: string): Buffer | undefined {
    return this.identity() === identity ? readSealed(join(this.folder, name)) : undefined;
  }

  /** The same, without taking them into memory. */
  open(name: string, identity: string): SealedFile | undefined {
    return this.identity() === identity ? openSealed(join(this.folder, name)) : undefined;
  }

  /** Saves bytes for that log. What belongs to another one goes. */
  write(name: string, identity: string, parts: readonly Uint8Array[]): void {
    if (this.written !== identity && this.identity() !== identity) {
      rmSync(this.folder, { recursive: true, force: true });
      mkdirSync(this.folder, { recursive: true, mode: 0o700 });
      writeFileSync(join(this.folder, "identity"), identity, { mode: 0o600 });
    }
    this.written = identity;
    writeSealed(join(this.folder, name), parts);
  }

  private identity(): string | undefined {
    try {
      return readFileSync(join(this.folder, "identity"), "utf8");
    } catch {
      return undefined; // there is none, or something else has the folder's name
    }
  }
}
