import { WeirError } from "../base/errors.ts";
import type { Command } from "../define/command.ts";
import type { Draft } from "../define/event.ts";
import { parseInput } from "../define/input.ts";
import { type Ask, named } from "./ask.ts";

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

/** Throws `not_found` where what an order is about is not there, so that a mistyped id does not become an event. */
export async function checkNeeds(
  commands: ReadonlyMap<string, Command>,
  name: string,
  input: unknown,
  { ask, now_us }: { readonly ask: Ask; readonly now_us: number },
): Promise<void> {
  const command = named(commands, name, "command");
  const need = command.needs?.(parseInput(command.input, input, now_us));
  if (need && (await ask(need.query, need.input)).rows.length === 0) throw new WeirError("not_found", need.missing);
}
