/** Blocks in workgroup memory as text: a graph, the kernel made of it for a GPU, and its WGSL. */
import { emitWgsl } from "../compiler/codegen/wgsl/emit.js"
import { parseGraph } from "../compiler/ir/graph/text.js"
import { printKernelProgram } from "../compiler/ir/kernels/text.js"
import { DEFAULT_TARGET } from "../compiler/targets/index.js"
import { testCases } from "./support/cases.js"
import { scheduled } from "./support/kernels.js"

testCases(
  "blocks",
  (c) => {
    const program = scheduled(parseGraph(c.input), DEFAULT_TARGET)
    return [printKernelProgram(program), ...program.kernels.map(emitWgsl)].join("\n")
  },
  ".case",
)
