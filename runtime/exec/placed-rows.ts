/** runtime/exec: the training rows or the test rows of a data set, and how programs find those of each call on the device.
 *  Guarantees: a call takes the same rows wherever they lie: kernels read them from one buffer for each field, by the same numbers, and
 *              their results do not depend on the placement in any bit.
 *  Not here:   rows that are not all on the device (staged.ts). */
import type { FieldSpec } from "../bundle/format.js"
import { bytesOfRow } from "../data/encoder.js"
import type { RowGather } from "../data/gather.js"
import { rowsBetween } from "../data/split.js"
import type { DataRoom, Device, Memory } from "../device/device.js"
import { upload, type DeviceData } from "./dataset.js"

/** resident: all rows in one buffer for each field. pieces: all on the device, in buffers as large as it takes. streamed: those of the
 *  next calls, which the host brings while the calls before are computed. */
export type Placement = (typeof PLACEMENTS)[number]
export const PLACEMENTS = ["resident", "pieces", "streamed"] as const

/** The batches that calls of a program take, from call 0 on. */
export interface Order {
  readonly shuffle: boolean
  /** Sums of the weights that shuffled rows are drawn by; absent: each comes once in an epoch. */
  readonly weights?: Float64Array
  readonly seed: number
  /** How many calls there are. */
  readonly calls: number
  /** `before`: how many rows the calls before it take, of all epochs. */
  at(call: number): {
    readonly B: number
    readonly epoch: number
    readonly start: number
    readonly before: number
  }
}

/** The rows of a call, as a program is told them: their number to choose from, and the position of the first. */
export interface RowsOfCall {
  readonly R: number
  readonly start: number
}

/** The calls of one program, in their order. */
export interface Walk {
  /** Sees to it that the rows of calls from `first` on are there for the next submission. Gives for how many calls of `count` they
   *  are: at least for one. */
  ready(first: number, count: number): Promise<number>
  of(call: number): RowsOfCall
}

export interface PlacedRows {
  readonly rows: number
  /** The memory that programs bind. */
  readonly data: DeviceData
  /** The bytes of all rows, wherever they lie. */
  readonly bytes: number
  /** The number of the row at a place in the buffer of a field; undefined where there is none. */
  rowAt(place: number, field: string): number | undefined
  walk(order: Order): Walk
}

/** The rows of each part of a data set. */
export interface SetSize {
  readonly fields: readonly FieldSpec[]
  readonly counts: readonly number[]
}

/** The first placement that the device has room for. */
export function placementIn(room: DataRoom, sets: readonly SetSize[]): Placement {
  const sizes = sets.flatMap(({ fields, counts }) =>
    fields.map((field) => ({ bytes: bytesOfRow(field), counts })),
  )
  const all = sizes.flatMap(({ bytes, counts }) => counts.map((count) => bytes * count))
  if (all.reduce((sum, bytes) => sum + bytes, 0) > room.all) return "streamed"
  if (all.every((bytes) => bytes <= room.buffer)) return "resident"
  return sizes.every(({ bytes }) => isWhole(bytes)) ? "pieces" : "streamed"
}

/** Rows of whole words can be copied one by one on the device. */
export const isWhole = (bytes: number): boolean => bytes % 4 === 0

/** Bytes of rows that are read at once. */
const BLOCK = 1 << 23

/** Puts all rows where `memoryAt` says: a memory, and the byte there of the first of some rows. A block of rows ends where `most` rows
 *  of a memory end. */
export async function fill(
  device: Device,
  from: RowGather,
  memoryAt: (field: string, row: number) => readonly [Memory, number],
  most = Infinity,
): Promise<void> {
  const { count, encoders } = from
  const row = encoders.reduce((sum, { bytes }) => sum + bytes, 0)
  // An even number of rows ends at a whole word, also where they are an odd number of halves.
  const step = 2 * Math.max(1, Math.floor(BLOCK / 2 / Math.max(1, row)))
  const endOf = (first: number): number => Math.min(count, first + Math.min(step, most - (first % most)))
  const block = (first: number): ReturnType<RowGather["gather"]> =>
    from.gather(rowsBetween(first, endOf(first)))
  let coming = block(0)
  for (let first = 0; first < count; first = endOf(first)) {
    const { fields, done } = await coming
    if (endOf(first) < count) {
      coming = block(endOf(first))
      coming.catch(() => {})
    }
    for (const { name, bytes } of fields) {
      if (bytes.byteLength === 0) continue
      const [memory, at] = memoryAt(name, first)
      device.write(memory, at, bytes)
    }
    done()
  }
}

export async function residentRows(device: Device, id: string, from: RowGather): Promise<PlacedRows> {
  const { count, encoders } = from
  const bytesOf = new Map(encoders.map(({ name, bytes }) => [name, bytes]))
  const rows = new Map(
    encoders.map(({ name, bytes }) => [name, device.alloc(`${id}.${name}`, count * bytes)]),
  )
  await fill(device, from, (name, row) => [rows.get(name)!, row * bytesOf.get(name)!])
  const data: DeviceData = { id, rows: count, fields: new Map([...rows, ...listsOf(device, id, from)]) }
  return {
    rows: count,
    data,
    bytes: [...data.fields.values()].reduce((sum, { bytes }) => sum + bytes, 0),
    rowAt: (place) => (place < count ? place : undefined),
    walk: (order) => ({
      ready: async (_, calls) => calls,
      of: (call) => ({ R: count, start: order.at(call).start }),
    }),
  }
}

/** The values of codes. */
export const listsOf = (device: Device, id: string, { encoders }: RowGather): [string, Memory][] =>
  encoders.flatMap(({ list }) => (list ? [[list.name, upload(device, id, list)] as [string, Memory]] : []))
