import { each, fields, input, name, named, type Outline, prompt, size, there } from "../hooks/outline.ts";

const info = fields({
  ...named("id", "sessionID", "parentID", "directory", "version", "role", "modelID", "providerID", "finish", "cost"),
  time: fields(named("created", "completed")),
  tokens: fields({ ...named("input", "output", "reasoning"), cache: fields(named("read", "write")) }),
  error: fields(named("name")),
});
const part = fields({
  ...named("sessionID", "callID", "tool", "type"),
  state: fields({ ...named("status"), input, error: there, time: fields(named("start", "end")) }),
});

/** What OpenCode's plugin tells beside texts: an event of its bus with its properties, or what a hook was given and gives. */
export const opencodeOutline: Outline = {
  session: [
    "input.sessionID",
    "event.properties.sessionID",
    "event.properties.info.sessionID",
    "event.properties.part.sessionID",
  ],
  sessionOf: { "session.created": "event.properties.info.id" },
  folder: ["event.properties.info.directory", "directory"],
  transcript: [],
  kind: ["event.type", "hook"],
  kept: {
    ...named("hook", "directory"),
    event: fields({
      type: name,
      properties: fields({ ...named("sessionID", "file"), info, part, error: fields(named("name")) }),
    }),
    input: fields({
      ...named("sessionID", "tool", "callID", "messageID", "type"),
      args: input,
      metadata: input,
      pattern: size,
    }),
    output: fields({
      message: fields(named("id")),
      parts: each(fields({ ...named("type", "synthetic"), text: prompt })),
      args: input,
      output: size,
      metadata: fields(named("exit")),
    }),
  },
};
