/** bench: figures of a compiled program that need no run, the same on every machine. */
import { compileFile } from "../../compiler/cli/compile-file.js"
import { costOf } from "../../compiler/ir/kernels/cost.js"
import type { Buffer, KernelProgram } from "../../compiler/ir/kernels/types.js"
import type { Plan } from "../../compiler/ir/plan/types.js"
import { bytesOf, type DimValues, evalDim } from "../../compiler/ir/tensor.js"
import { planMemory } from "../../compiler/memory/plan.js"
import { horizontalFusion } from "../../compiler/schedule/index.js"
import type { TargetProfile } from "../../compiler/targets/index.js"
import type { Bundle } from "../../runtime/bundle/format.js"

export interface Figures {
  /** Kernels of all programs, and bytes of their WGSL or of their WebAssembly module. */
  readonly kernels: number
  readonly code_bytes: number
  /** The dispatches of one training step; 1 where one dispatch makes many. The other figures are those of a single step. */
  readonly dispatches: number
  readonly state_bytes: number
  readonly work_bytes: number
  /** The most bytes of temporaries alive at once in the step: no plan can need less. */
  readonly live_bytes: number
  /** Each buffer read or written by each dispatch of the step counts once. */
  readonly moved_bytes: number
  /** Slots read and written once, the batch read once. */
  readonly least_bytes: number
}

export interface Measured {
  readonly bundle: Bundle
  readonly plan: Plan
  readonly figures: Figures
}

/** Compiles `path` for the device that `target` describes, and takes the figures of the result. */
export function measure(path: string, target: TargetProfile): Measured {
  const devices = [target.code === "wasm" ? "wasm" : "webgpu"] as const
  const compiled = compileFile(path, { target, devices })
  const { bundle } = compiled
  if (bundle === undefined) throw new Error(`${path} compiles to nothing`)
  const plan = compiled.stages.get(planMemory.name)?.json() as Plan
  const programs = compiled.stages.get(horizontalFusion.name)?.json() as KernelProgram[]
  return { bundle, plan, figures: figuresOf(bundle, plan, programs) }
}

function figuresOf(
  { manifest, wgsl, wasm }: Bundle,
  plan: Plan,
  programs: readonly KernelProgram[],
): Figures {
  const name = manifest.trains[0]?.step ?? plan.programs[0]!.name
  const planned = plan.programs.find((p) => p.name === name)!
  const program = programs.find((p) => p.name === name)!
  const runs = plan.programs.find((p) => p.name === `${name}.multi`) ?? planned
  // A step reads the rows of its batch, however many the data set has.
  const dims = { B: planned.maxBatch, R: planned.maxBatch }
  return {
    kernels: plan.kernels.length,
    code_bytes: wasm?.length ?? [...wgsl.values()].reduce((sum, text) => sum + text.length, 0),
    dispatches: runs.dispatches.length,
    state_bytes: plan.arenas.find((a) => a.name === "state")?.bytes ?? 0,
    work_bytes: planned.workBytes,
    live_bytes: planned.liveBytes,
    moved_bytes: program.dispatches.reduce((sum, d) => sum + costOf(program, d, dims).bytes, 0),
    least_bytes: leastBytes(program, dims),
  }
}

const sizeOf = (b: Buffer, dims: DimValues): number => evalDim(b.elements, dims) * bytesOf(b.dtype)

function leastBytes({ buffers }: KernelProgram, dims: DimValues): number {
  const times = { slot: 2, data: 1, feed: 1, output: 1, temp: 0 }
  return buffers.reduce((sum, b) => sum + times[b.role] * sizeOf(b, dims), 0)
}
