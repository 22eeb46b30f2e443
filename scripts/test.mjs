// All that CI runs: types, format and lint, every test. What each prints is left as it is; the last line counts tests and checks together:
// "N passed, N failed" or "N passed, N failed, N skipped". Anything that failed makes the exit code 1.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const count = { passed: 0, failed: 0, skipped: 0 };
const run = (name, args) =>
  spawnSync(process.execPath, [join("node_modules", name), ...args], { stdio: "inherit" }).status ?? 1;

/** A check counts as one test. */
function check(title, name, args) {
  process.stdout.write(`${title}\n`);
  const failed = run(name, args) !== 0;
  count[failed ? "failed" : "passed"]++;
  if (failed) process.stdout.write(`${title}: failed\n`);
}

function tests(filters) {
  const folder = mkdtempSync(join(tmpdir(), "weir-report-"));
  const file = join(folder, "report.json");
  try {
    const status = run("vitest/vitest.mjs", [
      "run",
      ...filters,
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${file}`,
    ]);
    const report = JSON.parse(readFileSync(file, "utf8"));
    count.passed += report.numPassedTests;
    count.failed += report.numFailedTests;
    count.skipped += report.numPendingTests + (report.numTodoTests ?? 0);
    // a file that could not be loaded has no tests to fail; an error outside of tests fails the run only
    const broken = report.testResults.filter(
      (r) => r.status === "failed" && !r.assertionResults.some((a) => a.status === "failed"),
    ).length;
    count.failed += broken || (status !== 0 && report.numFailedTests === 0 ? 1 : 0);
  } catch (error) {
    process.stderr.write(`vitest left no report: ${error instanceof Error ? error.message : error}\n`);
    count.failed++;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const filters = process.argv.slice(2);
check("types: tsc -p tsconfig.json", "typescript/bin/tsc", ["-p", "tsconfig.json"]);
check("format and lint: biome check .", "@biomejs/biome/bin/biome", ["check", "."]);
check("reference pages: make-docs --check", "tsx/dist/cli.mjs", ["scripts/make-docs.ts", "--check"]);
tests(filters);
process.stdout.write(
  `${count.passed} passed, ${count.failed} failed${count.skipped > 0 ? `, ${count.skipped} skipped` : ""}\n`,
);
process.exitCode = count.failed > 0 ? 1 : 0;
