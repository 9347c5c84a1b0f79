/** test: a random program, or one kept as text: values for it, and its schedules with fusion on and off. */
import { printComplaint } from "../../compiler/ir/complaint.js"
import type { Graph, Input, StateSlot } from "../../compiler/ir/graph/types.js"
import type { KernelProgram } from "../../compiler/ir/kernels/types.js"
import { verifyKernels } from "../../compiler/ir/kernels/verify.js"
import type { DimValues } from "../../compiler/ir/tensor.js"
import { opDef } from "../../compiler/ops/index.js"
import type { NdArray } from "../../compiler/ops/op.js"
import type { TargetProfile } from "../../compiler/targets/index.js"
import { context, scheduled } from "./kernels.js"
import { differentiated } from "./lowered.js"
import { optimized } from "./passes.js"
import { type Random, random, randomArray } from "./random.js"
import { sourcesOf, type Trial, trialOf } from "./trial.js"
import { scheduledAlone } from "./unfused.js"

export const DIMS: DimValues = { B: 3, R: 7 }
/** f32 has seven digits: larger numbers leave too few of them after a subtraction. */
const LARGEST = 1000
export const TOLERANCE = 2e-4

/** Undefined where the program computes numbers too large to be compared. */
export function randomTrial(graph: Graph): Trial | undefined {
  const trial = drawnTrial(graph)
  return trial.largest <= LARGEST ? trial : undefined
}
/** Whatever it computes. */
export function drawnTrial(graph: Graph): Trial {
  const whole = differentiated(graph)
  const next = random(1)
  const values = sourcesOf(whole).map((s) => draw(whole, s, next))
  return trialOf(whole, values, DIMS)
}

/** Inputs hold quarters from -2 to 2, so that comparisons of them are certain; slots any numbers from -1 to 1. */
function draw(graph: Graph, s: Input | StateSlot, next: Random): NdArray {
  if ("role" in s) return randomArray(s.type, DIMS, next, s.role === "optimizer" ? [0.1, 2] : [-1, 1])
  if (s.type.dtype === "i32") return randomArray(s.type, DIMS, next, [0, locationsOf(graph, s)])
  const { shape, data } = randomArray(s.type, DIMS, next)
  return { shape, data: data.map((v) => Math.round(4 * v) / 4) }
}
/** How many places an integer input may stand for: it is declared where the input is used. */
function locationsOf(graph: Graph, input: Input): number {
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
  const best = optimized(graph)
  const schedules = {
    fused: scheduled(best, target),
    alone: scheduledAlone(best, context(target)),
  }
  const complaints = Object.values(schedules).flatMap((p) => verifyKernels(p, target))
  if (complaints.length > 0) throw new Error(complaints.map(printComplaint).join("\n"))
  return schedules
}
