import { execFileSync } from "node:child_process";

/** Builds dist/ once before the tests, because the end-to-end ones run what users run. */
export default function setup(): void {
  if (process.env.WEIR_TEST_NO_BUILD) return;
  execFileSync(process.execPath, ["scripts/build.mjs"], { stdio: "inherit" });
}
