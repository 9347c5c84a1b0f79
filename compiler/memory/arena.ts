/** memory: places allocations with known lifetimes in as few bytes as a greedy search finds: one after another, each at the lowest
 *  offset that no allocation of an overlapping lifetime covers. Largest first or, where that leaves gaps, in the order of use. */
import { alignUp, type Allocation } from "./lifetimes.js"

export interface Placed {
  readonly allocation: Allocation
  /** Index of the arena: a new one begins where one would outgrow `maxBytes`. */
  readonly arena: number
  readonly offset: number
}

interface Arenas {
  readonly placed: Placed[]
  readonly arenas: number[]
}
const ORDERS: readonly ((a: Allocation, b: Allocation) => number)[] = [
  (a, b) => b.bytes - a.bytes || a.first - b.first,
  (a, b) => a.first - b.first || b.bytes - a.bytes,
]

/** Offsets for all; bytes per arena. */
export function placeAll(list: readonly Allocation[], alignment: number, maxBytes: number): Arenas {
  const total = (x: Arenas): number => x.arenas.reduce((sum, bytes) => sum + bytes, 0)
  const [first, ...others] = ORDERS.map((order) => () => {
    return placeInOrder([...list].sort(order), alignment, maxBytes)
  })
  let best = first!()
  for (const other of others) {
    if (total(best) <= liveSetBound(list, alignment)) break
    const tried = other()
    if (total(tried) < total(best)) best = tried
  }
  return best
}

function placeInOrder(order: readonly Allocation[], alignment: number, maxBytes: number): Arenas {
  const placed: Placed[] = []
  const arenas: number[] = [0]
  /** Per arena, by offset, so that one sweep finds the lowest gap. */
  const byOffset: Placed[][] = [[]]
  for (const allocation of order) {
    for (let arena = 0; ; arena++) {
      if (arena === arenas.length) {
        arenas.push(0)
        byOffset.push([])
      }
      const offset = lowestGap(byOffset[arena]!, allocation, alignment)
      // A buffer larger than a whole arena gets one of its own; the target check reports it.
      if (offset + allocation.bytes > maxBytes && offset > 0) continue
      const entry = { allocation, arena, offset }
      placed.push(entry)
      insertByOffset(byOffset[arena]!, entry)
      arenas[arena] = Math.max(arenas[arena]!, alignUp(offset + allocation.bytes, alignment))
      break
    }
  }
  return { placed, arenas: arenas.filter((bytes) => bytes > 0) }
}

const overlaps = (a: Allocation, b: Allocation): boolean => a.first <= b.last && b.first <= a.last

function lowestGap(sorted: readonly Placed[], wanted: Allocation, alignment: number): number {
  let offset = 0
  for (const other of sorted) {
    if (!overlaps(other.allocation, wanted)) continue
    if (other.offset >= offset + wanted.bytes) break
    offset = Math.max(offset, alignUp(other.offset + other.allocation.bytes, alignment))
  }
  return offset
}

function insertByOffset(sorted: Placed[], entry: Placed): void {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const mid = (low + high) >> 1
    if (sorted[mid]!.offset <= entry.offset) low = mid + 1
    else high = mid
  }
  sorted.splice(low, 0, entry)
}

/** The most bytes alive at any one dispatch, each allocation up to where the next may start: no plan can need less. */
export function liveSetBound(list: readonly Allocation[], alignment: number): number {
  const events = list.flatMap((a) => {
    const bytes = alignUp(a.bytes, alignment)
    return [
      { at: a.first, order: 0, bytes },
      { at: a.last, order: 1, bytes: -bytes },
    ]
  })
  events.sort((a, b) => a.at - b.at || a.order - b.order)
  let live = 0
  let peak = 0
  for (const e of events) {
    live += e.bytes
    peak = Math.max(peak, live)
  }
  return peak
}
