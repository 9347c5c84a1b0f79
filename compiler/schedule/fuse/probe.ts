/** schedule: evaluates a group's expressions symbolically, to find out whether a node can be computed where the group stands, and what
 *  the group loads. Nothing is emitted.
 *  The frame of a group is a variable per axis of its outer and inner space. A reduction of the group has its value at the
 *  frame's own outer point only; asked for anywhere else, the node cannot join. */
import type { Node, ValueId } from "../../ir/graph/types.js"
import type { Group } from "../../ir/groups/types.js"
import type { Expr } from "../../ir/kernels/types.js"
import { childrenOf } from "../../ir/kernels/walk.js"
import { numel, sameDim, sameShape, type Shape } from "../../ir/tensor.js"
import { Exprs } from "../expressions/exprs.js"
import { type GraphIndex, loweringOf, typeOfValue } from "../../ir/graph/graph-index.js"
import { fromStored, linearIndex, permuted, storedType, unravel, Values } from "../expressions/values.js"

const ILLEGAL = "illegal"

export interface ProbedLoad {
  readonly value: ValueId
  /** Linear index in the frame. */
  readonly linear: Expr
}

/** If `node` reads `root` through a reordering of axes only: the axis of `node` for each axis of `root`. */
export function reordering(
  g: GraphIndex,
  node: Node,
  root: Node,
  isMaterialized: (v: ValueId) => boolean,
): (number | null)[] | undefined {
  const k = new Exprs()
  const reads: (readonly Expr[])[] = []
  const values = new Values(g, k, (v, index) => {
    if (v === root.id) reads.push(index)
    const opaque = v === root.id || isMaterialized(v) || loweringOf(g.nodes.get(v) ?? root).kind !== "map"
    return opaque ? k.ref(`v${v}`, typeOfValue(g, v).dtype) : undefined
  })
  const { shape } = node.type
  const index = shape.map((d, n) => (d === 1 ? k.int(0) : k.variable(`o${n}`, d)))
  values.at(node.id, index)
  const [first] = reads
  if (first === undefined || reads.some((r) => r.some((e, n) => e !== first[n]))) return undefined
  const axes = first.map((e) => (e.kind === "ref" ? index.indexOf(e) : null))
  const sound = axes.every((axis, n) => {
    const size = root.type.shape[n]!
    return axis === null ? size === 1 : axis >= 0 && sameDim(shape[axis]!, size)
  })
  const used = axes.filter((a) => a !== null)
  const all = shape.filter((d) => d !== 1).length
  return sound && used.length === all && new Set(used).size === all ? axes : undefined
}

export class Probe {
  readonly k = new Exprs()
  readonly values: Values
  readonly outer: readonly Expr[]
  readonly inner: readonly Expr[]
  /** Linear index of the outer point. */
  readonly linear: Expr
  private readonly sums = new Set<ValueId>()
  private elements: { by: ValueId; shape: Shape; index: readonly Expr[] } | undefined

  constructor(
    private readonly g: GraphIndex,
    private readonly outerShape: Shape,
    innerShape: Shape,
    /** Whether a value is read from a buffer, for this group. */
    private readonly isMaterialized: (v: ValueId) => boolean,
    /** See `Group.rootAxes`. */
    private readonly rootAxes: readonly (number | null)[] | null = null,
  ) {
    const { k } = this
    this.outer = outerShape.map((d, n) => (d === 1 ? k.int(0) : k.variable(`o${n}`, d)))
    this.inner = innerShape.map((d, n) => (d === 1 ? k.int(0) : k.variable(`r${n}`, d)))
    this.linear = linearIndex(k, this.outer, outerShape)
    this.values = new Values(g, k, (v, index) => this.resolve(v, index))
  }

  /** The reduction or contraction as the frame computes it; undefined if it needs a value the group does not have there. */
  terms(node: Node): readonly Expr[] | undefined {
    const lower = loweringOf(node)
    const cx = this.values.context(node, this.indexOf(node))
    const r = this.inner
    let out: readonly Expr[] = []
    if (lower.kind === "reduce") out = [lower.term(cx, r)]
    if (lower.kind === "contract") out = [lower.left(cx, r), lower.right(cx, r)]
    if (lower.kind === "fold") {
      const init = lower.init(cx)
      const acc = init.map((e, n) => this.k.ref(`acc${n}`, e.kind === "dim" ? "i32" : e.type))
      out = [...init, ...lower.step(cx, r, acc), lower.result(cx, acc)]
    }
    return this.legal(out)
  }
  /** From now on `node` has its value at the outer point. */
  add(node: Node): void {
    this.sums.add(node.id)
    if (this.elements !== undefined || loweringOf(node).kind === "contract") return
    const walk = this.elementsOf(node)
    if (walk !== null) this.elements = { by: node.id, ...walk }
  }
  /** The reduction whose elements the frame walks over: the first of which it visits each exactly once. */
  get walker(): ValueId | undefined {
    return this.elements?.by
  }
  /** A value of the outer space. */
  atOuter(v: ValueId): Expr | undefined {
    const { shape } = typeOfValue(this.g, v)
    if (!sameDim(numel(shape), numel(this.outerShape))) return undefined
    const own = this.sums.has(v) ? this.g.nodes.get(v) : undefined
    const inFrame = sameShape(shape, this.outerShape) ? this.outer : unravel(this.k, this.linear, shape)
    return this.legal([this.values.at(v, own === undefined ? inFrame : this.indexOf(own))])?.[0]
  }
  /** A value of the whole space, outer and inner. */
  atElements(v: ValueId): Expr | undefined {
    if (this.elements === undefined) return undefined
    if (!sameShape(typeOfValue(this.g, v).shape, this.elements.shape)) return undefined
    return this.legal([this.values.at(v, this.elements.index)])?.[0]
  }
  /** Where `atElements` stands. */
  get elementIndex(): Expr {
    return this.elements === undefined
      ? this.linear
      : linearIndex(this.k, this.elements.index, this.elements.shape)
  }

  /** Loads in these expressions, each once. */
  loadsIn(exprs: readonly Expr[]): ProbedLoad[] {
    const seen = new Set<Expr>()
    const out: ProbedLoad[] = []
    const visit = (e: Expr): void => {
      if (seen.has(e)) return
      seen.add(e)
      if (e.kind === "load") out.push({ value: Number(e.buffer), linear: e.index })
      childrenOf(e).forEach(visit)
    }
    exprs.forEach(visit)
    return out
  }
  /** The reductions of the group that these expressions use. */
  sumsIn(exprs: readonly Expr[]): Set<ValueId> {
    const out = new Set<ValueId>()
    for (const e of exprs) {
      for (const n of this.k.namesIn(e)) if (n.startsWith("sum")) out.add(Number(n.slice(3)))
    }
    return out
  }

  private indexOf(node: Node): readonly Expr[] {
    if (this.rootAxes !== null) return permuted(this.k, this.outer, this.rootAxes)
    const { shape } = node.type
    return sameShape(shape, this.outerShape) ? this.outer : unravel(this.k, this.linear, shape)
  }
  private resolve(v: ValueId, index: readonly Expr[]): Expr | undefined {
    const { k } = this
    const { dtype, shape } = typeOfValue(this.g, v)
    if (this.sums.has(v)) {
      const own = linearIndex(k, this.indexOf(this.g.nodes.get(v)!), shape)
      return k.ref(linearIndex(k, index, shape) === own ? `sum${v}` : ILLEGAL, dtype)
    }
    if (this.isMaterialized(v)) {
      return fromStored(k, k.load(`${v}`, linearIndex(k, index, shape), storedType(dtype)), dtype)
    }
    const node = this.g.nodes.get(v)
    return node !== undefined && loweringOf(node).kind !== "map" ? k.ref(ILLEGAL, dtype) : undefined
  }
  private legal(exprs: readonly Expr[]): readonly Expr[] | undefined {
    return exprs.some((e) => this.k.namesIn(e).has(ILLEGAL)) ? undefined : exprs
  }
  /** How the frame walks over the elements that a reduction reads, if it visits each exactly once. */
  private elementsOf(node: Node): { shape: Shape; index: readonly Expr[] } | null {
    const lower = loweringOf(node)
    if (lower.kind !== "reduce" && lower.kind !== "fold") return null
    const cx = this.values.context(node, this.indexOf(node))
    let first: { shape: Shape; index: readonly Expr[] } | undefined
    const args = cx.args.map((at, n) => (index: readonly Expr[]) => {
      first ??= { shape: cx.argTypes[n]!.shape, index }
      return at(index)
    })
    if (lower.kind === "reduce") lower.term({ ...cx, args }, this.inner)
    else {
      const init = lower.init(cx)
      lower.step({ ...cx, args }, this.inner, init)
    }
    if (first === undefined) return null
    const wanted = [...this.outer, ...this.inner].filter((e) => e.kind === "ref")
    const used = first.index.filter((e) => e.kind === "ref")
    const { shape } = first
    const plain = first.index.every(
      (e, n) => (e.kind === "ref" && wanted.includes(e)) || (e.kind === "const" && shape[n] === 1),
    )
    const once = used.length === wanted.length && new Set(used).size === used.length
    return plain && once && this.extentsFit(first) ? first : null
  }
  private extentsFit(first: { shape: Shape; index: readonly Expr[] }): boolean {
    return first.index.every((e, n) => {
      if (e.kind !== "ref") return true
      const { hi } = this.k.range(e)
      const whole = this.k.range(this.k.dim(first.shape[n]!)).hi
      return (
        hi !== undefined &&
        whole !== undefined &&
        this.k.add(this.k.dim(hi), this.k.int(1)) === this.k.dim(whole)
      )
    })
  }
}

/** The reduction whose elements a row group walks over, as the probe chose it that made the group. */
export function walkerOf(g: GraphIndex, { outer, inner, members }: Group): ValueId | undefined {
  const own = new Set(members)
  const probe = new Probe(g, outer, inner, (v) => !own.has(v))
  for (const m of members) {
    const node = g.nodes.get(m)
    if (node !== undefined && loweringOf(node).kind !== "map") probe.add(node)
  }
  return probe.walker
}
