import type { WeirError } from "../../base/errors.ts";
import { type Store, storeError } from "../../store/open.ts";
import type { Db } from "./db.ts";

/** The writing connection of a store: one piece of work at a time, and one transaction, whose commit goes on while the next is made ready. */
export class Writing {
  private readonly store: Store;
  private queue: Promise<unknown> = Promise.resolve();
  /** The commit on its way. While the disk writes it, the next batch is made ready in memory. */
  committing: Promise<void> = Promise.resolve();
  /** Why a commit failed. Nothing more can be written then. */
  broken: unknown;
  private begun = false;

  constructor(store: Store) {
    this.store = store;
  }

  /** Runs work when all that was asked for before is done. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    const run = this.queue.then(work);
    this.queue = run.catch(() => {}); // who asked for the work is told
    return run;
  }

  /** The connection, in the open transaction. */
  readonly db: Db = async () => {
    await this.committing;
    if (!this.begun) {
      await this.store.writer.run("begin");
      this.begun = true;
    }
    return this.store.writer;
  };

  /** Sends the commit off. One that fails leaves an unknown result: the position is read again by whoever opens the store next. */
  commit(): void {
    this.begun = false;
    this.committing = this.store.writer.run("commit").then(
      () => {},
      (error: unknown) => {
        this.broken = error;
        throw this.failure(error);
      },
    );
    this.committing.catch(() => {}); // whoever submitted the batch is told, and whoever comes next
  }

  async rollback(): Promise<void> {
    if (this.begun) await this.store.writer.run("rollback").catch(() => {}); // the failure itself is what is told
    this.begun = false;
  }

  /** What failed, as the error it is. */
  failure(error: unknown): WeirError {
    return storeError(this.store.file, this.broken ?? error);
  }
}
