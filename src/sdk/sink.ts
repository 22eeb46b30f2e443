import type { Draft } from "../define/event.ts";

/** Where producers put events. Made by `createWeir`; importers, hooks and commands are handed one. */
export interface Sink {
  /**
   * Takes one event. Resolves as soon as there is room for it in the buffer (back-pressure), not when it is durable. Missing id and
   * time are filled in, secrets are redacted before anything is kept.
   */
  emit(draft: Draft): Promise<void>;
  /** Resolves when everything emitted so far is acknowledged by the broker, or is on disk in the spool. */
  flush(): Promise<{ readonly published: number; readonly spooled: number }>;
}
