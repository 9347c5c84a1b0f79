/** Small random programs, trained in WebAssembly (see fuzz.test.ts). */
import { describe, it } from "vitest"
import { SMALL } from "./fuzz/run.js"
import { expectNoFailures } from "./support/fuzzed.js"

const PER_TEST = 30
const PARTS = [1, 2, 3, 4, 5]

describe("random programs in WebAssembly", () => {
  it.each(PARTS)("part %i", async (part) => {
    await expectNoFailures({ from: part * 10_000, count: PER_TEST, limits: SMALL, backends: ["wasm"] })
  })
})
