/** schedule: reductions over one inner space, one row per invocation or per workgroup, with elementwise work on the rows and on
 *  their elements.   row group -> kernel body
 *  Guarantees: sums run in a fixed order. Reductions that do not need each other share a loop. */
import { loweringOf } from "../../ir/graph/graph-index.js"
import type { MapPlan, RowPlan } from "../../ir/groups/types.js"
import type { Expr, Stmt } from "../../ir/kernels/types.js"
import { typeOf } from "../../ir/kernels/walk.js"
import { numel } from "../../ir/tensor.js"
import { bug } from "../../source/bug.js"
import { countOf, perInvocation, perWorkgroup } from "../kernel/grid.js"
import type { BuiltBody, KernelBuild } from "../kernel/kernel-build.js"
import { serialWalk, stridedWalk, type Walk } from "../kernel/walk.js"
import { buildMap, valuesThenStores } from "./map.js"
import {
  COMBINE_OP,
  elementStores,
  identity,
  levelsOf,
  nodeOf,
  type Reduction,
  rowPoint,
  rowStores,
} from "./reductions.js"

export function buildRow(b: KernelBuild, plan: RowPlan): BuiltBody & { template: string } {
  const count = countOf(b, numel(b.group.outer))
  const { lanes } = plan
  if (plan.by === "invocation") {
    const body = perInvocation(b, count, lanes, (row) => serialRow(b, row))
    return { ...b.finish(body), template: "row per invocation" }
  }
  const body = perWorkgroup(b, count, lanes, (row, lane) => groupRow(b, row, lane, plan))
  const how = plan.subgroups ? " in subgroups" : ""
  return { ...b.finish(body), template: `row per workgroup of ${lanes}${how}` }
}

/** Reductions over one index, as of a pooling window that no other overlaps, are elementwise. */
export function buildSingles(b: KernelBuild, plan: MapPlan): BuiltBody & { template: string } {
  for (const m of b.group.members) {
    const node = nodeOf(b, m)
    const lower = loweringOf(node)
    if (lower.kind !== "reduce") continue
    const only = b.group.inner.map(() => b.k.int(0))
    b.bind(m, (at) => lower.term(b.values.context(node, at), only))
  }
  return buildMap(b, plan)
}

/** `x` with its terms at the index of another walk. */
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
function groupRow(b: KernelBuild, row: Expr, lane: Expr, plan: RowPlan): Stmt[] {
  const { lanes } = plan
  const { k } = b
  const out: Stmt[] = []
  const first = stridedWalk(b, b.group.inner, lane, lanes)
  const point = rowPoint(b, row, first.r)
  levelsOf(point.reductions).forEach((level, n) => {
    const walk = n === 0 ? first : stridedWalk(b, b.group.inner, lane, lanes)
    out.push(...level.flatMap(vars))
    out.push(...walk.around(level.flatMap((x) => step(b, moved(b, x, first, walk)))))
    out.push(...joinLanes(b, lane, plan, level))
  })
  const stores = valuesThenStores(b, rowStores(b, point))
  if (stores.length > 0) out.push({ kind: "when", cond: k.op("eq", lane, k.int(0)), then: stores })
  const last = stridedWalk(b, b.group.inner, lane, lanes)
  const elements = elementStores(b, point, last.r)
  if (elements.length > 0) out.push(...last.around(valuesThenStores(b, elements)))
  return out
}

function joinLanes(
  b: KernelBuild,
  lane: Expr,
  { lanes, subgroups }: RowPlan,
  level: readonly Reduction[],
): Stmt[] {
  const { k } = b
  if (subgroups && level.every((x) => typeOf(x.result) !== "bool"))
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
