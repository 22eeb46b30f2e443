import { isLoose } from "../loose.ts";
import type { MessageLine } from "./lines.ts";

/** A JSON-RPC id. 1 and "1" are different ids. */
export type RequestId = string | number;

/** What is read of one JSON-RPC message; everything else passes unread. */
export interface Message {
  readonly id?: RequestId;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: unknown;
  readonly error?: { readonly code?: unknown; readonly message?: unknown };
  /** Size in bytes. */
  readonly bytes: number;
  /** The beginning of a message that was too long to be read whole. */
  readonly cut?: string;
}

function messageOf(value: unknown, bytes: number): Message | undefined {
  if (!isLoose(value)) return undefined;
  const { id, method, params, error } = value;
  return {
    bytes,
    ...(typeof id === "string" || typeof id === "number" ? { id } : {}),
    ...(typeof method === "string" ? { method } : {}),
    ...(isLoose(params) ? { params } : {}),
    ...("result" in value ? { result: value.result } : {}),
    // with a result beside it, some servers write null for no error
    ...("error" in value && !(error === null && "result" in value) ? { error: isLoose(error) ? error : {} } : {}),
  };
}

const ID = /"id"\s*:\s*("(?:[^"\\]|\\.)*"|-?\d+)/;
const METHOD = /"method"\s*:\s*"((?:[^"\\]|\\.)*)"/;
const CONTENT = /"(?:params|result)"\s*:/;

/**
 * A message by its edges. Known libraries write the id right at the start or right at the end, outside of params and result; text between
 * them is not searched, because it may hold anything.
 */
function messageOfEdges(head: string, tail: string, bytes: number): Message {
  const before = head.slice(0, CONTENT.exec(head)?.index ?? 0);
  const after = tail.slice(tail.lastIndexOf("}", tail.length - 2) + 1);
  const around = `${before} ${after}`;
  const id = ID.exec(around)?.[1];
  const method = METHOD.exec(around)?.[1];
  const isAnswer = method === undefined;
  const failed = /"isError"\s*:\s*true\s*[,}]/.test(tail.slice(-200)) || /^[^[]{0,200}"isError"\s*:\s*true/.test(head);
  const name = /^\s*\{?\s*"name"\s*:\s*"((?:[^"\\]|\\.)*)"/.exec(head.slice(before.length).replace(CONTENT, ""))?.[1];
  return {
    bytes,
    cut: head,
    ...(id === undefined ? {} : { id: JSON.parse(id) as RequestId }),
    ...(isAnswer ? { result: failed ? { isError: true } : {} } : { method }),
    ...(name === undefined || isAnswer ? {} : { params: { name } }),
  };
}

/** The messages of a line: none where it is no JSON-RPC, several where it is a batch. Never throws. */
export function messagesOf(line: MessageLine): readonly Message[] {
  if (!line.whole) {
    try {
      return [messageOfEdges(line.head.toString(), line.tail.toString(), line.bytes)];
    } catch {
      return [];
    }
  }
  let value: unknown;
  try {
    value = JSON.parse(line.whole.toString());
  } catch {
    return [];
  }
  if (!Array.isArray(value)) return [messageOf(value, line.bytes)].filter((m) => m !== undefined);
  return value
    .map((item) => messageOf(item, Buffer.byteLength(JSON.stringify(item))))
    .filter((m): m is Message => m !== undefined);
}
