/** runtime/exec: rows that are more than one buffer takes: they lie on the device in several, and those of the next calls are copied from
 *  there.
 *  Assumes: a row is of whole words. */
import type { KernelSpec } from "../bundle/format.js"
import type { RowGather } from "../data/gather.js"
import type { BoundKernel, Device, Memory } from "../device/device.js"
import { fill } from "./placed-rows.js"
import type { RowStore } from "./staged.js"

/** `most`: bytes of a buffer. `stage`: rows that are fetched at once, at most. */
export async function storeInPieces(
  device: Device,
  id: string,
  from: RowGather,
  stage: number,
  most: number,
): Promise<RowStore> {
  const { count, encoders } = from
  const widest = encoders.reduce((bytes, each) => Math.max(bytes, each.bytes), 1)
  const rows = Math.min(count, 2 * Math.max(1, Math.floor(most / 2 / widest)))
  const pieces = new Map(
    encoders.map(({ name, bytes }) => [
      name,
      Array.from({ length: Math.ceil(count / rows) }, (_, i) =>
        device.alloc(`${id}.${name}/${i}`, Math.min(rows, count - i * rows) * bytes),
      ),
    ]),
  )
  const bytesOf = new Map(encoders.map(({ name, bytes }) => [name, bytes]))
  await fill(
    device,
    from,
    (name, row) => [pieces.get(name)![Math.floor(row / rows)]!, (row % rows) * bytesOf.get(name)!],
    rows,
  )
  const copy = await rowCopier(device, stage)
  return {
    fetch: async (numbers) => (stage) => {
      const fields = encoders.map(({ name, bytes }) => ({
        from: pieces.get(name)!,
        to: stage.get(name)!,
        bytes,
      }))
      copy(fields, numbers, rows)
    },
  }
}

interface PiecesOfField {
  readonly from: readonly Memory[]
  readonly to: Memory
  /** The bytes of a row. */
  readonly bytes: number
}
/** Copies the rows of these numbers; a piece holds `rows` of them. */
type CopyRows = (fields: readonly PiecesOfField[], numbers: Uint32Array, rows: number) => void

/** A GPU takes one dispatch for each piece rather than a command for each row. */
const rowCopier = (device: Device, most: number): Promise<CopyRows> =>
  device.info.device === "webgpu" ? copierOfKernel(device, most) : Promise.resolve(copierOfCommands(device))

const copierOfCommands =
  (device: Device): CopyRows =>
  (fields, numbers, rows) => {
    const recorder = device.record()
    for (const { from, to, bytes } of fields)
      for (let i = 0; i < numbers.length; i++) {
        const [piece, row] = [Math.floor(numbers[i]! / rows), numbers[i]! % rows]
        recorder.copy(from[piece]!, row * bytes, to, i * bytes, bytes)
      }
    recorder.submit()
  }

const KERNEL: KernelSpec = {
  name: "nnc_copy_rows",
  file: "",
  bindings: [
    { name: "places", access: "read" },
    { name: "rows", access: "read" },
    { name: "stage", access: "read_write" },
  ],
  origins: [],
}
/** Two words in `places` for each row, after the words in a row and how many there are: where it lies, and where it goes. */
const WGSL = `
@group(1) @binding(0) var<storage, read> places: array<vec2u>;
@group(1) @binding(1) var<storage, read> rows: array<u32>;
@group(1) @binding(2) var<storage, read_write> stage: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let words = places[0].x;
  let place = places[group.x + 1u];
  for (var i = lane; i < words; i += 64u) {
    stage[place.y * words + i] = rows[place.x * words + i];
  }
}
`

async function copierOfKernel(device: Device, most: number): Promise<CopyRows> {
  await device.prepare([{ spec: KERNEL, wgsl: WGSL }])
  const bytes = (most + 1) * 8
  const lists = new Map<Memory, { readonly list: Memory; readonly calls: Map<Memory, BoundKernel> }>()
  /** A list for each piece and a call for each stage that it is copied to, made once. */
  const callOf = (piece: Memory, to: Memory): readonly [BoundKernel, Memory] => {
    const own = lists.get(piece) ?? { list: device.alloc("places of rows", bytes), calls: new Map() }
    lists.set(piece, own)
    const ranges = [own.list, piece, to].map((memory) => ({ memory, offset: 0, bytes: memory.bytes }))
    const call = own.calls.get(to) ?? device.bind(KERNEL.name, ranges)
    own.calls.set(to, call)
    return [call, own.list]
  }
  return (fields, numbers, rows) => {
    const recorder = device.record()
    for (const { from, to, bytes: size } of fields)
      from.forEach((piece, n) => {
        const places: number[] = [size / 4, 0]
        numbers.forEach((number, i) => {
          if (Math.floor(number / rows) === n) places.push(number % rows, i)
        })
        const count = places.length / 2 - 1
        if (count === 0) return
        const [call, list] = callOf(piece, to)
        device.write(list, 0, new Uint8Array(Uint32Array.from(places).buffer))
        recorder.dispatch(call, [count, 1, 1], 0)
      })
    recorder.submit()
  }
}
