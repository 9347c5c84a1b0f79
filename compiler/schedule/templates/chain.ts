/** schedule: a product of few columns and the rows that read it: the sums of a row are kept and replace the product.
 *  chain group -> kernel body
 *  Guarantees: sums run in a fixed order.
 *  On software adapters an invocation does all of a row; on others the lanes of a workgroup share the product's sums, and one of
 *  them goes on with the row, which is short.
 *  Not here:   which products (`fuse/products.ts`), the computation on a row (`templates/row.ts`). */
import { bug } from "../../source/bug.js"
import type { Node } from "../../ir/graph/types.js"
import type { ChainPlan } from "../../ir/groups/types.js"
import type { Expr, Stmt } from "../../ir/kernels/types.js"
import { isStatic, numel } from "../../ir/tensor.js"
import { countOf, perInvocation, perWorkgroup } from "../kernel/grid.js"
import type { BuiltBody, KernelBuild } from "../kernel/kernel-build.js"
import { serialRow } from "./row.js"
import { loweringOf, typeOfValue } from "../../ir/graph/graph-index.js"
import { linearIndex, unravel } from "../expressions/values.js"
import { serialWalk, stridedWalk, type Walk } from "../kernel/walk.js"

export function buildChain(b: KernelBuild, { by, lanes }: ChainPlan): BuiltBody & { template: string } {
  const cx = productOf(b)
  const count = countOf(b, numel(b.group.outer))
  const name = `contract 1x${cx.columns} and row per ${by}`
  if (by === "invocation") {
    const body = perInvocation(b, count, lanes, (row) => alone(cx, row))
    return { ...b.finish(body), template: name }
  }
  const body = perWorkgroup(b, count, lanes, (row, lane) => together(cx, row, lane, lanes))
  return { ...b.finish(body), template: `${name} of ${lanes}` }
}

interface Product {
  readonly b: KernelBuild
  readonly node: Node
  readonly columns: number
}
function productOf(b: KernelBuild): Product {
  const [product] = b.group.parts
  const node = product?.members
    .map((m) => b.placed.g.nodes.get(m)!)
    .find((n) => loweringOf(n).kind === "contract")
  const columns = numel(b.group.inner)
  return {
    b,
    node: node ?? bug("a chain begins with a contraction"),
    columns: isStatic(columns) ? columns : bug("columns are counted"),
  }
}

type Ref = Expr & { kind: "ref" }
/** The sums of a row, and the loops that add to them. */
function sumsOf(
  { b, node, columns }: Product,
  row: Expr,
  walkOver: (extents: readonly (typeof node.type.shape)[number][]) => Walk,
): { sums: Ref[]; body: Stmt[] } {
  const { k } = b
  const lower = loweringOf(node)
  if (lower.kind !== "contract") return bug("not a contraction")
  const types = node.args.map((a) => typeOfValue(b.placed.g, a))
  const walk = walkOver(lower.extents(types, node.attrs, node.type))
  const { dtype } = node.type
  const sums = Array.from({ length: columns }, (_, n): Ref => {
    return { kind: "ref", name: b.name(`acc_${n}`), type: dtype, width: 1 }
  })
  const add = sums.map((sum, n): Stmt => {
    const linear = k.add(k.mul(row, k.int(columns)), k.int(n))
    const cx = b.values.context(node, unravel(k, linear, node.type.shape))
    const product = k.op("mul", lower.left(cx, walk.r), lower.right(cx, walk.r))
    return { kind: "set", name: sum.name, value: k.op("add", sum, product) }
  })
  const vars = sums.map((s): Stmt => {
    return { kind: "var", name: s.name, type: dtype, width: 1, init: k.constant(0, dtype) }
  })
  return { sums, body: [...vars, ...walk.around(add)] }
}

/** Binds the product to an array of `columns` elements. */
function standIn({ b, node, columns }: Product, row: Expr, own: boolean): string {
  const { k } = b
  const { dtype, shape } = node.type
  const name = b.name("scores")
  b.shared.push({ name, type: dtype, length: columns, width: 1, ...(own && { own }) })
  const first = k.mul(row, k.int(columns))
  b.bind(node.id, (at) => {
    const linear = linearIndex(k, at, shape)
    const column = k.sub(linear, first)
    // It lies in this row, as `fuse/products.ts` has made sure, even where the difference does not show it.
    return k.shared(name, k.namesIn(column).has(nameOf(row)) ? k.rem(linear, k.int(columns)) : column, dtype)
  })
  return name
}
const nameOf = (e: Expr): string => (e.kind === "ref" ? e.name : bug("a row has a name"))

function alone(cx: Product, row: Expr): Stmt[] {
  const { b } = cx
  const { sums, body } = sumsOf(cx, row, (extents) => serialWalk(b, extents))
  const scores = standIn(cx, row, true)
  const put = sums.map((value, n): Stmt => {
    return { kind: "store-shared", name: scores, index: b.k.int(n), value }
  })
  return [...body, ...put, ...serialRow(b, row)]
}

function together(cx: Product, row: Expr, lane: Expr, lanes: number): Stmt[] {
  const { b, columns } = cx
  const { k } = b
  const { dtype } = cx.node.type
  const { sums, body } = sumsOf(cx, row, (extents) => stridedWalk(b, extents, lane, lanes))
  const part = b.name("part")
  b.shared.push({ name: part, type: dtype, length: columns * lanes, width: 1 })
  const put = sums.map((value, n): Stmt => {
    return { kind: "store-shared", name: part, index: k.add(k.int(n * lanes), lane), value }
  })
  const scores = standIn(cx, row, false)
  const total = k.ref(b.name("total"), dtype)
  const from = b.variable("from", lanes)
  const next = k.shared(part, k.add(k.mul(lane, k.int(lanes)), from), dtype)
  const join: Stmt[] = [
    { kind: "var", name: nameOf(total), type: dtype, width: 1, init: k.constant(0, dtype) },
    {
      kind: "for",
      name: from.name,
      extent: k.int(lanes),
      on: "serial",
      body: [{ kind: "set", name: nameOf(total), value: k.op("add", total, next) }],
    },
    { kind: "store-shared", name: scores, index: lane, value: total },
  ]
  return [
    ...body,
    ...put,
    { kind: "barrier" },
    { kind: "when", cond: k.op("lt", lane, k.int(columns)), then: join },
    { kind: "barrier" },
    { kind: "when", cond: k.op("eq", lane, k.int(0)), then: serialRow(b, row) },
  ]
}
