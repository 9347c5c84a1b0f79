/** Every operation has a spelling in ONNX with the results of the float64 interpreter, or a reason why it has none. */
import { describe, expect, it } from "vitest"
import { evalGraph } from "../compiler/ir/graph/eval.js"
import type { Graph } from "../compiler/ir/graph/types.js"
import { NOWHERE } from "../compiler/ir/origin.js"
import { BATCH, type DType, printType, tensorType } from "../compiler/ir/tensor.js"
import { SPELLINGS } from "../compiler/onnx/ops/table.js"
import { OPSETS, type Opset } from "../compiler/onnx/translate.js"
import type { NdArray, Sample } from "../compiler/ops/op.js"
import { close } from "./support/close.js"
import { randomArgs } from "./support/gradcheck.js"
import { runOnnx, sectionOf } from "./support/onnx.js"
import { computed, graphOf } from "./support/registry.js"

const DIMS = { B: 3, R: 7 }
const opsets = Object.keys(OPSETS).map(Number) as Opset[]

const rounded = (array: NdArray, dtype: DType): NdArray => ({
  shape: array.shape,
  data: dtype === "f32" ? Float64Array.from(array.data, Math.fround) : array.data,
})
const ofRows = (sample: Sample): boolean => !JSON.stringify(sample).includes('"R"')

/** Integers as something computes them: those that are fed are refused where they lie outside, and not held within. */
function computedIndices(graph: Graph): Graph {
  const old = new Map(
    graph.inputs.filter((i) => i.type.dtype === "i32").map((i, n) => [i.id, { ...i, id: 900 + n }]),
  )
  const copies = [...old].map(([id, { id: from, type }]) => ({
    id,
    op: "maximum" as const,
    args: [from, from],
    attrs: {},
    type,
    origin: NOWHERE,
  }))
  return {
    ...graph,
    inputs: graph.inputs.map((i) => old.get(i.id) ?? i),
    nodes: [...copies, ...graph.nodes],
  }
}

const said = computed.filter(({ def }) => typeof SPELLINGS[def.name] === "function")
describe.each(said)("$name", ({ def }) => {
  const samples = def.samples.filter(ofRows)
  it.each(samples.map((sample) => [sample.args.map(printType).join(", "), sample] as const))(
    "of %s",
    async (_, sample) => {
      const graph = computedIndices(graphOf(def, sample))
      const args = randomArgs(sample.args, DIMS, sample.ranges).map((a, i) =>
        rounded(a, sample.args[i]!.dtype),
      )
      const values = Object.fromEntries(args.map((a, i) => [`a${i}`, a]))
      const { y } = evalGraph(graph, { inputs: values, dims: DIMS }).outputs
      // Where nothing else tells the number of rows.
      const rows = {
        id: 999,
        name: "rows",
        type: tensorType("f32", [BATCH]),
        source: { kind: "feed" },
      } as const
      const predict = sectionOf(graph)
      const { section } = predict
      const fed = { ...section, inputs: [...section.inputs, rows] }
      for (const opset of opsets) {
        const result = await runOnnx({
          predict: { ...predict, section: fed },
          opset,
          values: { ...values, rows: randomArgs([rows.type], DIMS)[0]! },
          dims: DIMS,
        })
        if ("refused" in result) expect.fail(result.refused.join("; "))
        const half = [...graph.inputs, ...graph.nodes].some(({ type }) => type.dtype === "f16")
        close(result.outputs["y"]!, y!, half ? 2e-3 : 1e-5, `${def.name}, opset ${opset}`)
      }
    },
  )
})
