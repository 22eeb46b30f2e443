import { ASSIGNMENT_RULES } from "./assignments.ts";
import { BLOCK_RULES } from "./blocks.ts";
import { COMMAND_RULES } from "./commands.ts";
import { HEADER_RULES } from "./headers.ts";
import { PROVIDER_RULES } from "./providers.ts";
import type { Rule } from "./rule.ts";

/** The most telling shape first: what one rule marked, the later ones leave alone. */
export const RULES: readonly Rule[] = [
  ...BLOCK_RULES,
  ...PROVIDER_RULES,
  ...HEADER_RULES,
  ...COMMAND_RULES,
  ...ASSIGNMENT_RULES,
];
/** Taking a secret away can lay the next one bare; each pass removes at least one. */
export const PASSES_MAX = 4;
