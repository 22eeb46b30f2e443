import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { LIMITS } from "./limits.ts";

type Collect = (options: { readonly type: "major" }) => void;
let collect: Collect | undefined;
let passed = 0;

/**
 * Tells that `bytes` of frames went through this thread and are let go. V8 lets the memory behind buffers grow to a hundred megabytes a thread before
 * it looks for what is no longer used; after `collect_bytes` it is asked to, which takes some hundredths of a second.
 */
export function letGo(bytes: number): void {
  passed += bytes;
  if (passed < LIMITS.collect_bytes) return;
  passed = 0;
  if (!collect) {
    setFlagsFromString("--expose-gc");
    collect = runInNewContext("gc") as Collect;
  }
  collect({ type: "major" });
}
