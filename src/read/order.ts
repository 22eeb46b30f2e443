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

/**
 * Throws `not_found` where what an order is about is not there, so that a mistyped id does not become an event, and `limit_reached` where there is no room
 * for what it adds, so that it is not taken and then ignored.
 */
export async function checkNeeds(
  commands: ReadonlyMap<string, Command>,
  name: string,
  input: unknown,
  { ask, now_us }: { readonly ask: Ask; readonly now_us: number },
): Promise<void> {
  const command = named(commands, name, "command");
  const given = parseInput(command.input, input, now_us);
  const room = command.room?.(given);
  if (room) {
    const { columns, rows } = await ask(room.query, {});
    const at = columns.findIndex(({ name }) => name === "name");
    if (rows.length >= room.max && !rows.some((row) => row[at] === room.name))
      throw new WeirError("limit_reached", room.full, { hint: room.hint });
  }
  const need = command.needs?.(given);
  if (need && (await ask(need.query, need.input)).rows.length === 0) throw new WeirError("not_found", need.missing);
}
