/** schedule: the reductions of a row group as expressions: their accumulators, the step at one index of the inner space, and the values
 *  stored per row and per element.
 *  Not here:   loops over rows and over the inner space (`templates/row.ts`, `templates/row-vectors.ts`). */
import { bug } from "../../source/bug.js"
import type { Combine } from "../../ops/op.js"
import { loweringOf, typeOfValue } from "../../ir/graph/graph-index.js"
import type { Node, ValueId } from "../../ir/graph/types.js"
import type { ScalarOp } from "../../ir/kernels/scalar.js"
import type { Expr, JoinOp, ScalarType } from "../../ir/kernels/types.js"
import { typeOf } from "../../ir/kernels/walk.js"
import type { KernelBuild, PendingStore } from "../kernel/kernel-build.js"
import { firstRead, linearIndex, toStored, unravel, type Values } from "../expressions/values.js"
import { walkerOf } from "../fuse/probe.js"
import { valueAt } from "./map.js"

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

export const nodeOf = (b: KernelBuild, m: ValueId): Node => b.placed.g.nodes.get(m) ?? bug(`%${m} is no node`)
export const kindOf = (b: KernelBuild, m: ValueId): string => loweringOf(nodeOf(b, m)).kind

export interface Reduction {
  /** The let that holds the result. */
  readonly name: string
  /** It needs the reductions of lower levels only. */
  readonly level: number
  readonly accumulators: readonly { readonly name: string; readonly init: Expr }[]
  /** The accumulators after one more index of the inner space. */
  readonly next: readonly Expr[]
  readonly combine: Combine | undefined
  readonly result: Expr
}

/** A row of the group: its reductions at an index `r` of the inner space, and all values where those have their names. */
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

export const levelsOf = (all: readonly Reduction[]): Reduction[][] => {
  const out: Reduction[][] = []
  for (const x of all) (out[x.level] ??= []).push(x)
  return out
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
