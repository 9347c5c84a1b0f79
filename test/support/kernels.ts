/** test: a graph scheduled and run by the kernel evaluator, against the graph evaluator. */
import { printComplaint } from "../../compiler/ir/complaint.js"
import type { Graph, Input, StateSlot } from "../../compiler/ir/graph/types.js"
import { evalKernels } from "../../compiler/ir/kernels/eval.js"
import { parseKernelProgram } from "../../compiler/ir/kernels/parse.js"
import { printKernelProgram } from "../../compiler/ir/kernels/text.js"
import type { KernelProgram } from "../../compiler/ir/kernels/types.js"
import { verifyKernels } from "../../compiler/ir/kernels/verify.js"
import type { DimValues } from "../../compiler/ir/tensor.js"
import { slotsInOrder } from "../../compiler/ir/kernels/packs.js"
import type { Sample } from "../../compiler/ops/op.js"
import { parseGroups, printGroups } from "../../compiler/ir/groups/text.js"
import {
  buildKernels,
  choose,
  canBeMultiStep,
  cut,
  forOneWorkgroup,
  fuse,
  multiStepProgram,
  order,
  pack,
} from "../../compiler/schedule/index.js"
import type { GroupedGraph } from "../../compiler/ir/groups/types.js"
import type { PassContext } from "../../compiler/pass.js"
import { Diagnostics } from "../../compiler/source/diagnostic.js"
import { DEFAULT_TARGET, SOFTWARE_TARGET, type TargetProfile } from "../../compiler/targets/index.js"
import { randomArgs } from "./gradcheck.js"
import { scheduled as scheduledFor } from "./passes.js"
import { sourcesOf, trialOf, wrongResults } from "./trial.js"

export const GPU: TargetProfile = DEFAULT_TARGET
export const SOFTWARE: TargetProfile = { ...SOFTWARE_TARGET, name: "software" }

export const context = (target: TargetProfile): PassContext => ({
  diagnostics: new Diagnostics(),
  target,
  remark: () => {},
  locate: () => undefined,
})
export const grouped = (graph: Graph, target: TargetProfile = SOFTWARE): GroupedGraph =>
  order.run(pack.run(fuse.run(graph, context(target)), context(target)), context(target))
export const scheduled = (graph: Graph, target: TargetProfile = SOFTWARE): KernelProgram =>
  scheduledFor(graph, target)

/** Second moments are not negative. */
function rangeOf(
  s: Input | StateSlot,
  integers?: readonly [number, number],
): readonly [number, number] | undefined {
  if ("role" in s && s.role === "optimizer") return [0.1, 2]
  return s.type.dtype === "i32" ? integers : undefined
}

/** Complaints about the scheduled program, its form for many calls, their texts and their results; empty when all is well. */
export function kernelDifferences(
  graph: Graph,
  options: {
    readonly dims?: DimValues
    readonly target?: TargetProfile
    readonly ranges?: Sample["ranges"]
    /** Of integer inputs, where `ranges` says nothing. */
    readonly integers?: readonly [number, number]
    readonly tolerance?: number
    /** false: schedule and verify only (large programs take minutes on the CPU). */
    readonly run?: boolean
  } = {},
): string[] {
  const { dims = { B: 3, R: 7 }, target = SOFTWARE, tolerance = 2e-4 } = options
  const programs = [scheduled(graph, target)]
  if (canBeMultiStep(graph)) {
    const within = forOneWorkgroup(target)
    const ordered = order.run(fuse.run(graph, context(within)), context(within))
    const planned = choose.run([ordered], context(within))
    const [kernels] = buildKernels.run(planned, context(within))
    const multiStep = multiStepProgram(kernels!, dims, slotsInOrder(programs), target)
    if (typeof multiStep !== "string") programs.push(multiStep)
  }
  const complaints: string[] = []
  for (const part of cut.run(graph, context(target)).parts) {
    const groups = printGroups(grouped(part.graph, target))
    if (printGroups(parseGroups(groups)) !== groups)
      complaints.push("the text of its groups does not read back")
  }
  for (const program of programs) {
    complaints.push(...verifyKernels(program, target).map(printComplaint))
    const text = printKernelProgram(program)
    if (printKernelProgram(parseKernelProgram(text)) !== text) complaints.push("the text does not read back")
  }
  if (options.run === false) return complaints

  const sources = sourcesOf(graph)
  const values = randomArgs(
    sources.map((s) => s.type),
    dims,
    options.ranges ?? sources.map((s) => rangeOf(s, options.integers)),
  )
  const trial = trialOf(graph, values, dims)
  for (const program of programs) {
    const run = trial.start()
    const wrong = wrongResults(trial, evalKernels(program, run), run, tolerance)
    complaints.push(...wrong.map((text) => `${program.name}: ${text}`))
  }
  return complaints
}
