/** schedule: Graph -> KernelProgram, as passes. */
import { type Pass, type PassContext } from "../pass.js"
import type { Graph } from "../ir/graph/types.js"
import type { KernelProgram } from "../ir/kernels/types.js"
import { buildKernels } from "./build-kernels.js"
import { cut, type Part } from "./cut.js"
import { fuse } from "./fuse.js"
import type { GroupedGraph } from "./group.js"
import { link } from "./link.js"
import { merge } from "./merge.js"
import { order } from "./order.js"
import { pack } from "./pack.js"
import { roll } from "./roll.js"

export { forOneWorkgroup, manyPays } from "./cost.js"
export { canBeMany, manyCalls, workOf } from "./many.js"
export { recompute } from "./recompute.js"
export { type Choice, choices, lateGroups } from "./recompute-choices.js"
export { parseGroups, printGroups } from "./group-text.js"
export { buildKernels, cut, fuse, link, merge, order, pack, roll }
export type { GroupedGraph, Part }

/** All passes of this room, in order. */
export const SCHEDULE_PASSES: readonly [
  Pass<Graph, GroupedGraph>,
  Pass<GroupedGraph, GroupedGraph>,
  Pass<GroupedGraph, GroupedGraph>,
  Pass<readonly GroupedGraph[], readonly KernelProgram[]>,
] = [fuse, pack, order, buildKernels]

export function schedule(graph: Graph, cx: PassContext): KernelProgram {
  const parts = cut.run(graph, cx)
  const grouped = parts.map((p) => order.run(pack.run(fuse.run(p.graph, cx), cx), cx))
  return roll.run(merge.run([link(graph, parts, buildKernels.run(grouped, cx))], cx), cx)[0]!
}
