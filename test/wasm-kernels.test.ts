/** codegen/wasm: every operation of the registry in WebAssembly, against the kernel evaluator: with the schedule for this device
 *  and with those for others, whose workgroups have barriers. */
import { describe, expect, it } from "vitest"
import { GraphBuild } from "../compiler/ir/graph/build.js"
import type { Graph } from "../compiler/ir/graph/types.js"
import { allOps } from "../compiler/ops/index.js"
import type { OpDef, Sample } from "../compiler/ops/op.js"
import { WASM_TARGET } from "../compiler/target.js"
import { GPU, SOFTWARE } from "./support/kernels.js"
import { wasmDifferences } from "./support/wasm-program.js"

const computed = allOps().filter((def) => def.lower.kind !== "none")

function graphOf(def: OpDef, sample: Sample): Graph {
  const g = new GraphBuild(def.name)
  const args = sample.args.map((t, i) => g.input(`a${i}`, t))
  g.output("y", g.apply(def.name, args, sample.attrs))
  return g.finish()
}

describe.each(computed.map((def) => ({ def, name: def.name })))("$name", ({ def }) => {
  it.each(def.samples.map((sample, i) => ({ sample, i })))("sample $i", ({ sample }) => {
    const graph = graphOf(def, sample)
    for (const target of [WASM_TARGET, SOFTWARE, GPU])
      expect([target.name, ...wasmDifferences(graph, { ranges: sample.ranges, target })]).toEqual([
        target.name,
      ])
  })
})
