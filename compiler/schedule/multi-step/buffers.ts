/** schedule: where the buffers of a program lie when one workgroup runs all of it.
 *  Slots of f32 are one binding, in the order that they have in memory; outputs are one, with a row per call; every data field and
 *  other slot is one of its own. Values that live within a call are in workgroup memory, or in a buffer where they are too large for it. */
import {
  type Buffer,
  type BufferRef,
  type Expr,
  type KernelParam,
  type KernelProgram,
  MOST_CALLS,
  type Pack,
  PACK_ALIGN,
  type ScalarType,
  type SharedArray,
} from "../../ir/kernels/types.js"
import { bytesOf, type DimValues, type DType, evalDim } from "../../ir/tensor.js"
import { bug } from "../../source/bug.js"
import type { TargetProfile } from "../../targets/target.js"

/** Names of the two loops. */
export const LANE = "lane"
export const CALL = "call"

export interface Location {
  readonly kind: "param" | "shared"
  readonly name: string
  /** The offset of the buffer's first element. */
  readonly base: Expr
}

export interface Locations {
  readonly of: (id: number) => Location
  readonly params: readonly (Pick<KernelParam, "name" | "dtype" | "access"> & { readonly ref: BufferRef })[]
  readonly shared: readonly SharedArray[]
  readonly buffers: readonly Buffer[]
  readonly packs: readonly Pack[]
  /** Outputs that lie in slots, and where each call puts them among its results. */
  readonly copied: readonly { readonly id: number; readonly to: Location }[]
  /** The outputs, in the buffer of the results. */
  readonly results: KernelProgram["outputs"]
}

const int = (value: number): Expr => ({ kind: "const", type: "i32", value })
/** Bools are stored as u32. */
const stored = (dtype: DType): ScalarType => (dtype === "bool" ? "u32" : dtype)

export function locationsOf(
  program: KernelProgram,
  own: readonly SharedArray[],
  dims: DimValues,
  slots: readonly Buffer[],
  target: TargetProfile,
): Locations | string {
  const made = new Making(program, slots)
  for (const b of program.buffers) {
    if (b.role === "feed") return `${b.name} is fed`
    if (b.dtype === "f16") return `${b.name} is f16`
    if (b.role === "slot" || b.role === "data") made.location(b)
  }
  const results = made.results(program)
  const temps = program.buffers
    .filter((b) => b.role === "temp")
    .map((b) => ({ b, length: Math.max(1, evalDim(b.elements, dims)) }))
  const ownBytes = own.reduce((n, s) => n + s.length * bytesOf(s.type), 0)
  let room = target.maxWorkgroupMemory - ownBytes
  if (room < 0) return `its kernels have ${ownBytes} bytes of workgroup memory`
  // The smallest first: the more of them are near.
  for (const { b, length } of temps.sort((x, y) => x.length - y.length)) {
    const bytes = length * bytesOf(b.dtype)
    if (bytes <= room) made.share(b, length)
    else made.keep(b, length)
    room -= Math.min(room, bytes)
  }
  const { params } = made
  if (params.length > target.maxStorageBuffersPerStage) return `it binds ${params.length} buffers`
  return made.finish(results)
}

class Making {
  readonly params: Locations["params"][number][] = []
  private readonly shared: SharedArray[] = []
  private readonly buffers: Buffer[] = []
  private readonly packs: Pack[] = []
  private readonly locations = new Map<number, Location>()
  private readonly copied: { id: number; to: Location }[] = []
  /** By type: the elements so far of the buffer for values that do not fit in workgroup memory. */
  private readonly large = new Map<ScalarType, { id: number; length: number }>()

  constructor(
    program: KernelProgram,
    private readonly slots: readonly Buffer[],
  ) {
    const used = new Set(program.buffers.filter((b) => b.role === "slot").map((b) => b.name))
    if (slots.some((s) => used.has(s.name))) {
      const members = slots.map((s) => this.buffer(s))
      this.packs.push({ id: 0, name: "state", members })
      this.params.push({ name: "state", dtype: "f32", access: "read_write", ref: { kind: "pack", id: 0 } })
    }
  }

  /** A slot or a data field. */
  location(b: Buffer): void {
    let offset = 0
    for (const s of b.role === "slot" ? this.slots : []) {
      if (s.name === b.name) return this.at(b.id, { kind: "param", name: "state", base: int(offset) })
      offset += Math.ceil(elementsOf(s) / PACK_ALIGN) * PACK_ALIGN
    }
    this.bind(b.id, `${b.role === "data" ? "in_" : ""}${identifier(b.name)}`, b)
  }
  /** One row per call, one number for each output. */
  results(program: KernelProgram): Locations["results"] {
    const outputs = [...new Set(program.outputs.map((o) => o.buffer))]
    const roles = new Map(program.buffers.map((b) => [b.id, b.role]))
    const id = this.buffer({
      name: "results",
      dtype: "f32",
      elements: MOST_CALLS * outputs.length,
      role: "output",
    })
    this.params.push({ name: "results", dtype: "f32", access: "read_write", ref: { kind: "buffer", id } })
    const call: Expr = { kind: "ref", name: CALL, type: "i32", width: 1 }
    const row: Expr = { kind: "op", op: "mul", args: [call, int(outputs.length)], type: "i32", width: 1 }
    outputs.forEach((o, n) => {
      const base: Expr = { kind: "op", op: "add", args: [row, int(n)], type: "i32", width: 1 }
      const to: Location = { kind: "param", name: "results", base }
      if (roles.get(o) === "output") this.at(o, to)
      else this.copied.push({ id: o, to })
    })
    return program.outputs.map(({ name, buffer }) => ({ name, buffer: id, at: outputs.indexOf(buffer) }))
  }
  share(b: Buffer, length: number): void {
    const name = this.free(b.name)
    this.shared.push({ name, type: stored(b.dtype), length, width: 1 })
    this.at(b.id, { kind: "shared", name, base: int(0) })
  }
  keep(b: Buffer, length: number): void {
    const type = stored(b.dtype)
    const name = `work_${type}`
    let large = this.large.get(type)
    if (large === undefined) {
      const id = this.buffer({ name, dtype: type, elements: 0, role: "temp" })
      this.params.push({ name, dtype: type, access: "read_write", ref: { kind: "buffer", id } })
      this.large.set(type, (large = { id, length: 0 }))
    }
    this.at(b.id, { kind: "param", name, base: int(large.length) })
    large.length += length
  }
  finish(results: Locations["results"]): Locations {
    for (const { id, length } of this.large.values())
      this.buffers[id] = { ...this.buffers[id]!, elements: length }
    const { locations, params, shared, buffers, packs, copied } = this
    const of = (id: number): Location => locations.get(id) ?? bug(`buffer ${id} has no location`)
    return { of, params, shared, buffers, packs, copied, results }
  }

  private bind(id: number, name: string, b: Buffer): void {
    const param = this.free(name)
    const dtype = stored(b.dtype)
    const access = b.role === "data" ? "read" : "read_write"
    this.params.push({ name: param, dtype, access, ref: { kind: "buffer", id: this.buffer(b) } })
    this.at(id, { kind: "param", name: param, base: int(0) })
  }
  private buffer(b: Omit<Buffer, "id">): number {
    const id = this.buffers.length
    this.buffers.push({ ...b, id })
    return id
  }
  private at(id: number, location: Location): void {
    this.locations.set(id, location)
  }
  private free(wanted: string): string {
    const taken = [...this.params, ...this.shared].map((x) => x.name)
    let name = identifier(wanted)
    for (let i = 1; taken.includes(name); i++) name = `${wanted}_${i}`
    return name
  }
}

const identifier = (name: string): string => name.replace(/\W/g, "_")
const elementsOf = (b: Buffer): number =>
  typeof b.elements === "number" ? b.elements : bug(`slot ${b.name} has no fixed size`)
