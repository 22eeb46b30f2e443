import { isLoose, type Loose, listOf, looseOf, textOf } from "../loose.ts";

/** What a person gave the assistant. */
export interface Prompt {
  readonly kind: "text" | "command" | "shell";
  readonly text: string;
}

/** Starts of texts that the program wrote into the person's place: outputs of commands, reports, reminders. */
const INJECTED = [
  "<task-notification",
  "<teammate-message",
  "<local-command-",
  "<bash-stdout",
  "<bash-stderr",
  "<system-reminder",
  "[Request interrupted by user",
];
/** Blocks that an editor or the program puts beside what was typed. */
const BESIDE = /^\s*<(system-reminder|ide_opened_file|ide_selection|ide_diagnostics)\b/;
/** Values of promptSource that are no person. */
const MACHINES = ["system", "loop_wakeup", "schedule_wakeup", "poll_event"];

/** The prompt a `user` record holds; undefined where no person typed it: tool results, injected context, notifications, subagents. */
export function promptOf(record: Loose): Prompt | undefined {
  const content = looseOf(record.message).content;
  if (listOf(content).some((block) => isLoose(block) && block.type === "tool_result")) return undefined;
  const injected = record.isSidechain || record.isCompactSummary || record.isMeta || record.isVisibleInTranscriptOnly;
  if (injected) return undefined;
  const origin = textOf(looseOf(record.origin).kind);
  if (origin !== undefined && origin !== "human") return undefined;
  if (MACHINES.includes(textOf(record.promptSource) ?? "")) return undefined;
  return classify(typedText(content));
}

/** The text of a message: its text blocks, without what an editor added beside them. */
function typedText(content: unknown): string {
  if (typeof content === "string") return content;
  const texts = listOf(content).flatMap((block) => textOf(block) ?? textOf(looseOf(block).text) ?? []);
  const typed = texts.filter((text) => !BESIDE.test(text));
  return (typed.length > 0 ? typed : texts).join("\n");
}

function classify(text: string): Prompt | undefined {
  const start = text.slice(0, 64).trimStart();
  if (INJECTED.some((prefix) => start.startsWith(prefix))) return undefined;
  if (start.startsWith("<bash-input>")) return { kind: "shell", text: tagged(text, "bash-input") ?? text };
  if (start.startsWith("<command-name>") || start.startsWith("<command-message>")) {
    const words = [tagged(text, "command-name"), tagged(text, "command-args")].filter((word) => word);
    return { kind: "command", text: words.join(" ") };
  }
  return { kind: "text", text };
}

/** What stands between `<tag>` and `</tag>`. */
function tagged(text: string, tag: string): string | undefined {
  const from = text.indexOf(`<${tag}>`);
  const to = text.indexOf(`</${tag}>`, from);
  return from < 0 || to < 0 ? undefined : text.slice(from + tag.length + 2, to).trim();
}
