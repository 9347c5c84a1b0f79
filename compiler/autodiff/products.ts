/** autodiff: the values of a loop's iteration that its gradient reads from stacks instead of computing them again.
 *  These are the contractions (matmul, convolution), which cost far more than the memory traffic of their results, and what follows one
 *  without a branch: in `g = x @ w + b`, `g` is the result that is wanted, and one kernel computes both. A stack of each is offered;
 *  the ones that no gradient reads are dropped (optimize/dce).
 *  Not here:   a contraction that is the same in every iteration. */
import type { ScanParts } from "../ir/graph/scan.js"
import type { Node, ValueId } from "../ir/graph/types.js"
import { numel, sameDim } from "../ir/tensor.js"
import { opDef } from "../ops/index.js"

export function productsOf({ region, captures }: ScanParts): readonly ValueId[] {
  const readers = new Map<ValueId, Node[]>()
  for (const node of region.nodes)
    for (const arg of node.args) {
      const known = readers.get(arg)
      if (known) known.push(node)
      else readers.set(arg, [node])
    }
  const fixed = new Set(captures.map((c) => c.id))
  const found = new Set<ValueId>()
  for (const node of region.nodes) {
    if (node.args.every((a) => fixed.has(a))) fixed.add(node.id)
    else if (opDef(node.op).traits.kind === "contraction") {
      let last: Node | undefined = node
      while (last !== undefined && !found.has(last.id)) {
        found.add(last.id)
        const next: readonly Node[] = readers.get(last.id) ?? []
        last = next.length === 1 && follows(next[0]!, last) ? next[0] : undefined
      }
    }
  }
  return [...found]
}

/** Whether one element of the reader is computed from each of the value. */
function follows(reader: Node, value: Node): boolean {
  const { kind } = opDef(reader.op).traits
  return (
    (kind === "pointwise" || kind === "view") && sameDim(numel(reader.type.shape), numel(value.type.shape))
  )
}
