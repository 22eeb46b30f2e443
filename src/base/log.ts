import pino from "pino";
import { WeirError } from "./errors.ts";

/** Structured logs as JSON lines on stderr; stdout belongs to answers and protocols. */
export type Log = pino.Logger;

/** A failure that has a code is told by it: where in weir it was noticed helps nobody. All others are told with their stack. */
export function loggedError(error: Error): object {
  if (!(error instanceof WeirError) || error.code === "internal") return pino.stdSerializers.err(error);
  const { code, message, hint, cause } = error;
  return { code, message, hint, ...(cause instanceof Error && { cause: cause.message }) };
}

/** A logger for one part of weir. `level` is one of pino's: trace, debug, info, warn, error, fatal, silent. */
export function createLog(part: string, level: string): Log {
  return pino(
    {
      name: part,
      level,
      base: { part },
      serializers: { err: loggedError },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ dest: 2, sync: true }),
  );
}
