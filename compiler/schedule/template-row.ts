/** schedule: reductions over one inner space, one row per invocation or per workgroup, with elementwise work on the rows and on
 *  their elements.   row group -> kernel body
 *  Guarantees: sums run in a fixed order. Reductions that do not need each other share a loop. */
import { bug } from "../source/bug.js"
import type { Combine } from "../ops/op.js"
import type { Node, ValueId } from "../ir/graph/types.js"
import type { ScalarOp } from "../ir/kernels/scalar.js"
import type { Expr, JoinOp, ScalarType, Stmt } from "../ir/kernels/types.js"
import { typeOf } from "../ir/kernels/walk.js"
import { numel } from "../ir/tensor.js"
import { mapLanes, nominal, rowByGroup, rowLanes } from "./cost.js"
import { countOf, perInvocation, perWorkgroup } from "./grid.js"
import type { BuiltBody, KernelBuild, PendingStore } from "./kernel-build.js"
import { walkerOf } from "./probe.js"
import { buildMap, valueAt, valuesThenStores } from "./template-map.js"
import { buildVectorRows } from "./template-row-vectors.js"
import { firstRead, linearIndex, loweringOf, toStored, typeOfValue, unravel, type Values } from "./values.js"
import { serialWalk, stridedWalk, type Walk } from "./walk.js"

export const COMBINE_OP = {
  sum: "add",
  prod: "mul",
  max: "max",
  min: "min",
} as const satisfies Readonly<Record<Combine, JoinOp & ScalarOp>>

/** The value that changes nothing. */
export function identity(combine: Combine, type: ScalarType): number {
  if (combine === "sum") return 0
  if (combine === "prod") return 1
  const most = { f32: Infinity, f16: Infinity, i32: 2147483647, u32: 4294967295, bool: 1 }[type]
  const least = type === "i32" ? -2147483648 : type === "u32" || type === "bool" ? 0 : -most
  return combine === "max" ? least : most
}

export function buildRow(b: KernelBuild): BuiltBody & { template: string } {
  const { group } = b
  const rows = numel(group.outer)
  const inner = numel(group.inner)
  const folds = group.members.some((m) => b.placed.g.nodes.get(m) !== undefined && kindOf(b, m) === "fold")
  const count = countOf(b, rows)
  if (!folds && rowByGroup(nominal(rows), nominal(inner), b.placed.target)) {
    const lanes = rowLanes(b.placed.target)
    const body = perWorkgroup(b, count, lanes, (row, lane) => groupRow(b, row, lane, lanes))
    return {
      ...b.finish(body),
      template: `row per workgroup of ${lanes}${b.placed.target.subgroups ? " in subgroups" : ""}`,
    }
  }
  const vectors = buildVectorRows(b)
  if (vectors !== undefined) return vectors
  if (!folds && inner === 1 && group.full.length === 0) return singles(b)
  const lanes = mapLanes(nominal(rows), b.placed.target)
  const body = perInvocation(b, count, lanes, (row) => serialRow(b, row))
  return { ...b.finish(body), template: "row per invocation" }
}

/** Reductions over one place, as of a pooling window that no other overlaps, are elementwise. */
function singles(b: KernelBuild): BuiltBody & { template: string } {
  for (const m of b.group.members) {
    const node = nodeOf(b, m)
    const lower = loweringOf(node)
    if (lower.kind !== "reduce") continue
    const only = b.group.inner.map(() => b.k.int(0))
    b.bind(m, (at) => lower.term(b.values.context(node, at), only))
  }
  return buildMap(b)
}

const nodeOf = (b: KernelBuild, m: ValueId): Node => b.placed.g.nodes.get(m) ?? bug(`%${m} is no node`)
const kindOf = (b: KernelBuild, m: ValueId): string => loweringOf(nodeOf(b, m)).kind

export interface Reduction {
  /** The let that holds the result. */
  readonly name: string
  /** It needs the reductions of lower levels only. */
  readonly level: number
  readonly accumulators: readonly { readonly name: string; readonly init: Expr }[]
  /** The accumulators after one more place of the inner space. */
  readonly next: readonly Expr[]
  readonly combine: Combine | undefined
  readonly result: Expr
}

/** A row of the group: its reductions at a place `r` of the inner space, and all values where those have their names. */
export interface RowPoint {
  readonly row: Expr
  readonly reductions: readonly Reduction[]
  readonly values: Values
}
export function rowPoint(b: KernelBuild, row: Expr, r: readonly Expr[]): RowPoint {
  const { k } = b
  const out: Reduction[] = []
  const known = new Map<ValueId, Expr>()
  const values = b.valuesAt(known)
  const levelOf = new Map<string, number>()
  for (const m of b.group.members) {
    const node = nodeOf(b, m)
    const lower = loweringOf(node)
    if (lower.kind !== "reduce" && lower.kind !== "fold") continue
    const index = unravel(k, row, node.type.shape)
    const cx = values.context(node, index)
    const inits =
      lower.kind === "fold"
        ? lower.init(cx)
        : [k.constant(identity(lower.combine, node.type.dtype), node.type.dtype)]
    const accumulators = inits.map((init) => ({ name: b.name(`acc`), init }))
    const refs = accumulators.map((a) => k.ref(a.name, typeOf(a.init)))
    const next =
      lower.kind === "fold"
        ? lower.step(cx, r, refs)
        : [k.op(COMBINE_OP[lower.combine], refs[0]!, lower.term(cx, r))]
    const result = lower.kind === "fold" ? lower.result(cx, refs) : refs[0]!
    let level = 0
    for (const e of [...next, ...inits, result]) {
      for (const n of k.namesIn(e)) level = Math.max(level, (levelOf.get(n) ?? -1) + 1)
    }
    const name = b.name(`${node.op}_${m}`)
    levelOf.set(name, level)
    known.set(m, k.ref(name, typeOf(result)))
    const combine = lower.kind === "reduce" ? lower.combine : undefined
    out.push({ name, level, accumulators, next, combine, result })
  }
  return { row, reductions: out, values }
}

/** `x` with its terms at the place of another walk. */
function moved(b: KernelBuild, x: Reduction, from: Walk, to: Walk): Reduction {
  if (from === to) return x
  const next = x.next.map((e) =>
    from.variables.reduce((y, v, n) => b.k.substitute(y, v.name, to.variables[n]!), e),
  )
  return { ...x, next }
}

export function serialRow(b: KernelBuild, row: Expr): Stmt[] {
  const out: Stmt[] = []
  const first = serialWalk(b, b.group.inner)
  const point = rowPoint(b, row, first.r)
  levelsOf(point.reductions).forEach((level, n) => {
    const walk = n === 0 ? first : serialWalk(b, b.group.inner)
    out.push(...level.flatMap(vars))
    out.push(...walk.around(level.flatMap((x) => step(b, moved(b, x, first, walk)))))
    out.push(...level.map((x): Stmt => ({ kind: "let", name: x.name, value: x.result })))
  })
  out.push(...valuesThenStores(b, rowStores(b, point)))
  const last = serialWalk(b, b.group.inner)
  const elements = elementStores(b, point, last.r)
  if (elements.length > 0) out.push(...last.around(valuesThenStores(b, elements)))
  return out
}

/** A tree in workgroup memory joins the sums of the lanes. */
function groupRow(b: KernelBuild, row: Expr, lane: Expr, lanes: number): Stmt[] {
  const { k } = b
  const out: Stmt[] = []
  const first = stridedWalk(b, b.group.inner, lane, lanes)
  const point = rowPoint(b, row, first.r)
  levelsOf(point.reductions).forEach((level, n) => {
    const walk = n === 0 ? first : stridedWalk(b, b.group.inner, lane, lanes)
    out.push(...level.flatMap(vars))
    out.push(...walk.around(level.flatMap((x) => step(b, moved(b, x, first, walk)))))
    out.push(...joinLanes(b, lane, lanes, level))
  })
  const stores = valuesThenStores(b, rowStores(b, point))
  if (stores.length > 0) out.push({ kind: "when", cond: k.op("eq", lane, k.int(0)), then: stores })
  const last = stridedWalk(b, b.group.inner, lane, lanes)
  const elements = elementStores(b, point, last.r)
  if (elements.length > 0) out.push(...last.around(valuesThenStores(b, elements)))
  return out
}

function joinLanes(b: KernelBuild, lane: Expr, lanes: number, level: readonly Reduction[]): Stmt[] {
  const { k } = b
  if (b.placed.target.subgroups && level.every((x) => typeOf(x.result) !== "bool"))
    return level.map((x) => joinSubgroups(b, lanes, x))
  const arrays = level.map((x) => {
    const type = typeOf(x.result)
    const name = b.name("part")
    b.shared.push({ name, type, length: lanes, width: 1 })
    return { name, type, op: COMBINE_OP[x.combine ?? bug("a fold has no tree")] }
  })
  const put = (n: number, value: Expr): Stmt => ({
    kind: "store-shared",
    name: arrays[n]!.name,
    index: lane,
    value,
  })
  const out: Stmt[] = [...level.map((x, n) => put(n, x.result)), { kind: "barrier" }]
  for (let half = lanes / 2; half >= 1; half /= 2) {
    const then = arrays.map((a, n) => {
      const [mine, other] = [lane, k.add(lane, k.int(half))].map((at) => k.shared(a.name, at, a.type)) as [
        Expr,
        Expr,
      ]
      return put(n, k.op(a.op, mine, other))
    })
    out.push({ kind: "when", cond: k.op("lt", lane, k.int(half)), then }, { kind: "barrier" })
  }
  const first = level.map((x, n): Stmt => {
    const a = arrays[n]!
    return { kind: "let", name: x.name, value: k.shared(a.name, k.int(0), a.type) }
  })
  return [...out, ...first]
}

function joinSubgroups(b: KernelBuild, lanes: number, { name, result, combine }: Reduction): Stmt {
  const type = typeOf(result)
  const through = b.name("part")
  b.shared.push({ name: through, type, length: lanes, width: 1 })
  const how = combine ?? bug("a fold has no subgroups")
  const neutral = b.k.constant(identity(how, type), type)
  return { kind: "join", name, op: COMBINE_OP[how], value: result, neutral, through }
}

export const levelsOf = (all: readonly Reduction[]): Reduction[][] => {
  const out: Reduction[][] = []
  for (const x of all) (out[x.level] ??= []).push(x)
  return out
}
const vars = (x: Reduction): Stmt[] =>
  x.accumulators.map((a) => ({ kind: "var", name: a.name, type: typeOf(a.init), width: 1, init: a.init }))

/** All new values are known before the first accumulator changes. */
function step(b: KernelBuild, x: Reduction): Stmt[] {
  if (x.accumulators.length === 1) return [{ kind: "set", name: x.accumulators[0]!.name, value: x.next[0]! }]
  const names = x.accumulators.map((a) => b.name(`${a.name}_next`))
  return [
    ...names.map((name, n): Stmt => ({ kind: "let", name, value: x.next[n]! })),
    ...names.map((name, n): Stmt => {
      return { kind: "set", name: x.accumulators[n]!.name, value: b.k.ref(name, typeOf(x.next[n]!)) }
    }),
  ]
}

/** One value per row. */
export function rowStores(b: KernelBuild, { row, values }: RowPoint): PendingStore[] {
  return b.group.stores
    .filter((s) => !b.group.full.includes(s.value))
    .map((s) => ({ buffer: b.target(s.value), index: row, value: valueAt(b, s.value, row, values) }))
}
/** One value per element of the rows. */
export function elementStores(b: KernelBuild, { row, values }: RowPoint, r: readonly Expr[]): PendingStore[] {
  const stores = b.group.stores.filter((s) => b.group.full.includes(s.value))
  if (stores.length === 0) return []
  const { k } = b
  const walker = walkerOf(b.placed.g, b.group) ?? bug("a row has elements")
  const read = firstRead(values, nodeOf(b, walker), row, r) ?? bug("a row has elements")
  return stores.map((s) => {
    const { dtype, shape } = typeOfValue(b.placed.g, s.value)
    const value = toStored(k, values.at(s.value, read.index), dtype)
    return { buffer: b.target(s.value), index: linearIndex(k, read.index, shape), value }
  })
}
