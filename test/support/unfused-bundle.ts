/** test: a compiled program again, with fusion off: the same graphs, a kernel for every node. */
import { encode } from "../../compiler/bundle/encode.js"
import { emitWasm } from "../../compiler/codegen/wasm/emit.js"
import { emitWgsl } from "../../compiler/codegen/wgsl/emit.js"
import type { Compiled } from "../../compiler/driver/compile.js"
import type { Graph } from "../../compiler/ir/graph/types.js"
import type { PlannedProgram, Plan } from "../../compiler/ir/plan/types.js"
import { bytesOf, type DimValues, evalDim } from "../../compiler/ir/tensor.js"
import { planMemory } from "../../compiler/memory/plan.js"
import { PROGRAM_PASSES } from "../../compiler/driver/passes.js"
import { DEFAULT_TARGET, type TargetProfile, WASM_TARGET } from "../../compiler/targets/index.js"
import type { Bundle } from "../../runtime/bundle/format.js"
import { context } from "./kernels.js"
import { scheduledAlone } from "./unfused.js"

export function unfusedBundle({ bundle, model, stages }: Compiled): Bundle {
  const graphs = stages.get(PROGRAM_PASSES.at(-1)!.name)!.json() as readonly Graph[]
  const { programs } = stages.get(planMemory.name)!.json() as Plan
  const sizes = new Map(programs.map((p) => [p.name, sizesOf(p)]))
  const planned = (target: TargetProfile): Plan => {
    const cx = context(target)
    const items = graphs.map((graph) => {
      return { graph, program: scheduledAlone(graph, cx), dims: sizes.get(graph.name)! }
    })
    return planMemory.run(items, cx)
  }
  const [webgpu, wasm] = [planned(DEFAULT_TARGET), planned(WASM_TARGET)]
  return encode({
    name: bundle!.manifest.name,
    compiler: bundle!.manifest.compiler,
    model: model!,
    graphs,
    data: bundle!.manifest.data,
    webgpu: [
      {
        target: DEFAULT_TARGET,
        plan: webgpu,
        wgsl: new Map(webgpu.kernels.map((k) => [k.name, emitWgsl(k)])),
      },
    ],
    wasm: { plan: wasm, module: emitWasm(wasm.kernels) },
  })
}

/** The sizes that a plan was made for: the rows of its data show in the size of their buffers. */
function sizesOf({ maxBatch, buffers }: PlannedProgram): DimValues {
  const data = buffers.find((b) => b.role === "data")
  if (data === undefined) return { B: maxBatch, R: 1 }
  const row = evalDim(data.elements, { B: maxBatch, R: 1 }) * bytesOf(data.dtype)
  return { B: maxBatch, R: Math.floor(data.bytes / row) }
}
