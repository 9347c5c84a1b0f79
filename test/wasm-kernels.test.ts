/** codegen/wasm: every operation of the registry in WebAssembly, against the kernel evaluator: with the schedule for this device
 *  and with those for others, whose workgroups have barriers. */
import { describe, expect, it } from "vitest"
import { WASM_TARGET } from "../compiler/targets/index.js"
import { GPU, SOFTWARE } from "./support/kernels.js"
import { computed, graphOf } from "./support/registry.js"
import { wasmDifferences } from "./support/wasm-program.js"

describe.each(computed)("$name", ({ def }) => {
  it.each(def.samples.map((sample, i) => ({ sample, i })))("sample $i", ({ sample }) => {
    const graph = graphOf(def, sample)
    for (const target of [WASM_TARGET, SOFTWARE, GPU])
      expect([target.name, ...wasmDifferences(graph, { ranges: sample.ranges, target })]).toEqual([
        target.name,
      ])
  })
})
