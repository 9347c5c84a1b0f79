/** fuse: a product of few columns, such as the scores of classes, is computed by the kernel that works on its rows.
 *  Group[] -> Group[]
 *  Assumes:    each group needs only groups before it.
 *  Guarantees: no other group needs the product, and each row needs only its own row of it; the chain binds no more
 *              buffers than the target allows.
 *  Not here:   whether that pays (`cost/model.ts`), the code (`templates/chain.ts`). */
import { isStatic, mulDim, numel, sameDim } from "../../ir/tensor.js"
import type { TargetProfile } from "../../targets/target.js"
import { joinsProduct } from "../cost/model.js"
import { chainOf, type Group } from "../../ir/groups/types.js"
import { expressionsOf, groupLoads, makers, storedIn } from "./loads.js"
import { Probe } from "./probe.js"
import type { GraphIndex } from "../../ir/graph/graph-index.js"

export function joinProducts(g: GraphIndex, groups: readonly Group[], target: TargetProfile): Group[] {
  const inBuffer = storedIn({ graph: g.graph, groups })
  const made = makers(groups)
  const byId = new Map(groups.map((x) => [x.id, x]))
  const loads = (x: Group): ReadonlySet<number> => groupLoads(g, x, inBuffer).values
  const outputs = new Set(g.graph.outputs.map((o) => o.value))
  const chained = new Set<Group>()

  const fits = (product: Group, row: Group): boolean => {
    const columns = numel(row.inner)
    if (product.kind !== "contract" || product.rootAxes !== null || !isStatic(columns)) return false
    if (!sameDim(numel(product.outer), mulDim(numel(row.outer), columns))) return false
    if (!joinsProduct(numel(row.outer), columns, numel(product.inner), target)) return false
    const between = new Set(product.stores.map((s) => s.value))
    const given = [...product.stores, ...row.stores].some((s) => s.slot !== null)
    if (given || [...between].some((v) => outputs.has(v))) return false
    if (groups.some((x) => x !== row && [...loads(x)].some((v) => between.has(v)))) return false
    const bound = new Set([...loads(product), ...[...loads(row)].filter((v) => !between.has(v))])
    if (bound.size + row.stores.length > target.maxStorageBuffersPerStage) return false
    return staysInRow(g, row, between, columns, inBuffer)
  }
  return groups
    .map((row) => {
      if (row.kind !== "row") return row
      const before = [...loads(row)].flatMap((v) => byId.get(made.get(v) ?? -1) ?? [])
      const product = before.find((x) => !chained.has(x) && fits(x, row))
      if (product === undefined) return row
      chained.add(product)
      return chainOf(product, row)
    })
    .filter((x) => !chained.has(x))
}

/** Whether the group reads these values, which have `columns` elements for each of its rows, nowhere but in its own row. */
function staysInRow(
  g: GraphIndex,
  row: Group,
  values: ReadonlySet<number>,
  columns: number,
  inBuffer: (v: number) => boolean,
): boolean {
  const members = new Set(row.members)
  const probe = new Probe(g, row.outer, row.inner, (v) => inBuffer(v) && !members.has(v))
  const { k } = probe
  const { terms, stores } = expressionsOf(g, row, probe)
  return probe
    .loadsIn([...terms, ...stores.map((s) => s.value)])
    .every((l) => !values.has(l.value) || k.div(l.linear, k.int(columns)) === probe.linear)
}
