import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // only for what hangs: a busy machine takes three times as long as a quiet one, and no test may depend on that
    testTimeout: 400_000,
    hookTimeout: 120_000,
    // two cores: files that start brokers and databases side by side only wait for each other
    maxWorkers: 2,
    globalSetup: ["test/support/build.ts"],
    coverage: { provider: "v8", include: ["src/**", "processors/**", "projections/**"] },
  },
});
