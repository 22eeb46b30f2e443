import type { Event } from "../define/event.ts";

/** The key shared by all reports of one fact, or nothing where an event stands for itself. */
export function factOf(event: Event): string | undefined {
  const data = event.data as Readonly<Record<string, string | undefined>>;
  switch (event.type) {
    case "tool.started":
    case "tool.called":
    case "tool.denied":
      return data.call_id && `tool:${data.call_id}`;
    case "model.called":
      return data.message_id && `model:${data.message_id}:${data.request_id ?? ""}`;
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
