/** schedule: the cost model of contractions on one core: into which pieces sides and depth are cut.
 *  Estimates are in cycles: a tile of 4 x 8 takes four for each index of the depth.
 *  Not here:   other choices (`cost/model.ts`), the code of an item (`templates/panels.ts`). */
import { type Dim, isStatic } from "../../ir/tensor.js"
import { nominal } from "./model.js"

/** An item takes one index of every axis before `at`, `chunk` indices of that one, and all of those behind. */
export interface SideCut {
  readonly at: number
  readonly chunk: number
  /** The extents inside an item, from axis `at` on. */
  readonly local: readonly number[]
}
export interface PanelChoice {
  readonly wide: SideCut
  readonly tall: SideCut
  /** Indices of the first axis of the depth at once. */
  readonly block: number
}
interface SideShape {
  readonly extents: readonly Dim[]
  /** Axes of the side over which axes of the depth slide, `a` and `b` indices at a time. */
  readonly windows: readonly {
    readonly side: number
    readonly depth: number
    readonly a: number
    readonly b: number
  }[]
  /** It is copied. */
  readonly packed: boolean
}

const TALL = 4
const LANES = 8
/** Elements that one array of an item may hold: a quarter of a second-level cache. */
const MOST_SUMS = 32 * 1024
const MOST_PACKED = 64 * 1024
/** Products below which packing does not pay. */
const LEAST = 2048
/** Cycles to pack an element, to stream one past that is read where it lies, to start a tile, and to write an output. */
const PACK = 1
const STREAM = 0.3
const TILE = 40
const OUTPUT = 2
/** Below so many cycles one thread does it all; else pieces for so many, one or the other. */
const DIVIDED = 200_000
const THREADS = [2, 4]

export interface PanelSizes {
  readonly wide: SideShape
  readonly tall: SideShape
  readonly depth: readonly Dim[]
  readonly batch: number
  /** The first axis of the depth slides over a side: it is not cut. */
  readonly whole: boolean
}
export interface CostedChoice {
  readonly choice: PanelChoice
  readonly cost: number
}

/** undefined: packing does not pay. */
export function panelChoice(size: PanelSizes): PanelChoice | undefined {
  let best: CostedChoice | undefined
  for (const each of panelChoices(size)) if (best === undefined || each.cost < best.cost) best = each
  return best?.choice
}

export function* panelChoices(size: PanelSizes): Generator<CostedChoice> {
  const { batch } = size
  const [rows, columns, depth] = [size.tall.extents, size.wide.extents, size.depth].map((e) =>
    e.reduce<number>((n, d) => n * nominal(d), 1),
  ) as [number, number, number]
  if (rows < TALL || columns < LANES - 1 || depth < TALL || rows * columns * depth < LEAST) return
  for (const wide of cutsOf(size.wide, LANES)) {
    for (const tall of cutsOf(size.tall, TALL)) {
      if (wide.size * tall.size > MOST_SUMS) continue
      const width = (size.wide.packed ? wide.size : 0) + (size.tall.packed ? tall.size : 0)
      const copied = copiedFor(size.wide, wide, size.depth) + copiedFor(size.tall, tall, size.depth)
      const block = size.whole ? nominal(size.depth[0]!) : blockOf(size.depth, width)
      const blocks = Math.ceil(nominal(size.depth[0]!) / block)
      const tiles = Math.ceil(tall.size / TALL) * (wide.size / LANES)
      const item =
        tiles * (depth * TALL + blocks * TILE) +
        copied * PACK +
        (size.tall.packed ? 0 : depth * tall.size * STREAM) +
        wide.size * tall.size * OUTPUT
      const items = wide.count * tall.count * batch
      const waiting = item * items < DIVIDED ? 1 : waitingFor(items)
      const cost = item * items * waiting
      yield { cost, choice: { wide: wide.cut, tall: tall.cut, block } }
    }
  }
}

/** How much longer items take on several threads than if they were divided evenly. */
const waitingFor = (items: number): number =>
  THREADS.reduce((sum, n) => sum + (Math.ceil(items / n) * n) / items, 0) / THREADS.length

interface Cut {
  readonly cut: SideCut
  /** Indices of an item, the last axis filled up to whole tiles; how many items there are. */
  readonly size: number
  readonly count: number
}

/** Elements that an item copies of an operand. */
function copiedFor({ packed, windows }: SideShape, { cut, size }: Cut, depth: readonly Dim[]): number {
  if (!packed) return 0
  const within = windows.filter((w) => w.side >= cut.at)
  const free = depth.reduce<number>(
    (n, d, axis) => (within.some((w) => w.depth === axis) ? n : n * nominal(d)),
    1,
  )
  return within.reduce((n, w) => {
    const own = cut.local[w.side - cut.at]!
    const reach = w.a * (own - 1) + Math.abs(w.b) * (nominal(depth[w.depth]!) - 1) + 1
    return (n * reach) / own
  }, free * size)
}

function* cutsOf({ extents, windows }: SideShape, step: number): Generator<Cut> {
  const up = (n: number): number => Math.ceil(n / step) * step
  for (let at = extents.length - 1; at >= 0; at--) {
    const inside = extents.slice(at + 1)
    if (!inside.every(isStatic)) return
    const extent = extents[at]!
    for (const chunk of windows.length > 0 ? divisors(extent) : chunks(extent, up)) {
      const local = [chunk, ...inside]
      const before = local.slice(0, -1).reduce((n, d) => n * d, 1)
      const count =
        extents.slice(0, at).reduce<number>((n, d) => n * nominal(d), 1) * Math.ceil(nominal(extent) / chunk)
      yield { cut: { at, chunk, local }, size: before * up(local.at(-1)!), count }
    }
  }
}
/** An axis that windows slide over is cut evenly: nothing lies behind its end. */
function divisors(extent: Dim): number[] {
  if (!isStatic(extent)) return [1]
  return Array.from({ length: extent }, (_, n) => n + 1).filter((n) => extent % n === 0)
}
function chunks(extent: Dim, up: (n: number) => number): number[] {
  if (!isStatic(extent)) return [16, 32, 64, 128, 256]
  const parts = Array.from({ length: 16 }, (_, n) => up(extent / (n + 1)))
  return [...new Set([...parts, 16, 32, 64, 128])].filter((n) => n >= Math.min(8, up(extent)))
}

/** `width`: elements per index of the depth. */
function blockOf([first, ...inside]: readonly Dim[], width: number): number {
  const deep = inside.reduce<number>((n, d) => n * nominal(d), 1)
  const most = Math.max(1, Math.floor(MOST_PACKED / (width * deep)))
  if (inside.length > 0 || !isStatic(first!)) {
    const fitting = divisors(first!).filter((n) => n <= most)
    return isStatic(first!) ? Math.max(1, ...fitting) : inside.length > 0 ? 1 : Math.min(256, up4(most))
  }
  return first! <= most ? first! : up4(first! / Math.ceil(first! / Math.max(TALL, most)))
}
const up4 = (n: number): number => Math.ceil(n / TALL) * TALL
