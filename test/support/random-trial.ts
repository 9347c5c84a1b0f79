/** test: a random program, or one kept as text: values for it, and its schedules with fusion on and off. */
import { autodiff } from "../../compiler/autodiff/backward.js"
import type { Graph, Input, StateSlot } from "../../compiler/ir/graph/types.js"
import type { KernelProgram } from "../../compiler/ir/kernels/types.js"
import { verifyKernels } from "../../compiler/ir/kernels/verify.js"
import type { DimValues } from "../../compiler/ir/tensor.js"
import { opDef } from "../../compiler/ops/index.js"
import type { NdArray } from "../../compiler/ops/op.js"
import { runPass } from "../../compiler/pass.js"
import { GRAPH_PASSES } from "../../compiler/pipeline.js"
import { Diagnostics } from "../../compiler/source/diagnostic.js"
import { DEFAULT_TARGET, type TargetProfile } from "../../compiler/target.js"
import { context, scheduled } from "./kernels.js"
import { type Random, random, randomArray } from "./random.js"
import { sourcesOf, type Trial, trialOf } from "./trial.js"
import { scheduledAlone } from "./unfused.js"

export const DIMS: DimValues = { B: 3, R: 7 }
/** f32 has seven digits: larger numbers leave too few of them after a subtraction. */
const LARGEST = 1000
export const TOLERANCE = 2e-4

/** Undefined where the program computes numbers too large to be compared. */
export function randomTrial(graph: Graph): Trial | undefined {
  const differentiated = passed(graph, [autodiff])
  const next = random(1)
  const values = sourcesOf(differentiated).map((s) => draw(differentiated, s, next))
  const trial = trialOf(differentiated, values, DIMS)
  return trial.largest <= LARGEST ? trial : undefined
}

/** Inputs hold quarters from -2 to 2, so that comparisons of them are certain; slots any numbers from -1 to 1. */
function draw(graph: Graph, s: Input | StateSlot, next: Random): NdArray {
  if ("role" in s) return randomArray(s.type, DIMS, next, s.role === "optimizer" ? [0.1, 2] : [-1, 1])
  if (s.type.dtype === "i32") return randomArray(s.type, DIMS, next, [0, placesOf(graph, s)])
  const { shape, data } = randomArray(s.type, DIMS, next)
  return { shape, data: data.map((v) => Math.round(4 * v) / 4) }
}
/** How many places an integer input may stand for: it is declared where the input is used. */
function placesOf(graph: Graph, input: Input): number {
  const counts = graph.nodes
    .filter((n) => n.args.includes(input.id))
    .map((n) => opDef(n.op).indexes?.([input.type], n.attrs).count)
  return Math.min(...counts.map((c) => (typeof c === "number" ? c : 1)))
}

export interface Schedules {
  readonly fused: KernelProgram
  readonly alone: KernelProgram
}
/** Throws what the verifier has to say. */
export function schedulesOf({ graph }: Trial, target: TargetProfile): Schedules {
  const optimized = passed(graph, GRAPH_PASSES)
  const schedules = {
    fused: scheduled(optimized, target),
    alone: scheduledAlone(optimized, context(target)),
  }
  const complaints = Object.values(schedules).flatMap((p) => verifyKernels(p, target))
  if (complaints.length > 0) throw new Error(complaints.join("\n"))
  return schedules
}

function passed(graph: Graph, passes: typeof GRAPH_PASSES): Graph {
  const diagnostics = new Diagnostics()
  const result = passes.reduce((g, p) => runPass(p, g, { diagnostics, target: DEFAULT_TARGET }), graph)
  if (diagnostics.hasErrors) throw new Error(diagnostics.all.map((d) => d.message).join("\n"))
  return result
}
