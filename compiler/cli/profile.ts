/** cli: the measurements of `nnc profile`: a training step on a device, dispatch by dispatch, beside the bytes and operations of each, and
 *  the peak of the device, measured by several large products of matrices and copies.
 *  Not here: how it is shown (commands/profile.ts), how a dispatch is timed (runtime/train/timing.ts). */
import { compile } from "../driver/compile.js"
import { type Cost, costOf } from "../ir/kernels/cost.js"
import type { KernelProgram } from "../ir/kernels/types.js"
import { horizontalFusion } from "../schedule/index.js"
import { bug } from "../source/bug.js"
import type { DeviceInfo } from "../../runtime/device/device.js"
import { timeProgram } from "../../runtime/train/timing.js"
import { whenConverted } from "./convert/index.js"
import { compileFile } from "./compile-file.js"
import { fileHost } from "./host.js"
import { userTables } from "./kept-tables.js"
import { clockOf, type MeasureOptions, measureStep, onDevice, trainSpec } from "./measure.js"
import { compiling } from "./usage.js"

/** Per second. */
export interface Peak {
  readonly flops: number
  readonly bytes: number
}
/** The profile of a kernel, for all iterations that it runs in a step. */
export interface KernelProfile extends Cost {
  readonly kernel: string
  readonly template: string
  readonly iterations: number
  readonly ms: number
  /** The share of the device's peak in operations or in bytes, whichever is more. */
  readonly of_peak: number
  /** Places in the source. */
  readonly origins: readonly string[]
}
export interface Profile {
  readonly device: DeviceInfo
  readonly train: string
  readonly batch: number
  readonly peak: Peak
  /** The whole step, and the sum over its kernels, each by itself. */
  readonly step_ms: number
  readonly kernels_ms: number
  readonly kernels: readonly KernelProfile[]
  /** The time of a kernel is divided evenly among the lines it comes from. */
  readonly lines: readonly { readonly at: string; readonly ms: number }[]
}

export async function profile(path: string, options: MeasureOptions): Promise<Profile> {
  const { device, target, data } = options
  const tables = userTables()
  const compiled = await whenConverted(() =>
    compileFile(path, { data, devices: [device], target, ...compiling(options) }, tables),
  )
  const bundle = compiled.bundle ?? bug("a program that compiles has a bundle")
  const programs = compiled.stages.get(horizontalFusion.name)?.json() as readonly KernelProgram[]
  const spec = trainSpec(bundle, options.train)
  const program = programs.find((p) => p.name === spec.step) ?? bug(`no program ${spec.step}`)
  const measured = await onDevice(bundle, path, options, (loaded, chosen) =>
    measureStep(loaded, chosen, spec, path, tables.open, options),
  )
  const peak = await peakOf(options)
  const { times, batch, rows, info } = measured
  const { kernels: specs } = measured.seen.manifest
  const templates = new Map(program.kernels.map((k) => [k.name, k.template]))
  const kernels = program.dispatches.map((dispatch, i): KernelProfile => {
    const { iterations, ms } = times.dispatches[i]!
    const one = costOf(program, dispatch, { B: batch, R: rows })
    const cost = { bytes: one.bytes * iterations, flops: one.flops * iterations }
    const { kernel } = measured.seen.manifest.programs.find((p) => p.name === spec.step)!.dispatches[i]!
    const origins = specs.find((k) => k.name === kernel)?.origins ?? []
    return {
      kernel,
      template: templates.get(dispatch.kernel) ?? "",
      iterations,
      ms,
      ...cost,
      of_peak: Math.max(cost.flops / peak.flops, cost.bytes / peak.bytes) / (ms / 1000),
      origins,
    }
  })
  return {
    device: info,
    train: spec.name,
    batch,
    peak,
    step_ms: times.ms,
    kernels_ms: kernels.reduce((sum, k) => sum + k.ms, 0),
    kernels,
    lines: linesOf(kernels),
  }
}

/** Rows, depth and columns of products. Which of them a device is best at depends on its caches. */
const PRODUCTS = [
  [512, 512, 512],
  [1024, 1024, 512],
  [2048, 256, 1024],
] as const
/** The numbers of floats that are copied: as many as caches hold, where a small step stays, and more than that. */
const LENGTHS = [1 << 17, 1 << 20, 1 << 24]
const PEAK = `${PRODUCTS.map(
  ([rows, depth, columns], n) =>
    `model Product${n}(a: f32[${rows}, ${depth}], b: f32[${depth}, ${columns}]) -> f32[${rows}, ${columns}] { a @ b }\n`,
).join("")}${LENGTHS.map((n) => `model Copy${n}(x: f32[${n}]) -> f32[${n}] { -x }\n`).join("")}`

async function peakOf(options: MeasureOptions): Promise<Peak> {
  const file = { path: "peak.nn", text: PEAK }
  const { bundle } = compile(file, fileHost(file.path), { target: options.target, devices: [options.device] })
  return onDevice(bundle ?? bug("peak.nn compiles"), file.path, options, async (loaded, { info }) => {
    const seconds = async (model: string): Promise<number> => {
      const { ms } = await timeProgram(
        loaded.program(`predict.${model}`, null),
        { B: 1, R: 0 },
        clockOf(info, options.threads),
      )
      return ms / 1000
    }
    let flops = 0
    for (const [n, [rows, depth, columns]] of PRODUCTS.entries())
      flops = Math.max(flops, (2 * rows * depth * columns) / (await seconds(`Product${n}`)))
    let bytes = 0
    for (const n of LENGTHS) bytes = Math.max(bytes, (8 * n) / (await seconds(`Copy${n}`)))
    return { flops, bytes }
  })
}

function linesOf(kernels: readonly KernelProfile[]): Profile["lines"] {
  const lines = new Map<string, number>()
  for (const { origins, ms } of kernels) {
    const places = new Set(origins.map((at) => at.replace(/:\d+$/, "")))
    for (const at of places) lines.set(at, (lines.get(at) ?? 0) + ms / places.size)
  }
  return [...lines].map(([at, ms]) => ({ at, ms })).sort((a, b) => b.ms - a.ms)
}
