import type { Command } from "../define/command.ts";
import type { Draft } from "../define/event.ts";
import { parseInput } from "../define/input.ts";
import { named } from "./ask.ts";

/** The events an order leads to, with who gave it: what an implementation of `order` publishes. Throws `not_found` and `bad_input`. */
export function decideOrder(
  commands: ReadonlyMap<string, Command>,
  name: string,
  input: unknown,
  { actor, now_us }: { readonly actor: string; readonly now_us: number },
): readonly Draft[] {
  const command = named(commands, name, "command");
  return command
    .decide(parseInput(command.input, input, now_us), now_us)
    .map((draft) => ({ ...draft, actor: actor.slice(0, 256) }));
}
