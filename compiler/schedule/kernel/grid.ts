/** schedule: the parallel loops around a kernel's work: workgroups on the grid, lanes of a workgroup. */
import type { Expr, Stmt } from "../../ir/kernels/types.js"
import { type Dim, divDim, isStatic } from "../../ir/tensor.js"
import { FOLD, largest } from "../cost/model.js"
import type { KernelBuild } from "./kernel-build.js"

type Ref = Expr & { kind: "ref" }

/** How many there are: when it runs, as a dimension if it is one, and at most, for the workgroup limit. */
export interface Count {
  readonly expr: Expr
  readonly extent: Dim | undefined
  readonly most: number
}

/** One invocation per index in [0, count). */
export function perInvocation(
  b: KernelBuild,
  count: Count,
  lanes: number,
  body: (index: Expr, lane: Expr) => readonly Stmt[],
): Stmt[] {
  const { k } = b
  const groups = k.div(k.add(count.expr, k.int(lanes - 1)), k.int(lanes))
  const folded = Math.ceil(count.most / lanes) > b.placed.target.maxWorkgroupsPerDimension
  const exact = !folded && count.extent !== undefined && isStatic(count.extent) && count.extent % lanes === 0
  return grid(b, groups, folded, (group) => {
    const lane = b.variable("lane", lanes)
    const index = b.variable("i", count.extent)
    const work = body(index, lane)
    const named: Stmt = { kind: "let", name: index.name, value: k.add(k.mul(group, k.int(lanes)), lane) }
    const guarded: readonly Stmt[] = exact
      ? work
      : [{ kind: "when", cond: k.asIs("lt", index, count.expr), then: work }]
    return [laneLoop(b, lane, lanes, [named, ...guarded])]
  })
}

/** One workgroup per index in [0, count); the body makes its own use of the lanes. */
export function perWorkgroup(
  b: KernelBuild,
  count: Count,
  lanes: number,
  body: (index: Expr, lane: Expr) => readonly Stmt[],
): Stmt[] {
  const { k } = b
  const folded = count.most > b.placed.target.maxWorkgroupsPerDimension
  return grid(b, count.expr, folded, (group) => {
    const lane = b.variable("lane", lanes)
    if (!folded) {
      const index = b.variable("i", count.extent)
      return [
        laneLoop(b, lane, lanes, [{ kind: "let", name: index.name, value: group }, ...body(index, lane)]),
      ]
    }
    // Workgroups beyond the last repeat it: barriers allow no early exit.
    const index = b.variable("i", count.extent)
    const last = k.sub(count.expr, k.int(1))
    const named: Stmt = { kind: "let", name: index.name, value: k.asIs("min", group, last) }
    return [laneLoop(b, lane, lanes, [named, ...body(index, lane)])]
  })
}

/** A count that is a dimension. */
export const countOf = (b: KernelBuild, d: Dim): { expr: Expr; extent: Dim; most: number } => ({
  expr: b.k.dim(d),
  extent: d,
  most: largest(d),
})

/** ceil(d / by), as a dimension where it is one. */
export function ceilDiv(
  b: KernelBuild,
  d: Dim,
  by: number,
): { expr: Expr; extent: Dim | undefined; most: number } {
  const exact = isStatic(d) ? Math.ceil(d / by) : divDim(d, by)
  return {
    expr: exact === undefined ? b.k.div(b.k.add(b.k.dim(d), b.k.int(by - 1)), b.k.int(by)) : b.k.dim(exact),
    extent: exact,
    most: Math.ceil(largest(d) / by),
  }
}

const laneLoop = (b: KernelBuild, lane: Ref, lanes: number, body: readonly Stmt[]): Stmt => ({
  kind: "for",
  name: lane.name,
  extent: b.k.int(lanes),
  on: "lane",
  body,
})

function grid(b: KernelBuild, groups: Expr, folded: boolean, body: (group: Expr) => readonly Stmt[]): Stmt[] {
  const { k } = b
  if (!folded) {
    const x = b.variable("g")
    return [{ kind: "for", name: x.name, extent: groups, on: "grid.x", body: body(x) }]
  }
  const y = b.variable("gy")
  const x = b.variable("gx", FOLD)
  const rows = k.div(k.add(groups, k.int(FOLD - 1)), k.int(FOLD))
  return [
    {
      kind: "for",
      name: y.name,
      extent: rows,
      on: "grid.y",
      body: [
        {
          kind: "for",
          name: x.name,
          extent: k.op("min", groups, k.int(FOLD)),
          on: "grid.x",
          body: body(k.add(k.mul(y, k.int(FOLD)), x)),
        },
      ],
    },
  ]
}
