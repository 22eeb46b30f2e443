import { isLoose, looseOf, textOf } from "../loose.ts";

/** The text of a part or a list of parts, as Gemini's API has them; undefined where there is none. */
export function textOfParts(parts: unknown): string | undefined {
  if (typeof parts === "string") return parts;
  if (isLoose(parts)) return partText(parts);
  if (!Array.isArray(parts)) return undefined;
  const texts = parts.flatMap((part) => partText(part) ?? []);
  return texts.length > 0 ? texts.join("\n") : undefined;
}

function partText(part: unknown): string | undefined {
  if (typeof part === "string") return part;
  const { text, functionResponse } = looseOf(part);
  const response = looseOf(looseOf(functionResponse).response);
  return textOf(text) ?? textOf(response.output) ?? textOf(response.error);
}
