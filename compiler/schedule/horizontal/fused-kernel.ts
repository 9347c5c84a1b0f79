/** schedule: several kernels -> one that runs them side by side, each on workgroups of its own.
 *  Assumes:    none of them waits for another one; where they bind one buffer they agree on its width.
 *  Guarantees: every part computes the values that it did alone, with its own sums in their own order.
 *  Not here:   which kernels run together (`horizontal/horizontal-fusion.ts`). */
import { bug } from "../../source/bug.js"
import { openGrid } from "../../ir/kernels/grid.js"
import type { Expr, Kernel, KernelParam, SharedArray, Stmt } from "../../ir/kernels/types.js"
import { hasBarrier } from "../../ir/kernels/walk.js"
import type { Origin } from "../../ir/origin.js"
import { FOLD } from "../cost/model.js"
import { Exprs } from "../expressions/exprs.js"
import { renamed } from "./rename.js"

/** The parameter of the merged kernel that replaces a parameter of a part. */
export interface Binding {
  readonly param: KernelParam
  /** Where the part's buffer begins in the binding. */
  readonly offset: number
}
export interface FusedPart {
  readonly kernel: Kernel
  /** One per parameter. */
  readonly bindings: readonly Binding[]
}

export const lanesOf = (kernel: Kernel): number => openGrid(kernel.body).lanes?.extent ?? 1

/** The lanes that all of them can run on, if there is such a number: workgroup memory and barriers are laid out for one. */
export function commonLanes(kernels: readonly Kernel[]): number | undefined {
  const fixed = new Set(kernels.filter((k) => k.shared.length > 0 || hasBarrier(k.body)).map(lanesOf))
  if (fixed.size > 1) return undefined
  return [...fixed][0] ?? Math.min(...kernels.map(lanesOf))
}
/** The workgroup arrays that all of them can do with, as a workgroup runs only one; and which of them each kernel has for its own. */
export function commonArrays(kernels: readonly Kernel[]): {
  readonly arrays: readonly SharedArray[]
  readonly of: readonly (readonly number[])[]
} {
  const arrays: SharedArray[] = []
  const of = kernels.map(({ shared }) => {
    const taken = new Set<number>()
    return shared.map((own) => {
      const alike = (x: SharedArray): boolean =>
        x.type === own.type && x.width === own.width && x.own === own.own
      const at = arrays.findIndex((x, n) => !taken.has(n) && alike(x))
      const workgroup = at < 0 ? arrays.length : at
      const length = Math.max(own.length, arrays[workgroup]?.length ?? 0)
      arrays[workgroup] = { ...(arrays[workgroup] ?? own), length }
      taken.add(workgroup)
      return workgroup
    })
  })
  return { arrays, of }
}

/** `folded`: the workgroups of all together may be too many for one dimension. */
export function fusedKernel(parts: readonly FusedPart[], lanes: number, folded: boolean): Kernel {
  const k = new Exprs()
  const params = uniqueParams(parts)
  const taken = new Set([...params.map((p) => p.name), "B", "R"])
  const fresh = (wanted: string): string => {
    let name = wanted
    for (let i = 1; taken.has(name); i++) name = `${wanted}_${i}`
    taken.add(name)
    return name
  }
  const variable = (wanted: string, extent?: number): Ref => {
    const v = k.variable(fresh(wanted), extent)
    return v.kind === "ref" ? v : bug("a variable is a reference")
  }
  const lane = variable("lane", lanes)
  const gx = variable("g")
  const gy = folded ? variable("gy") : undefined
  const group = gy === undefined ? gx : variable("group")
  const common = commonArrays(parts.map((p) => p.kernel))
  const shared = common.arrays.map((s) => ({ ...s, name: fresh(s.name) }))
  let start = k.int(0)
  const body = parts.flatMap((part, i): Stmt[] => {
    const { grid, lanes: own, body: work } = openGrid(part.kernel.body)
    const ownLanes = own?.extent ?? 1
    const along = (axis: string): Expr => grid.find((g) => g.axis === axis)?.extent ?? k.int(1)
    const groups = k.mul(along("x"), along("y"))
    const extent =
      ownLanes === lanes
        ? groups
        : k.div(k.add(k.mul(groups, k.int(ownLanes)), k.int(lanes - 1)), k.int(lanes))
    const first = start
    const end = k.add(first, extent)
    start = end
    const names = new Map<string, string>()
    const local = (name: string): string => {
      let known = names.get(name)
      if (known === undefined) names.set(name, (known = fresh(name)))
      return known
    }
    part.kernel.shared.forEach((s, n) => names.set(s.name, shared[common.of[i]![n]!]!.name))
    const bound = new Map(part.kernel.params.map((p, i) => [p.name, part.bindings[i]!]))
    const lets: Stmt[] = []
    const named = (name: string, value: Expr): Expr => {
      lets.push({ kind: "let", name: local(name), value })
      return k.ref(local(name), "i32")
    }
    const guards: Expr[] = []
    let workgroup = k.sub(group, first)
    if (ownLanes === lanes) {
      if (own !== undefined) names.set(own.name, lane.name)
    } else {
      const flat = named("flat", k.add(k.mul(workgroup, k.int(lanes)), lane))
      if (own !== undefined) named(own.name, k.op("rem", flat, k.int(ownLanes)))
      workgroup = named("wg", k.op("div", flat, k.int(ownLanes)))
      // Lanes of the last workgroup may be beyond the part.
      if (ownLanes % lanes !== 0) guards.push(k.asIs("lt", workgroup, groups))
    }
    const [x, y] = ["x", "y"].map((axis) => grid.find((g) => g.axis === axis)?.name)
    if (y !== undefined) named(y, k.op("div", workgroup, along("x")))
    if (x !== undefined) named(x, y === undefined ? workgroup : k.op("rem", workgroup, along("x")))
    const inner = renamed(work, {
      local,
      buffer: (name) => {
        const { param, offset } = bound.get(name) ?? bug(`no buffer ${name}`)
        return { name: param.name, offset }
      },
    })
    const then = guards.length === 0 ? inner : [{ kind: "when" as const, cond: guards[0]!, then: inner }]
    const cond = k.and(k.op("ge", group, first), k.asIs("lt", group, end))
    return [{ kind: "when", cond, then: [...lets, ...then] }]
  })
  const flat: Stmt[] =
    gy === undefined ? [] : [{ kind: "let", name: group.name, value: k.add(k.mul(gy, k.int(FOLD)), gx) }]
  const inLanes: Stmt = {
    kind: "for",
    name: lane.name,
    extent: k.int(lanes),
    on: "lane",
    body: [...flat, ...body],
  }
  const total = folded ? k.op("min", start, k.int(FOLD)) : start
  const alongX: Stmt = { kind: "for", name: gx.name, extent: total, on: "grid.x", body: [inLanes] }
  const rows = k.div(k.add(start, k.int(FOLD - 1)), k.int(FOLD))
  const outer: Stmt =
    gy === undefined ? alongX : { kind: "for", name: gy.name, extent: rows, on: "grid.y", body: [alongX] }
  return {
    name: `${parts[0]!.kernel.name}_and_${parts.length - 1}`,
    params,
    shared,
    body: [outer],
    template: parts.map((p) => `${p.kernel.name}: ${p.kernel.template}`).join("; "),
    origins: originsOf(parts),
  }
}

type Ref = Expr & { kind: "ref" }

/** Inputs first, then outputs. */
function uniqueParams(parts: readonly FusedPart[]): KernelParam[] {
  const all = [...new Set(parts.flatMap((p) => p.bindings.map((b) => b.param)))]
  return [...all.filter((p) => p.access === "read"), ...all.filter((p) => p.access !== "read")]
}

function originsOf(parts: readonly FusedPart[]): Origin[] {
  const seen = new Map<string, Origin>()
  for (const { kernel } of parts)
    for (const o of kernel.origins) seen.set(`${o.at} ${o.in ?? ""} ${o.by ?? ""}`, o)
  return [...seen.values()]
}
