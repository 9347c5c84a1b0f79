/** schedule: rematerializes values in the groups that read them, rather than keep them in a buffer: those that take few
 *  operations on values that these groups load anyway, such as the inner product of a GELU, which its gradient needs too.
 *  Guarantees: no group loads anything that it did not load; every one loads less.
 *  Not here:   values that are cheap enough never to be stored (`fuse/fuse.ts`). */
import type { Node, ValueId } from "../../ir/graph/types.js"
import { worthLoading } from "../cost/model.js"
import { defOf, type GraphIndex, loweringOf } from "../../ir/graph/graph-index.js"

/** The values that a group loads, and those among them that are operands of a contraction, which are read several times. */
export interface Loader {
  readonly loads: Set<ValueId>
  readonly operands: ReadonlySet<ValueId>
}

/** Later groups, by the values that they load. */
export class Loaders {
  private readonly byValue = new Map<ValueId, Loader[]>()

  add(loader: Loader): void {
    for (const v of loader.loads) this.byValue.set(v, [...(this.byValue.get(v) ?? []), loader])
  }

  /** Whether all groups that load `v` can do without; if so they do from now on.
   *  `isLeaf`: whether a value is loaded where it is wanted; `operations`: of a node, without those of its arguments. */
  giveUp(
    g: GraphIndex,
    v: ValueId,
    isLeaf: (v: ValueId) => boolean,
    operations: (node: Node) => number,
  ): boolean {
    const readers = this.byValue.get(v) ?? []
    if (readers.length === 0 || readers.some((r) => r.operands.has(v))) return false
    const leaves = new Set<ValueId>()
    let cost = 0
    const visit = (x: ValueId): boolean => {
      const node = g.nodes.get(x)
      if (node === undefined || (x !== v && isLeaf(x))) {
        leaves.add(x)
        return true
      }
      if (loweringOf(node).kind !== "map" || !ELEMENTWISE.has(defOf(node).traits.kind)) return false
      cost += operations(node)
      return !worthLoading(cost) && node.args.every(visit)
    }
    if (!visit(v)) return false
    const inputs = [...leaves].filter((x) => isLeaf(x))
    if (readers.some((r) => inputs.some((x) => !r.loads.has(x)))) return false
    for (const r of readers) r.loads.delete(v)
    this.byValue.delete(v)
    return true
  }
}

const ELEMENTWISE: ReadonlySet<string> = new Set(["pointwise", "view", "source"])
