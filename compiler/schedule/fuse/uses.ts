/** schedule: the readers of a value while groups are made, and the cost of computing it again for each of them.
 *  Not here:   the decision (`fuse.ts`). */
import { printAttrs } from "../../ir/graph/text.js"
import { defOf, elementsOf, type GraphIndex, loweringOf, typeOfValue } from "../../ir/graph/graph-index.js"
import type { Node, ValueId } from "../../ir/graph/types.js"
import { bytesOf, numel, printType } from "../../ir/tensor.js"
import type { TargetProfile } from "../../targets/target.js"
import { nominal } from "../cost/model.js"
import { Exprs } from "../expressions/exprs.js"
import { operationsIn } from "../expressions/operations.js"
import { unravel, Values } from "../expressions/values.js"

export class Uses {
  private readonly costMemo = new Map<ValueId, number>()
  private readonly operationsMemo = new Map<string, number>()

  constructor(
    private readonly g: GraphIndex,
    private readonly target: TargetProfile,
    /** Outputs, and new values of slots. */
    private readonly required: ReadonlySet<ValueId>,
    /** Values that a group computes, as groups are being made. */
    private readonly home: ReadonlyMap<ValueId, unknown>,
  ) {}

  /** Whether other groups read the value from a buffer. */
  isMaterialized(v: ValueId): boolean {
    const input = this.g.inputs.get(v)
    if (input !== undefined) return input.source.kind !== "scalar"
    return this.g.slots.has(v) || this.home.has(v)
  }
  /** The placed values that a node reads, through all that is inlined. */
  materializedBelow(v: ValueId): ValueId[] {
    const out = new Set<ValueId>()
    const seen = new Set<ValueId>()
    const visit = (x: ValueId): void => {
      if (seen.has(x)) return
      seen.add(x)
      for (const a of this.g.nodes.get(x)?.args ?? []) {
        if (this.isMaterialized(a)) out.add(a)
        else visit(a)
      }
    }
    visit(v)
    return [...out]
  }
  /** Who reads a value, through views. */
  readers(v: ValueId): Node[] {
    const out = new Set<Node>()
    const visit = (x: ValueId): void => {
      for (const c of this.g.consumers.get(x) ?? []) {
        if (defOf(c).traits.kind === "view" && !this.required.has(c.id)) visit(c.id)
        else out.add(c)
      }
    }
    visit(v)
    return [...out]
  }

  inlinedIn(v: ValueId): ValueId[] {
    const out = new Set<ValueId>()
    const visit = (x: ValueId): void => {
      for (const a of this.g.nodes.get(x)?.args ?? []) {
        if (this.isMaterialized(a) || out.has(a) || !this.g.nodes.has(a)) continue
        out.add(a)
        visit(a)
      }
    }
    visit(v)
    return [...out]
  }
  /** The bytes of an element less those of the arguments that it alone uses. A value that shrinks is stored: it was cast in order to be,
   *  and a driver would leave out rounding that only stands between two operations. One that grows is left to its readers. */
  growth({ args, type }: Node): number {
    return args.length === 1 ? bytesOf(type.dtype) / bytesOf(typeOfValue(this.g, args[0]!).dtype) : 1
  }

  /** How often a reader needs each element of the node. */
  reuse(node: Node, reader: Node): number {
    const lower = loweringOf(reader)
    const size = nominal(elementsOf(this.g, node.id))
    const out = nominal(elementsOf(this.g, reader.id))
    if (lower.kind === "map" || lower.kind === "none") return Math.max(1, out / size)
    const argTypes = reader.args.map((a) => typeOfValue(this.g, a))
    const reads = out * nominal(numel(lower.extents(argTypes, reader.attrs, reader.type)))
    // A tile of a contraction uses each load several times.
    return Math.max(1, reads / size / (lower.kind === "contract" ? this.target.costs.reuse : 1))
  }
  /** Operations and loads per element, with all that is inlined. */
  cost(v: ValueId): number {
    const known = this.costMemo.get(v)
    if (known !== undefined) return known
    let cost: number
    const node = this.g.nodes.get(v)
    if (node === undefined) cost = this.isMaterialized(v) ? 1 : 0
    else {
      cost = this.operations(node)
      for (const a of node.args) cost += this.isMaterialized(a) ? 1 : this.cost(a)
    }
    this.costMemo.set(v, cost)
    return cost
  }

  /** The node's own operations, which nodes of one kind over the same shapes have in common. */
  operations(node: Node): number {
    const types = node.args.map((a) => `${node.args.indexOf(a)} ${printType(typeOfValue(this.g, a))}`)
    const key = `${node.op} ${printAttrs(node.attrs)} ${types.join()} ${printType(node.type)}`
    let operations = this.operationsMemo.get(key)
    if (operations === undefined) this.operationsMemo.set(key, (operations = ownOperations(this.g, node)))
    return operations
  }
}

/** The operations of one element of a node, without its arguments. */
function ownOperations(g: GraphIndex, node: Node): number {
  const lower = loweringOf(node)
  if (lower.kind !== "map") return 0
  const k = new Exprs()
  const values = new Values(g, k, (v) =>
    v === node.id ? undefined : k.ref(`a${v}`, typeOfValue(g, v).dtype),
  )
  const i = k.variable("i", elementsOf(g, node.id))
  return operationsIn(lower.value(values.context(node, unravel(k, i, node.type.shape))))
}
