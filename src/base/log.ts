import pino from "pino";

/** Structured logs as JSON lines on stderr; stdout belongs to answers and protocols. */
export type Log = pino.Logger;

/** A logger for one part of weir. `level` is one of pino's: trace, debug, info, warn, error, fatal, silent. */
export function createLog(part: string, level: string): Log {
  return pino(
    {
      name: part,
      level,
      base: { part },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ dest: 2, sync: true }),
  );
}
