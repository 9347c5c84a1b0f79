/** schedule: one operand of a contraction as the tiles of an item read it: copied into workgroup memory in the order in which
 *  they do, or where it lies if that is just as good.
 *  Without windows: [tile][index of the depth][index of the tile]. With windows: an axis per sum of indices, so that both loops
 *  move by constants; the last axis of the side last.
 *  Guarantees: elements behind the end of a side are some numbers; they reach no sum that is stored.
 *  Not here:   sizes (`cost/panels.ts`), the loops over items and tiles (`templates/panels.ts`). */
import type { Expr, Stmt } from "../../ir/kernels/types.js"
import { type Dim, divDim, isStatic } from "../../ir/tensor.js"
import { bug } from "../../source/bug.js"
import { LANES, type Panels, type Side, TALL, valueAt } from "../contraction/panels.js"
import { unravel } from "../expressions/values.js"
import { isScattered } from "../expressions/vectorize.js"

/** Where an item stands along a side, or a block along the depth: the indices of the axes before the cut, the first index of the
 *  one that is cut, and how many it takes of it. */
export interface Cut {
  readonly before: readonly Expr[]
  readonly start: Expr
  readonly count: Expr
}
export interface Item {
  readonly side: Cut
  readonly depth: Cut
  readonly batch: Expr
}

/** An operand of a kernel. `pack`: the statements that run before it is read. */
export interface PanelOperand {
  readonly pack: (item: Item) => readonly Stmt[]
  /** The element at an index of a tile and of the depth, relative to the item: one, or four from there on. */
  readonly read: (at: TilePosition, depth: readonly Expr[], width: 1 | 4) => Expr
}
/** `tile`: number of the tile along the last axis of the side; `outer`: indices of the axes before, in the item. */
export interface TilePosition {
  readonly item: Item
  readonly tile: Expr
  readonly outer: readonly Expr[]
  readonly offset: number
}

export function panelOperand(p: Panels, side: Side): PanelOperand {
  if (side.windows.length > 0) return slidingOperand(p, side)
  return side === p.tall && side.direct ? directOperand(p, side) : tiledOperand(p, side)
}

/** A let of a known range, so that indices can be simplified. */
export function named(p: Panels, name: string, value: Expr, range: Dim | undefined, lets: Stmt[]): Expr {
  if (value.kind === "const" || value.kind === "ref") return value
  const v = p.cx.b.variable(name, range)
  lets.push({ kind: "let", name: v.name, value })
  return v
}
export function loop(
  p: Panels,
  name: string,
  extent: Expr,
  range: Dim | undefined,
  body: (i: Expr) => readonly Stmt[],
): Stmt[] {
  if (extent.kind === "const" && extent.value === 1) return [...body(p.cx.b.k.int(0))]
  const v = p.cx.b.variable(name, range)
  return [{ kind: "for", name: v.name, extent, on: "serial", body: body(v) }]
}
/** Loops over the indices of a block of the depth but for the last `inner` axes. */
export function depthLoops(
  p: Panels,
  cut: Cut,
  inner: number,
  body: (at: readonly Expr[]) => readonly Stmt[],
): readonly Stmt[] {
  const { k } = p.cx.b
  const extents = p.depth.extents.slice(0, p.depth.extents.length - inner)
  const go = (n: number, at: readonly Expr[]): readonly Stmt[] =>
    n === extents.length
      ? body(at)
      : loop(p, "d", n === 0 ? cut.count : k.dim(extents[n]!), n === 0 ? p.block : extents[n]!, (i) =>
          go(n + 1, [...at, i]),
        )
  return go(0, [])
}
/** The indices of the depth that stand for those of a block. */
const inBlock = (p: Panels, cut: Cut, at: readonly Expr[]): Expr[] =>
  at.map((e, n) => (n === 0 ? p.cx.b.k.add(cut.start, e) : e))

/** The depth's indices in a block, as one number. */
function flatDepth(p: Panels, at: readonly Expr[]): Expr {
  const { k } = p.cx.b
  return at.reduce<Expr>((sum, e, n) => {
    const extent = n === 0 ? 1 : p.depth.extents[n]!
    return k.add(k.mul(sum, k.dim(extent)), e)
  }, k.int(0))
}
const depthSize = (p: Panels): number =>
  p.depth.extents.slice(1).reduce<number>((n, d) => n * staticOf(d), p.block)
const staticOf = (d: Dim): number => (isStatic(d) ? d : bug("a size in an item is a constant"))

// ---- where it lies

function directOperand(p: Panels, side: Side): PanelOperand {
  const { k } = p.cx.b
  const extent = side.space.extents[0]!
  return {
    pack: () => [],
    read: ({ item, tile, offset }, at) => {
      const linear = k.add(k.mul(tile, k.int(TALL)), k.add(item.side.start, k.int(offset)))
      const inside =
        divDim(extent, TALL) === undefined ? k.op("min", linear, k.sub(k.dim(extent), k.int(1))) : linear
      return valueAt(p, side, [inside], inBlock(p, item.depth, at), item.batch)
    },
  }
}

// ---- tiles

function tiledOperand(p: Panels, side: Side): PanelOperand {
  const { b } = p.cx
  const { k } = b
  const lanes = side === p.wide ? LANES : TALL
  const name = b.name(side === p.wide ? "wide" : "tall")
  const size = depthSize(p)
  const tiles = Math.ceil(side.cut.chunk / lanes)
  b.shared.push({ name, type: p.cx.type, length: tiles * lanes * size, width: 1 })
  const at = (tile: Expr, depth: readonly Expr[]): Expr =>
    k.mul(k.add(k.mul(tile, k.int(size)), flatDepth(p, depth)), k.int(lanes))
  const across = transposes(p, side)
  return {
    pack: (item) => {
      const count = k.div(k.add(item.side.count, k.int(lanes - 1)), k.int(lanes))
      return loop(p, "tile", count, tiles, (tile) => {
        const store = (depth: readonly Expr[], group: number, value: Expr): Stmt => ({
          kind: "store-shared",
          name,
          index: k.add(at(tile, depth), k.int(4 * group)),
          value,
        })
        return across
          ? packAcross(p, side, item, tile, lanes, store)
          : depthLoops(p, item.depth, 0, (depth) => packAlong(p, side, item, tile, lanes, depth, store))
      })
    },
    read: ({ tile, offset }, depth, width) =>
      k.shared(name, k.add(at(tile, depth), k.int(offset)), p.cx.type, width),
  }
}

type StoreGroup = (depth: readonly Expr[], group: number, value: Expr) => Stmt

/** An index of the depth for all indices of a tile. */
function packAlong(
  p: Panels,
  side: Side,
  item: Item,
  tile: Expr,
  lanes: number,
  depth: readonly Expr[],
  store: StoreGroup,
): Stmt[] {
  const { b } = p.cx
  const { k } = b
  const extent = side.space.extents[0]!
  const fours = divDim(extent, 4)
  // A tile may reach a whole group beyond the side.
  const quads = fours ?? (isStatic(extent) ? Math.ceil(extent / 4) : undefined)
  const out: Stmt[] = []
  for (let group = 0; group < lanes / 4; group++) {
    const first = k.add(k.div(item.side.start, k.int(4)), k.add(k.mul(tile, k.int(lanes / 4)), k.int(group)))
    const j = b.variable("j", 4)
    const inside = divDim(extent, lanes) !== undefined
    const clamped = inside || quads === undefined ? first : k.op("min", first, k.sub(k.dim(quads), k.int(1)))
    const quad = named(p, "quad", clamped, quads, out)
    const linear = k.add(k.mul(quad, k.int(4)), j)
    const value = valueAt(p, side, [linear], inBlock(p, item.depth, depth), item.batch)
    const whole = fours !== undefined
    const safe = whole ? value : k.guard(k.asIs("lt", linear, k.dim(extent)), value, k.constant(0, p.cx.type))
    out.push(store(depth, group, b.widen(safe, j.name)))
  }
  return out
}

/** Four indices of the depth for all indices of a tile: loaded along the depth, stored across. */
function packAcross(
  p: Panels,
  side: Side,
  item: Item,
  tile: Expr,
  lanes: number,
  store: StoreGroup,
): readonly Stmt[] {
  const { b } = p.cx
  const { k } = b
  const extent = side.space.extents[0]!
  const last = p.depth.extents.length - 1
  return depthLoops(p, item.depth, 1, (outer) => {
    const end = last === 0 ? item.depth.count : k.dim(p.depth.extents[last]!)
    const range = last === 0 ? p.block : p.depth.extents[last]!
    const quads = isStatic(range) ? Math.ceil(range / 4) : undefined
    const fours = loop(p, "dq", k.div(end, k.int(4)), quads, (quad) => {
      const j = b.variable("j", 4)
      const lets: Stmt[] = []
      const along = k.mul(quad, k.int(4))
      const depth = inBlock(p, item.depth, [...outer, k.add(along, j)])
      const columns = Array.from({ length: lanes }, (_, lane) => {
        const linear = k.add(item.side.start, k.add(k.mul(tile, k.int(lanes)), k.int(lane)))
        const inside =
          divDim(extent, lanes) === undefined ? k.op("min", linear, k.sub(k.dim(extent), k.int(1))) : linear
        const value = b.widen(valueAt(p, side, [inside], depth, item.batch), j.name)
        const name = b.name("along")
        lets.push({ kind: "let", name, value })
        return k.ref(name, p.cx.type, 4)
      })
      const stores = [0, 1, 2, 3].flatMap((n) =>
        Array.from({ length: lanes / 4 }, (_, group) => {
          const [x, y, z, w] = columns.slice(4 * group, 4 * group + 4).map((c) => k.lane(c, n))
          return store([...outer, k.add(along, k.int(n))], group, k.vec([x!, y!, z!, w!]))
        }),
      )
      return [...lets, ...stores]
    })
    const rest = k.rem(end, k.int(4))
    if (rest.kind === "const" && rest.value === 0) return fours
    const tail = loop(p, "dt", rest, 4, (i) => {
      const at = k.add(k.mul(k.div(end, k.int(4)), k.int(4)), i)
      return packAlong(p, side, item, tile, lanes, [...outer, at], store)
    })
    return [...fours, ...tail]
  })
}

/** Whether the operand lies side by side along the depth, and not along its side. */
function transposes(p: Panels, side: Side): boolean {
  const b = p.cx.b.fork()
  const { k } = b
  const q: Panels = { ...p, cx: { ...p.cx, b } }
  const extent = side.space.extents[0]!
  const quads = (d: Dim): Dim | undefined => divDim(d, 4) ?? (isStatic(d) ? Math.ceil(d / 4) : undefined)
  const j = b.variable("j", 4)
  const four = (d: Dim): Expr => k.add(k.mul(b.variable("quad", quads(d)), k.int(4)), j)
  const linear = b.variable("place", extent)
  const depth = p.depth.extents.map((d) => b.variable("d", d))
  const batch = b.variable("batch")
  const last = p.depth.extents.at(-1)!
  const along = valueAt(q, side, [four(extent)], depth, batch)
  const across = valueAt(q, side, [linear], [...depth.slice(0, -1), four(last)], batch)
  return isScattered(b.widen(along, j.name)) && !isScattered(b.widen(across, j.name))
}
// ---- windows

/** An axis of the packed operand: indices of the side, of the depth, or sums of both. */
interface PackAxis {
  readonly extent: number
  readonly side?: number
  readonly depth?: number
  readonly window?: { readonly a: number; readonly b: number; readonly shift: number }
}

function slidingOperand(p: Panels, side: Side): PanelOperand {
  const { b } = p.cx
  const { k } = b
  const axes = packAxes(p, side)
  const strides = axes.map((_, n) => axes.slice(n + 1).reduce((size, x) => size * x.extent, 1))
  const name = b.name(side === p.wide ? "wide" : "tall")
  // Tiles and vectors may reach beyond the last axis.
  const length = axes.reduce((size, x) => size * x.extent, 1) + 2 * LANES
  b.shared.push({ name, type: p.cx.type, length: Math.ceil(length / 4) * 4, width: 1 })
  const { at } = side.cut
  const position = (local: readonly Expr[], depth: readonly Expr[]): Expr =>
    axes.reduce<Expr>((sum, x, n) => {
      const s = x.side === undefined ? k.int(0) : local[x.side - at]!
      const d = x.depth === undefined ? k.int(0) : depth[x.depth]!
      const { a, b: step, shift } = x.window ?? { a: 1, b: 1, shift: 0 }
      const linear = k.add(k.add(k.mul(s, k.int(a)), k.mul(d, k.int(step))), k.int(shift))
      return k.add(sum, k.mul(linear, k.int(strides[n]!)))
    }, k.int(0))
  return {
    pack: (item) => packSliding(p, side, item, axes, strides, name),
    read: ({ item, tile, outer, offset }, depth, width) => {
      if (side === p.wide) {
        const local = [...outer, k.mul(tile, k.int(LANES))]
        return k.shared(name, k.add(position(local, depth), k.int(offset)), p.cx.type, width)
      }
      const indices = side.cut.local.slice(1).reduce<Expr>((n, d) => k.mul(n, k.int(d)), item.side.count)
      const row = k.add(k.mul(tile, k.int(TALL)), k.int(offset))
      const exact = indices.kind === "const" && indices.value % TALL === 0
      const inside = exact ? row : k.op("min", row, k.sub(indices, k.int(1)))
      return k.shared(name, position(unravel(k, inside, side.cut.local), depth), p.cx.type, width)
    },
  }
}

function packAxes(p: Panels, side: Side): PackAxis[] {
  const { cut, windows, space } = side
  const own = cut.local.map((extent, n): PackAxis => {
    const axis = cut.at + n
    const w = windows.find((x) => x.side === axis)
    if (w === undefined) {
      const last = side === p.wide && axis === space.extents.length - 1
      return { side: axis, extent: last ? Math.ceil(extent / LANES) * LANES : extent }
    }
    const taps = staticOf(p.depth.extents[w.depth]!)
    const shift = w.b < 0 ? -w.b * (taps - 1) : 0
    const reach = w.a * (extent - 1) + Math.abs(w.b) * (taps - 1) + 1
    return { side: axis, depth: w.depth, window: { a: w.a, b: w.b, shift }, extent: reach }
  })
  const depth = p.depth.extents.flatMap((d, n): PackAxis[] => {
    if (own.some((x) => x.depth === n)) return []
    return [{ depth: n, extent: n === 0 ? p.block : staticOf(d) }]
  })
  // Axes before the cut have one index in an item, so their windows stay pairs; the depth's axes are among `depth` then.
  const isLast = (x: PackAxis): boolean => x.side === space.extents.length - 1
  return [
    ...own.filter((x) => !isLast(x) && x.window === undefined),
    ...depth,
    ...own.filter((x) => !isLast(x) && x.window !== undefined),
    ...own.filter(isLast),
  ]
}

function packSliding(
  p: Panels,
  side: Side,
  item: Item,
  axes: readonly PackAxis[],
  strides: readonly number[],
  name: string,
): readonly Stmt[] {
  const { b } = p.cx
  const { k } = b
  const { at } = side.cut
  /** The value where the packed axes have these indices. */
  const value = (indices: readonly Expr[]): Expr => {
    const own: Expr[] = [...item.side.before, ...side.cut.local.map(() => k.int(0))]
    const depth: Expr[] = p.depth.extents.map(() => k.int(0))
    axes.forEach((x, n) => {
      const u = indices[n]!
      const w = x.window
      if (w !== undefined && x.side !== undefined && x.depth !== undefined) {
        // Either the index of the side or that of the depth moves by one with the sum.
        if (w.a === 1) own[x.side] = k.sub(u, k.int(w.shift))
        else depth[x.depth] = u
      } else if (x.side !== undefined) own[x.side] = u
      else if (x.depth !== undefined) depth[x.depth] = u
    })
    own[at] = k.add(item.side.start, own[at]!)
    depth[0] = k.add(item.depth.start, depth[0]!)
    return valueAt(p, side, own, depth, item.batch)
  }
  const lastAxis = axes.length - 1
  const go = (n: number, indices: readonly Expr[]): readonly Stmt[] => {
    const { extent, depth, window } = axes[n]!
    if (n < lastAxis) {
      const end = depth === 0 && window === undefined ? item.depth.count : k.int(extent)
      return loop(p, "u", end, extent, (u) => go(n + 1, [...indices, u]))
    }
    return loop(p, "u", k.int(Math.ceil(extent / 4)), Math.ceil(extent / 4), (quad) => {
      const j = b.variable("j", 4)
      const first = k.mul(quad, k.int(4))
      const u = k.add(first, j)
      const e = value([...indices, u])
      const limit = window === undefined && side === p.wide ? side.cut.local.at(-1)! : extent
      const exact = limit % 4 === 0 && limit === extent
      const safe = exact ? e : k.guard(k.asIs("lt", u, k.int(limit)), e, k.constant(0, p.cx.type))
      const index = [...indices, first].reduce<Expr>(
        (sum, linear, i) => k.add(sum, k.mul(linear, k.int(strides[i]!))),
        k.int(0),
      )
      return [{ kind: "store-shared", name, index, value: b.widen(safe, j.name) }]
    })
  }
  return go(0, [])
}
