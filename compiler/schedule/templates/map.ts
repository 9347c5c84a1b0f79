/** schedule: one element, or four, per invocation.   map group -> kernel body */
import type { MapPlan } from "../../ir/groups/types.js"
import type { Expr, Stmt } from "../../ir/kernels/types.js"
import { divDim, numel } from "../../ir/tensor.js"
import { bug } from "../../source/bug.js"
import { countOf, perInvocation } from "../kernel/grid.js"
import type { BuiltBody, KernelBuild, PendingStore } from "../kernel/kernel-build.js"
import { typeOfValue } from "../../ir/graph/graph-index.js"
import { toStored, unravel, type Values } from "../expressions/values.js"

export function buildMap(b: KernelBuild, plan: MapPlan): BuiltBody & { template: string } {
  const { k, group } = b
  const total = numel(group.outer)
  const quads = plan.width === 4 ? (divDim(total, 4) ?? bug("elements come in fours")) : undefined
  const body = perInvocation(b, countOf(b, quads ?? total), plan.lanes, (i) => {
    if (quads === undefined) return storeAll(b, i)
    const j = b.variable("j", 4)
    return storeQuads(b, k.add(k.mul(i, k.int(4)), j), j.name)
  })
  return { ...b.finish(body), template: quads === undefined ? "map" : "map vec4" }
}

/** The stores of a group at one linear index of its index space. All values are read before any is written: a slot may be read
 *  and updated in place. */
export function storeAll(b: KernelBuild, linear: Expr): Stmt[] {
  const values = b.group.stores.map((s) => valueAt(b, s.value, linear))
  return valuesThenStores(
    b,
    values.map((value, n) => ({ buffer: b.target(b.group.stores[n]!.value), index: linear, value })),
  )
}

function storeQuads(b: KernelBuild, linear: Expr, j: string): Stmt[] {
  return valuesThenStores(
    b,
    b.group.stores.flatMap((s) => {
      const value = b.widen(valueAt(b, s.value, linear), j)
      return b.wideStores(b.target(s.value), linear, j, value)
    }),
  )
}

export function valuesThenStores(b: KernelBuild, stores: readonly PendingStore[]): Stmt[] {
  if (stores.length < 2) return stores.map((s) => ({ kind: "store", ...s }))
  const lets: Stmt[] = []
  const out = stores.map((s): Stmt => {
    const name = b.name(`${s.buffer}_next`)
    lets.push({ kind: "let", name, value: s.value })
    const value = b.k.ref(
      name,
      "type" in s.value ? s.value.type : "i32",
      "width" in s.value ? s.value.width : 1,
    )
    return { kind: "store", buffer: s.buffer, index: s.index, value }
  })
  return [...lets, ...out]
}

/** The expression stored for `value` at a linear index. */
export function valueAt(b: KernelBuild, value: number, linear: Expr, values: Values = b.values): Expr {
  const { dtype, shape } = typeOfValue(b.placed.g, value)
  return toStored(b.k, values.at(value, unravel(b.k, linear, shape)), dtype)
}
