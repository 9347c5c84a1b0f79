/** NaN, infinities and zeros: every scalar operation on floats gives, in WebAssembly and on the WebGPU adapter, as a scalar and as a
 *  vector, what it means in float64. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { SCALARS, scalarDef, type ScalarOp } from "../compiler/ir/kernels/scalar.js"
import type { Device } from "../runtime/device/device.js"
import { openNodeDevice } from "../runtime/device/node-gpu.js"
import { runInWgsl, scalarBuffers, scalarKernel } from "./support/scalar-kernel.js"
import { wasmKernels } from "./support/wasm-kernels.js"

const SPECIAL = [NaN, Infinity, -Infinity, 0, 1, -1, 0.5, -0.5, 2, -2, 3]
const INTEGERS: ReadonlySet<ScalarOp> = new Set([
  "and",
  "or",
  "not",
  "bitand",
  "bitor",
  "bitxor",
  "shl",
  "shr",
  "mulhi",
  "philox",
  "bits_to_f32",
])
/** Arguments whose value is nobody's business: integers hold no infinity, and halves are stored as such. */
const isLeftOpen = (op: ScalarOp, args: readonly number[]): boolean =>
  (op === "to_i32" || op === "to_u32") && args.some((x) => Math.abs(x) === Infinity || x < 0)

const ops = Object.keys(SCALARS).filter(
  (op): op is ScalarOp => !INTEGERS.has(op as ScalarOp) && op !== "to_f16",
)
const argumentsOf = (op: ScalarOp): number[][] => {
  const one = SPECIAL.map((x) => [x])
  const two = SPECIAL.flatMap((x) => SPECIAL.map((y) => [x, y]))
  const { arity } = scalarDef(op)
  const all =
    arity === 1
      ? one
      : arity === 2
        ? two
        : two.flatMap(([x, y]) => [
            [0, x!, y!],
            [1, x!, y!],
          ])
  return all.filter((args) => !isLeftOpen(op, args))
}
const show = (x: number): string => (Object.is(x, -0) ? "-0" : String(x))

/** Where the results are of another kind than they must be, or further off than the functions' own error. */
function wrong(op: ScalarOp, got: Float32Array): string[] {
  return argumentsOf(op).flatMap((args, n) => {
    const want = scalarDef(op).eval(args, "f32")
    const isRight =
      Object.is(got[n], want) || Math.abs(got[n]! - want) <= 1e-6 + 2e-5 * Math.min(Math.abs(want), 1e30)
    return isRight ? [] : [`${op}(${args.map(show).join(", ")}) = ${show(want)}, not ${show(got[n]!)}`]
  })
}

describe.each([1, 4] as const)("%i at once", (width) => {
  let device: Device
  beforeAll(async () => {
    device = await openNodeDevice({
      device: "webgpu",
      features: [],
      limits: { maxBufferSize: 0, maxStorageBufferBindingSize: 0, maxStorageBuffersPerShaderStage: 5 },
    })
  })
  afterAll(() => device.close())

  it.each(ops)("%s on webgpu", async (op) => {
    const values = argumentsOf(op)
    const buffers = scalarBuffers(op, { values })
    expect(wrong(op, await runInWgsl(device, scalarKernel(op, { values }, width), buffers))).toEqual([])
  })

  it.each(ops)("%s in WebAssembly", (op) => {
    const values = argumentsOf(op)
    const buffers = scalarBuffers(op, { values })
    const none = { step: 0, epoch: 0, seed: 0, start: 0, iteration: 0 }
    wasmKernels([scalarKernel(op, { values }, width)]).run(0, buffers, { B: 1, R: 1 }, none)
    expect(wrong(op, Float32Array.from(buffers.at(-1)!))).toEqual([])
  })
})
