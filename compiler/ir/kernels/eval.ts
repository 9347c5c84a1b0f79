/** ir/kernels: runs kernels on the CPU, for tests and translation checks.
 *  Each kernel becomes one JavaScript function; results of f32 operations are rounded to f32.
 *  Guarantees: an access outside a buffer throws, except in the untaken side of a guard; barriers that not every lane
 *              reaches throw; workgroup memory starts as NaN. */
import type { ScalarName } from "../graph/types.js"
import { type DimValues, type DType, evalDim } from "../tensor.js"
import { evalSource } from "./eval-source.js"
import { runOrder } from "./loops.js"
import { scalarDef } from "./scalar.js"
import { type BufferRef, type Kernel, type KernelProgram, PACK_ALIGN, type ScalarType } from "./types.js"

export type DeviceArray = Float32Array | Int32Array | Uint32Array
export type ScalarValues = Readonly<Record<ScalarName, number>>
export interface KernelRun {
  readonly dims: DimValues
  readonly scalars: Omit<ScalarValues, "iteration">
  /** Slots, data and feeds by buffer name. Slots are updated in place. */
  readonly buffers: ReadonlyMap<string, DeviceArray>
}

/** Runs one kernel on arrays, one per parameter. */
export type RunKernel = (
  kernel: Kernel,
  arrays: readonly DeviceArray[],
  dims: DimValues,
  scalars: ScalarValues,
) => void

/** Runs the dispatches in order. Returns the outputs by name. */
export function evalKernels(program: KernelProgram, run: KernelRun): Map<string, DeviceArray> {
  const compiled = new Map<string, CompiledKernel>()
  return runDispatches(program, run, (kernel, arrays, dims, scalars) => {
    let f = compiled.get(kernel.name)
    if (f === undefined) compiled.set(kernel.name, (f = compileKernel(kernel)))
    f(arrays, dims, scalars)
  })
}

/** The same with kernels run by somebody else. */
export function runDispatches(
  program: KernelProgram,
  run: KernelRun,
  runKernel: RunKernel,
): Map<string, DeviceArray> {
  const memory = new Map<number, DeviceArray>()
  for (const b of program.buffers) {
    const size = evalDim(b.elements, run.dims)
    const given = run.buffers.get(b.name)
    const outside = b.role === "slot" || b.role === "data" || b.role === "feed"
    if (outside && given === undefined) throw new Error(`no value given for ${b.role} ${b.name}`)
    if (outside && given!.length !== size) {
      throw new Error(`${b.role} ${b.name} has ${given!.length} elements, not ${size}`)
    }
    memory.set(b.id, outside ? given! : allocate(b.dtype, size))
  }
  const kernels = new Map(program.kernels.map((k) => [k.name, k]))
  for (const { dispatch, iteration } of runOrder(program.dispatches.length, program.loops)) {
    const d = program.dispatches[dispatch]!
    const kernel = kernels.get(d.kernel)
    if (kernel === undefined) throw new Error(`no kernel ${d.kernel}`)
    const views = d.args.map((ref) => gather(program, memory, ref))
    runKernel(
      kernel,
      views.map((v) => v.data),
      run.dims,
      { ...run.scalars, iteration },
    )
    views.forEach((v, i) => {
      if (kernel.params[i]!.access !== "read") v.scatter()
    })
  }
  return new Map(
    program.outputs.map(({ name, buffer, at }) => {
      const data = memory.get(buffer)!
      return [name, at === undefined ? data : data.subarray(at, at + 1)]
    }),
  )
}

export const allocate = (dtype: DType, size: number): DeviceArray =>
  dtype === "i32"
    ? new Int32Array(size)
    : dtype === "u32" || dtype === "bool"
      ? new Uint32Array(size)
      : new Float32Array(size).fill(NaN)

/** A buffer as it is; a pack as one array, copied back after the kernel has written to it. */
function gather(
  program: KernelProgram,
  memory: ReadonlyMap<number, DeviceArray>,
  ref: BufferRef,
): { data: DeviceArray; scatter: () => void } {
  if (ref.kind === "buffer") return { data: memory.get(ref.id)!, scatter: () => {} }
  const pack = program.packs.find((p) => p.id === ref.id)
  if (pack === undefined) throw new Error(`no pack ${ref.id}`)
  const members = pack.members.map((id) => memory.get(id)!)
  const offsets: number[] = []
  let total = 0
  for (const m of members) {
    offsets.push(total)
    total += Math.ceil(m.length / PACK_ALIGN) * PACK_ALIGN
  }
  const dtype = program.buffers.find((b) => b.id === pack.members[0])!.dtype
  const data = allocate(dtype, total)
  members.forEach((m, i) => data.set(m, offsets[i]))
  return {
    data,
    scatter: () => members.forEach((m, i) => m.set(data.subarray(offsets[i], offsets[i]! + m.length))),
  }
}

export type CompiledKernel = (buffers: readonly DeviceArray[], dims: DimValues, scalars: ScalarValues) => void

/** Functions that the generated source calls, because they are too long to be spelled in place. */
export interface EvalSupport {
  load(kernel: string, name: string, data: DeviceArray, index: number): number
  /** `step`: the index is a multiple of it. */
  load4(kernel: string, name: string, data: DeviceArray, index: number, step: number): number[]
  store(kernel: string, name: string, data: DeviceArray, index: number, value: number): void
  store4(
    kernel: string,
    name: string,
    data: DeviceArray,
    index: number,
    value: readonly number[],
    step: number,
  ): void
  scalar(op: Parameters<typeof scalarDef>[0], type: ScalarType, args: readonly number[]): number
  vector(f: (i: number) => number): number[]
  lanes(kernel: string, run: (lane: number) => Iterator<void>, count: number): void
  shared(length: number, type: ScalarType): Float64Array
}

export function compileKernel(kernel: Kernel): CompiledKernel {
  const source = evalSource(kernel)
  const make = new Function("support", source) as (s: EvalSupport) => CompiledKernel
  return make(SUPPORT)
}

const outOfRange = (kernel: string, name: string, index: number, length: number): never => {
  throw new Error(`kernel ${kernel}: ${name}[${index}] is outside its ${length} elements`)
}
const SUPPORT: EvalSupport = {
  load: (kernel, name, data, index) => data[index] ?? outOfRange(kernel, name, index, data.length),
  load4: (kernel, name, data, index, step) => {
    if (index % step !== 0 || index < 0 || index + 4 > data.length)
      outOfRange(kernel, name, index, data.length)
    return [data[index]!, data[index + 1]!, data[index + 2]!, data[index + 3]!]
  },
  store: (kernel, name, data, index, value) => {
    if (!(index >= 0 && index < data.length)) outOfRange(kernel, name, index, data.length)
    data[index] = value
  },
  store4: (kernel, name, data, index, value, step) => {
    if (index % step !== 0 || index < 0 || index + 4 > data.length)
      outOfRange(kernel, name, index, data.length)
    data.set(value, index)
  },
  scalar: (op, type, args) => {
    const def = scalarDef(op)
    const value = def.eval(args, type)
    const result = def.result(op === "select" ? ["bool", type, type] : [type])
    return result === "f32" || result === "f16" ? Math.fround(value) : value
  },
  vector: (f) => [f(0), f(1), f(2), f(3)],
  lanes: (kernel, run, count) => {
    let waiting = Array.from({ length: count }, (_, i) => run(i))
    while (waiting.length > 0) {
      const still = waiting.filter((lane) => !lane.next().done)
      if (still.length !== 0 && still.length !== waiting.length) {
        throw new Error(`kernel ${kernel}: ${still.length} of ${waiting.length} lanes reach a barrier`)
      }
      waiting = still
    }
  },
  shared: (length) => new Float64Array(length).fill(NaN),
}
