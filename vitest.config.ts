// How tests run: TypeScript sources directly, few files at once (software adapters use every core themselves). Two projects:
// `npm run test:fast` runs the quick one, which needs no adapter; `npm test` runs both.

import { defineConfig } from "vitest/config"

/** Files that train on devices, start the command line many times, or go through hundreds of programs. */
const LONG = [
  "blocks",
  "browser",
  "budget",
  "bundle",
  "cli",
  "compile-cache",
  "device-ops",
  "disk-full",
  "ending",
  "exactness",
  "examples",
  "export",
  "golden",
  "growth",
  "inspect",
  "kernels",
  "kernels-programs",
  "many",
  "metrics",
  "mixed-precision",
  "mutations",
  "node-versions",
  "profile",
  "random-blocks",
  "random-devices",
  "random-programs",
  "reduce",
  "report",
  "resume",
  "row-metrics",
  "run-folder",
  "run-state",
  "runtime",
  "runtime-device",
  "scan",
  "sliding",
  "strangers",
  "subgroups",
  "validate",
  "variants",
  "wasm-device",
  "wasm-panels",
  "wasm-training",
  "wgsl-scalars",
].map((name) => `test/${name}.test.ts`)

export default defineConfig({
  test: {
    exclude: ["node_modules/**", "dist/**", "test/bench/**"],
    runner: "test/support/adapter-runner.ts",
    setupFiles: "test/support/verify-always.ts",
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    teardownTimeout: 10_000,
    projects: [
      { extends: true, test: { name: "quick", include: ["test/**/*.test.ts"], exclude: LONG } },
      {
        extends: true,
        test: { name: "long", include: LONG, globalSetup: "test/support/command-line.ts" },
      },
    ],
  },
})
