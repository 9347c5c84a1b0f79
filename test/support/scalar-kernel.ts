/** test: kernels of one scalar operation on many arguments, and their results on an adapter. */
import { emitWgsl } from "../../compiler/codegen/wgsl/emit.js"
import { scalarDef, type ScalarOp } from "../../compiler/ir/kernels/scalar.js"
import type { DeviceArray } from "../../compiler/ir/kernels/eval.js"
import type { Expr, Kernel, ScalarType, Stmt } from "../../compiler/ir/kernels/types.js"
import { deviceArray } from "../../compiler/validate/validate.js"
import type { Device } from "../../runtime/device/device.js"

export interface Arguments {
  readonly values: readonly (readonly number[])[]
  /** f32 when left out. */
  readonly type?: ScalarType
}

const constant = (type: ScalarType, value: number): Expr => ({ kind: "const", type, value })

/** One lane: the operation on what stands in the buffers `a0`, `a1`, ..., stored as f32 (bool and integers converted). */
export function scalarKernel(op: ScalarOp, { values, type = "f32" }: Arguments, width: 1 | 4): Kernel {
  const def = scalarDef(op)
  const types = values[0]!.map((_, i): ScalarType => (op === "select" && i === 0 ? "bool" : type))
  const result = def.result(types)
  const store = (n: number): Stmt => {
    const index = constant("i32", n)
    const args = types.map((dtype, i): Expr => {
      const load: Expr = { kind: "load", buffer: `a${i}`, index, type: dtype, width: 1 }
      return width === 1 ? load : { kind: "splat", value: load, type: dtype, width }
    })
    const value: Expr = { kind: "op", op, args, type: result, width }
    const one: Expr = width === 1 ? value : { kind: "lane", value, lane: n % 4, type: result }
    const asFloat: Expr =
      result === "f32" ? one : { kind: "op", op: "to_f32", args: [one], type: "f32", width: 1 }
    return { kind: "store", buffer: "out", index, value: asFloat }
  }
  const body = values.map((_, n) => store(n))
  return {
    name: `${op}_${width}`,
    params: [
      ...types.map((dtype, i) => ({ name: `a${i}`, dtype, access: "read" as const, width: 1 as const })),
      { name: "out", dtype: "f32", access: "read_write", width: 1 },
    ],
    shared: [],
    body: [{ kind: "for", name: "g", extent: constant("i32", 1), on: "grid.x", body }],
    template: "test",
    origins: [],
  }
}

/** What its buffers hold, the results last. */
export function scalarBuffers(op: ScalarOp, { values, type = "f32" }: Arguments): DeviceArray[] {
  const given = values[0]!.map((_, i) =>
    deviceArray(
      values.map((args) => args[i]!),
      op === "select" && i === 0 ? "bool" : type,
    ),
  )
  return [...given, new Float32Array(values.length)]
}

/** Runs the kernel on an adapter: what is in its last buffer then. */
export async function runInWgsl(
  device: Device,
  kernel: Kernel,
  buffers: readonly DeviceArray[],
): Promise<Float32Array> {
  const bindings = kernel.params.map(({ name, access }) => ({
    name,
    access: access === "read" ? ("read" as const) : ("read_write" as const),
  }))
  const spec = { name: kernel.name, file: "", bindings, origins: [] }
  await device.prepare([{ spec, wgsl: emitWgsl(kernel) }])
  const ranges = buffers.map((array, i) => {
    const memory = device.alloc(`${i}`, array.byteLength)
    device.write(memory, 0, new Uint8Array(array.buffer))
    return { memory, offset: 0, bytes: array.byteLength }
  })
  const call = device.bind(kernel.name, ranges)
  device.writeParameters(new Uint8Array(256))
  const recorder = device.record()
  recorder.dispatch(call, [1, 1, 1], 0)
  recorder.submit()
  const { memory, bytes } = ranges.at(-1)!
  return new Float32Array(await device.read(memory, 0, bytes))
}
