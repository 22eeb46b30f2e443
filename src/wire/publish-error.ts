import { JetStreamApiError } from "@nats-io/jetstream";
import { errors } from "@nats-io/transport-node";
import { WeirError } from "../base/errors.ts";

const FENCED = [10071, 10164]; // wrong last sequence, with and without the number that was expected
const FULL = [10002, 10023, 10047, 10077]; // account limit, server resources, store reservation, stream limit or failed store

/** Whether a publish was refused because somebody else wrote to the subject meanwhile: this runner must stop. */
export function isFenced(thrown: unknown): boolean {
  return thrown instanceof JetStreamApiError && FENCED.includes(thrown.code);
}

/** Whether nobody answered for JetStream: it is off for this user, or no stream takes the subject. */
export function isNotEnabled(thrown: unknown): thrown is Error {
  return thrown instanceof Error && thrown.name === "JetStreamNotEnabled"; // the client does not export the class
}

/**
 * What a failed publish means: `broker_full` (back-pressure: wait), `broker_unreachable` (wait; it may be stored), `timeout` (it may be stored: repeat
 * with the same id), `broker_refused` (not allowed). A fenced publish and what is unknown are given back as they are.
 */
export function publishError(thrown: unknown): unknown {
  const because = (
    code: "broker_full" | "broker_unreachable" | "timeout" | "broker_refused" | "limit_reached",
    what: string,
  ) => new WeirError(code, `${what}: ${thrown instanceof Error ? thrown.message : String(thrown)}`, { cause: thrown });
  if (isFenced(thrown)) return thrown;
  if (thrown instanceof JetStreamApiError) {
    return FULL.includes(thrown.code) ? because("broker_full", "the broker takes nothing more") : thrown;
  }
  // The client says "not enabled" also where no stream takes the subject, or the one that does has no leader just now.
  if (isNotEnabled(thrown)) return because("broker_unreachable", "no stream takes the subject");
  if (!(thrown instanceof Error)) return thrown;
  for (const error of [thrown, thrown.cause]) {
    // The client gives up requests under way when the connection goes; whether they were stored is not known.
    if (error instanceof errors.RequestError && /^connection (disconnected|closed)/.test(error.message)) {
      return because("broker_unreachable", "the connection to the broker broke");
    }
    if (error instanceof errors.TimeoutError) return because("timeout", "the broker did not acknowledge in time");
    if (error instanceof errors.PermissionViolationError)
      return because("broker_refused", "this user may not publish there");
    if (
      error instanceof errors.ClosedConnectionError ||
      error instanceof errors.DrainingConnectionError ||
      error instanceof errors.ConnectionError
    ) {
      return because("broker_unreachable", "the connection to the broker is closed");
    }
    if (error instanceof errors.InvalidArgumentError && /payload/.test(error.message)) {
      return because("limit_reached", "the message is too large");
    }
  }
  return thrown;
}

/** Whether a request failed because the broker, or the leader of a stream, is away for now: the same request may do later. */
export function isAway(thrown: unknown): boolean {
  const error = publishError(thrown);
  return error instanceof WeirError && (error.code === "broker_unreachable" || error.code === "timeout");
}
