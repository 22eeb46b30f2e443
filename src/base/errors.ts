/**
 * The closed list of error codes. A code has one message shape and one hint; surfaces (exit code, HTTP status, MCP error)
 * are chosen by the surface, never stored here.
 */
export const ERRORS = {
  usage: "run the command with --help to see what it takes",
  not_running: "start it with: weir up",
  already_running: "stop the other instance, or choose another WEIR_DATA_DIR",
  bad_config: "correct the value; `weir config` lists every option",
  data_dir_unusable: "choose a writable folder with WEIR_DATA_DIR",
  data_dir_newer: "update weir, or choose another WEIR_DATA_DIR",
  port_in_use: "choose another port, or 0 for any free one",
  broker_missing: "see the list of ways to get nats-server below",
  broker_failed: "read the last lines of its log below",
  broker_unreachable: "check that the broker runs and that WEIR_NATS_URL names it",
  broker_refused: "change the broker's settings, or let weir start its own",
  broker_full: "free disk space or raise the stream's limit; nothing is lost, producers keep what they have",
  stream_changed: "the log was replaced or cut; `weir rebuild` starts the tables over from what the log holds",
  store_corrupt: "`weir rebuild` sets the file aside and builds the tables again from the log",
  archive_broken:
    "put the file back from a backup; the tables keep what they have. `weir verify` checks every file of the archive",
  store_failed: "look at the log; the position is kept, a restart continues from it",
  frame_invalid: "the bytes are kept in the table rejected; `weir rejected show ID` prints them",
  bad_input: "correct the input",
  not_found: "list what there is with the matching query",
  file_unusable: "check the path, its permissions, and the free space of the disk",
  conflict: "somebody else changed it meanwhile; read it again",
  timeout: "try again; `weir status` tells what is behind",
  sql_refused: "one SELECT over the documented tables; see docs/reference/tables.md",
  sql_failed: "correct the statement",
  limit_reached: "narrow the request",
  unauthorized: "send the token of runtime.json as Authorization: Bearer <token>",
  forbidden: "the request came from an address or page that is not allowed",
  spool_full: "weir was away for long; start it so that the spool drains",
  internal: "this is a bug in weir; please report it with the log",
} as const;

/** One of the codes of {@link ERRORS}. */
export type ErrorCode = keyof typeof ERRORS;

/** A failure of the outside world or of a request, with a code, a message, and a hint what to do. */
export class WeirError extends Error {
  readonly code: ErrorCode;
  readonly hint: string;
  constructor(code: ErrorCode, message: string, options: { cause?: unknown; hint?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "WeirError";
    this.code = code;
    this.hint = options.hint ?? ERRORS[code];
  }
  /** `error: <code>: what happened (what to do)`: the line a person sees. */
  line(): string {
    return `error: ${this.code}: ${this.message} (${this.hint})`;
  }
}

/** System calls on files; the others concern processes and the network, whose failures their callers explain. */
const FILE_CALLS =
  /^(open|read|write|close|f?stat|lstat|access|mkdir|rmdir|scandir|opendir|readdir|rename|unlink|rm|copyfile|link|symlink|readlink|f?truncate|fsync|fdatasync|f?chmod|statfs|mkdtemp)$/;
const NETWORK_CODES = /^(E?PIPE|ECONN|ETIMEDOUT|ENET|EHOST|EADDR)/;

/** Whether the operating system refused to do something with a file. */
function isFileFault(thrown: unknown): thrown is NodeJS.ErrnoException {
  const { code, syscall } = (thrown ?? {}) as NodeJS.ErrnoException;
  return typeof code === "string" && FILE_CALLS.test(syscall ?? "") && !NETWORK_CODES.test(code);
}

/** What the system says when it refuses to do something with a file, in words. */
const REFUSALS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EDQUOT: "the disk quota is used up",
  EEXIST: "it exists already",
  EIO: "the disk reports an error",
  EISDIR: "it is a folder",
  EMFILE: "too many files are open",
  ENOENT: "it does not exist",
  ENOSPC: "no room is left on the disk",
  ENOTDIR: "a part of the path is no folder",
  ENOTEMPTY: "the folder is not empty",
  EPERM: "permission denied",
  EROFS: "the file system is read-only",
};

function refusal({ code = "", syscall, path, message }: NodeJS.ErrnoException): string {
  const said = REFUSALS[code];
  return said ? `${path ?? "a file"}: ${said} (${code} from ${syscall})` : message;
}

/** Any thrown value as a WeirError; what the system refused to do with a file is told so, unknown ones become `internal`. */
export function toWeirError(thrown: unknown): WeirError {
  if (thrown instanceof WeirError) return thrown;
  if (isFileFault(thrown)) return new WeirError("file_unusable", refusal(thrown), { cause: thrown });
  return new WeirError("internal", thrown instanceof Error ? thrown.message : String(thrown), { cause: thrown });
}
