import { WeirError } from "../../base/errors.ts";

/** Failures no event is to blame for. */
export const isFatal = (error: unknown): boolean =>
  error instanceof WeirError || /FATAL|invalidated|No space/i.test(String(error));

/** What stopped a batch, as the failure of the store it is. */
export const asStoreError = (error: unknown): WeirError =>
  error instanceof WeirError
    ? error
    : new WeirError(
        "store_failed",
        `the tables could not be written: ${error instanceof Error ? error.message.split("\n")[0] : error}`,
        { cause: error },
      );
