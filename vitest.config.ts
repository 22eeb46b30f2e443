import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // two cores: files that start brokers and databases side by side only wait for each other
    maxWorkers: 2,
    globalSetup: ["test/support/build.ts"],
    coverage: { provider: "v8", include: ["src/**", "processors/**", "projections/**"] },
  },
});
