/** schedule: plans of row groups: whether a row is the work of an invocation or of a workgroup, and where vectors lie. */
import type { AlongPlan, KernelPlan } from "../../ir/groups/types.js"
import { divDim, isStatic, numel } from "../../ir/tensor.js"
import {
  mapLanes,
  MOST_KEPT,
  nominal,
  rowByGroup,
  rowLanes,
  rowsAtOnce,
  vectorsSideBySide,
} from "../cost/model.js"
import { isScattered } from "../expressions/vectorize.js"
import type { KernelBuild } from "../kernel/kernel-build.js"
import { kindOf, rowPoint } from "../templates/reductions.js"
import { alongAxis, lineOf } from "../templates/row-vectors.js"
import { elements } from "./elements.js"
import { isPowerOfTwo, type Planner, SIZES_OF_WORKGROUPS, tooManyLanes, tooMuchMemory } from "./planner.js"

export const rows = {
  best(b: KernelBuild): KernelPlan {
    const { group } = b
    const { target } = b.placed
    const count = nominal(numel(group.outer))
    if (!folds(b) && rowByGroup(count, nominal(numel(group.inner)), target))
      return { kind: "row", by: "workgroup", lanes: rowLanes(target), subgroups: target.subgroups }
    const vectors = target.anyVectors ? (along(b) ?? across(b)) : undefined
    if (vectors !== undefined) return vectors
    if (isElementwise(b)) return elements.best(b)
    return { kind: "row", by: "invocation", lanes: mapLanes(count, target), subgroups: false }
  },

  others(b: KernelBuild): readonly KernelPlan[] {
    const { subgroups } = b.placed.target
    return SIZES_OF_WORKGROUPS.flatMap((lanes): KernelPlan[] => [
      { kind: "row", by: "invocation", lanes, subgroups: false },
      { kind: "row", by: "workgroup", lanes, subgroups },
      { kind: "along", lanes, keep: true },
      { kind: "along", lanes, keep: false },
      ...[1, 2, 4].map((vectors) => ({ kind: "across", vectors, lanes }) as const),
      { kind: "lines", lanes },
    ])
  },

  problem(b: KernelBuild, plan: KernelPlan): string | undefined {
    const { group } = b
    const { target } = b.placed
    switch (plan.kind) {
      case "map":
        return isElementwise(b) ? elements.problem(b, plan) : "rows of more than one element are no map"
      case "row": {
        if (plan.by === "invocation") return tooManyLanes(b, plan.lanes)
        if (folds(b)) return "a fold is no tree: its rows run by invocation"
        if (!isPowerOfTwo(plan.lanes)) return "a tree joins a power of two of lanes"
        if (plan.subgroups && !target.subgroups) return `${target.name} has no subgroups`
        const sums = group.members.filter((m) => kindOf(b, m) === "reduce").length
        return tooManyLanes(b, plan.lanes) ?? tooMuchMemory(b, 4 * plan.lanes * sums)
      }
      case "along": {
        if (!target.anyVectors) return `vectors of ${target.name} start at multiples of four elements`
        if (!liesAlong(b)) return "the elements of a row do not lie side by side"
        const size = numel(group.inner)
        if (plan.keep && !(isStatic(size) && size * plan.lanes <= MOST_KEPT))
          return `rows of more than ${MOST_KEPT} elements in a workgroup are not kept`
        return tooManyLanes(b, plan.lanes)
      }
      case "across":
        if (!target.anyVectors) return `vectors of ${target.name} start at multiples of four elements`
        if (divDim(numel(group.outer), 4 * plan.vectors) === undefined)
          return `the number of rows is no multiple of ${4 * plan.vectors}`
        return tooManyLanes(b, plan.lanes)
      case "lines":
        if (!target.anyVectors) return `vectors of ${target.name} start at multiples of four elements`
        return linesProblem(b) ?? tooManyLanes(b, plan.lanes)
      default:
        return "a row group has plans of the kinds row, along, across, lines and map"
    }
  },
} satisfies Planner

const folds = (b: KernelBuild): boolean =>
  b.group.members.some((m) => b.placed.g.nodes.get(m) !== undefined && kindOf(b, m) === "fold")

/** Reductions over one index, as of a pooling window that no other overlaps. */
const isElementwise = (b: KernelBuild): boolean =>
  !folds(b) && numel(b.group.inner) === 1 && b.group.full.length === 0

/** Shorter rows have more in their tails than in their vectors. */
const LEAST_ALONG = 8

function along(b: KernelBuild): AlongPlan | undefined {
  const { inner } = b.group
  const last = alongAxis(inner)
  if (last < 0 || nominal(inner[last]!) < LEAST_ALONG || !liesAlong(b)) return undefined
  const size = numel(inner)
  const lanes = rowsAtOnce(nominal(size))
  return { kind: "along", lanes, keep: isStatic(size) && size * lanes <= MOST_KEPT }
}

/** Whether four neighbouring elements of a row can be loaded as vectors, and all reductions be joined in the end. */
function liesAlong(b: KernelBuild): boolean {
  const last = alongAxis(b.group.inner)
  if (last < 0) return false
  const probe = b.fork()
  const { k } = probe
  const row = probe.variable("row", numel(b.group.outer))
  const j = probe.variable("j", 4)
  const r = b.group.inner.map((d, n) => {
    if (n !== last) return d === 1 ? k.int(0) : probe.variable("r", d)
    return k.add(k.mul(probe.variable("quad", divDim(d, 4)), k.int(4)), j)
  })
  const all = rowPoint(probe, row, r).reductions
  if (all.some((x) => x.combine === undefined)) return false
  return all.every((x) => x.next.every((e) => !isScattered(probe.widen(e, j.name))))
}

function across(b: KernelBuild): KernelPlan | undefined {
  const { outer, inner } = b.group
  const width = lineOf(outer)
  if (width === undefined || width < 4) return undefined
  const work = nominal(numel(inner))
  if (width % 4 === 0 && outer.filter((d) => d !== 1).length === 1) {
    const quads = divDim(numel(outer), 4)!
    const vectors = isStatic(quads) ? vectorsSideBySide(quads, work) : 1
    return { kind: "across", vectors, lanes: rowsAtOnce(4 * vectors * work) }
  }
  return linesProblem(b) === undefined ? { kind: "lines", lanes: rowsAtOnce(width * work) } : undefined
}

function linesProblem(b: KernelBuild): string | undefined {
  const width = lineOf(b.group.outer)
  if (width === undefined || width < 4) return "a line of rows has at least 4"
  // Rows that are updated in place are computed once: the last vector would overlap the one before.
  if (width % 4 !== 0 && b.group.stores.some((s) => s.slot !== null))
    return "rows that are updated in place lie in lines of whole vectors"
  return undefined
}
