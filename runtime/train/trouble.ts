/** runtime/train: reads the facts from the device when numbers stop being finite. It may take its time: the run has ended.
 *  Not here: the likely causes (causes.ts), which value was the first (non-finite.ts). */
import { type FieldSpec, fieldsRead, type TrainSpec } from "../bundle/format.js"
import type { LoadedBundle } from "../exec/loaded-bundle.js"
import type { PlacedRows } from "../exec/placed-rows.js"
import { bytesOf, product } from "../exec/size.js"
import type { SlotBytes, State } from "../exec/state.js"
import { decodeNumbers } from "../exec/values.js"
import type { FieldRange, Origin, Trouble } from "./causes.js"

/** Training rows are read at most so many bytes at once. */
const BYTES_AT_ONCE = 1 << 24
/** How many times the usual magnitude is extreme. */
const EXTREME = 1e4

/** The ranges of the fields on the device: of all rows, or of those that the last steps took. Those that lie there as codes are small whole numbers, or known by the values of the codes. */
export async function fieldRanges(
  loaded: LoadedBundle,
  spec: TrainSpec,
  part: Pick<PlacedRows, "data" | "rowAt"> | null,
): Promise<FieldRange[]> {
  const fields = fieldsRead(loaded.bundle.manifest.data, spec)
  const ranges = []
  for (const field of fields) {
    const range = part && field.dtype === "f32" ? await rangeOf(loaded, field, part) : undefined
    if (range !== undefined) ranges.push(range)
  }
  return ranges
}

async function rangeOf(
  loaded: LoadedBundle,
  field: FieldSpec,
  { data, rowAt: rowOf }: Pick<PlacedRows, "data" | "rowAt">,
): Promise<FieldRange | undefined> {
  const { name, dtype, shape, stages, stored } = field
  const memory = data.fields.get(stored === undefined ? name : `${name}/values`)
  if (memory === undefined || stored?.values === "code") return undefined
  const width = product(shape)
  const rowAt = (place: number): number | undefined => rowOf(place, name)
  let rows = data.rows
  while (rows > 0 && rowAt(rows - 1) === undefined) rows--
  const elements = stored === undefined ? width * rows : memory.bytes / bytesOf(dtype)
  const seen = { least: Infinity, most: -Infinity, largest: 0, others: 0, at: 0 }
  let nonFinite: FieldRange["nonFinite"]
  for (let first = 0; first < elements; first += BYTES_AT_ONCE / bytesOf(dtype)) {
    const count = Math.min(elements - first, BYTES_AT_ONCE / bytesOf(dtype))
    const bytes = await loaded.device.read(memory, first * bytesOf(dtype), count * bytesOf(dtype))
    for (const [i, value] of decodeNumbers(dtype, bytes, 0, count).entries()) {
      if (!Number.isFinite(value)) nonFinite ??= { row: rowAt(Math.floor((first + i) / width))!, value }
      else {
        const size = Math.abs(value)
        const isLargest = size > seen.largest
        seen.others += isLargest ? seen.largest : size
        if (isLargest) [seen.largest, seen.at] = [size, first + i]
        seen.least = Math.min(seen.least, value)
        seen.most = Math.max(seen.most, value)
      }
    }
  }
  if (elements === 0 || seen.least > seen.most) return undefined
  const usual = seen.others / Math.max(1, elements - 1)
  const isExtreme = stored === undefined && elements > 2 && seen.largest > EXTREME * Math.max(usual, 1e-3)
  const value = -seen.least > seen.most ? seen.least : seen.most
  return {
    name,
    least: seen.least,
    most: seen.most,
    isScaled: stages.some(({ kind }) => kind === "affine"),
    ...(stored === undefined && nonFinite && { nonFinite }),
    ...(isExtreme && { extreme: { row: rowAt(Math.floor(seen.at / width))!, value, usual } }),
  }
}

/** The parameter that changed most for its size between two states. */
export function updateOf(state: State, before: SlotBytes, after: SlotBytes): Trouble["update"] {
  let most: { parameter: string; largest: number; change: number } | undefined
  for (const { name, role, dtype, shape } of state.slots) {
    const [old, now] = [before, after].map((slots) => {
      const copy = new Uint8Array(slots.get(name)!).buffer
      return decodeNumbers(dtype, copy, 0, product(shape))
    })
    if (role !== "param" || !old || !now) continue
    let [largest, change] = [0, 0]
    for (let i = 0; i < old.length; i++) {
      largest = Math.max(largest, Math.abs(old[i]!))
      const by = Math.abs(now[i]! - old[i]!)
      if (Number.isFinite(by)) change = Math.max(change, by)
    }
    const found = { parameter: name, largest, change }
    if (most === undefined || relative(found) > relative(most)) most = found
  }
  return most
}

const relative = ({ largest, change }: { readonly largest: number; readonly change: number }): number =>
  change / Math.max(1, largest)

/** Names that the compiler gives: a value is called by its operation and a number, a kernel by its operations. */
export function originOf(value: string, kernel: string, dtype: string, origins: readonly string[]): Origin {
  const own = value.replace(/_\d+$/, "")
  return {
    operations: [own, ...kernel.split("_").filter((word) => word !== own)],
    place: origins.at(-1),
    isHalf: dtype === "f16",
  }
}
