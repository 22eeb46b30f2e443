import { resolve } from "node:path";
import { WeirError } from "../../base/errors.ts";
import { defaultDirs, TRANSCRIPT_KINDS as KINDS, type Places, sessionDirs, type TranscriptKind } from "../discover.ts";

/** What to follow: each kind with a function that finds its folders. */
export type FollowPlan = readonly { readonly kind: TranscriptKind; readonly dirs: () => Promise<readonly string[]> }[];

/** Reads WEIR_FOLLOW: `on`, `off`, or `claude-code=FOLDER,codex=FOLDER`; a kind may be named more than once. Throws `bad_config`. */
export function followPlan(setting: string, places: Places): FollowPlan {
  if (setting === "off") return [];
  if (setting === "on")
    return KINDS.map((kind) => ({ kind, dirs: () => sessionDirs(kind, defaultDirs(kind, places)) }));
  const named = new Map<TranscriptKind, string[]>();
  for (const part of setting.split(",")) {
    const [name = "", ...rest] = part.split("=");
    const kind = KINDS.find((known) => known === name.trim());
    const folder = rest.join("=").trim();
    if (!kind || folder === "")
      throw new WeirError("bad_config", `WEIR_FOLLOW=${setting} is not on, off, or assistant=folder with commas`, {
        hint: `for example WEIR_FOLLOW=${KINDS[0]}=/home/ana/.claude; assistants are ${KINDS.join(", ")}`,
      });
    named.set(kind, [...(named.get(kind) ?? []), resolve(folder)]);
  }
  return [...named].map(([kind, folders]) => ({ kind, dirs: () => placesIn(kind, folders) }));
}

/** A folder is an assistant's own, or holds transcripts itself. */
async function placesIn(kind: TranscriptKind, folders: readonly string[]): Promise<string[]> {
  const out: string[] = [];
  for (const folder of folders) {
    const own = await sessionDirs(kind, [folder]);
    out.push(...(own.length > 0 ? own : [folder]));
  }
  return out;
}
