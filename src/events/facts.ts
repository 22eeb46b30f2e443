import type { Event } from "../define/event.ts";

/** Requests as Anthropic's API numbers them: unique by themselves, so a source that does not know the answer's id has the same key. */
const UNIQUE_REQUEST = /^req_[A-Za-z0-9]{16,}$/;

/** The key of a model's answer: its request where the request's id is unique, else the answer's id with that of the request. */
export function answerFact(message_id: string | undefined, request_id: string | undefined): string | undefined {
  if (request_id !== undefined && UNIQUE_REQUEST.test(request_id)) return `model:${request_id}`;
  return message_id && `model:${message_id}:${request_id ?? ""}`;
}

/** The key shared by all reports of one fact, or nothing where an event stands for itself. */
export function factOf(event: Event): string | undefined {
  const data = event.data as Readonly<Record<string, string | undefined>>;
  switch (event.type) {
    case "tool.started":
    case "tool.called":
    case "tool.denied":
      return data.call_id && `tool:${data.call_id}`;
    // the proxy sees the call that the assistant reports too; without the assistant's id nothing tells that it is the same
    case "mcp.called":
      return data.method === "tools/call" && data.call_id ? `tool:${data.call_id}` : undefined;
    case "model.called":
      return answerFact(data.message_id, data.request_id);
    case "prompt.submitted":
      return data.message_id ? `prompt:${data.message_id}` : data.prompt_id && `prompt:${data.prompt_id}`;
    case "commit.created":
      return `commit:${data.sha}`;
    case "file.changed":
      return data.call_id && `file:${data.call_id}:${data.path}`;
    default:
      return undefined;
  }
}
