/** ops: reductions over named axes, and the index of the largest or smallest element.
 *  Not here:   mean, variance, norms, logsumexp (stdlib), running sums (rows.ts). */
import type { OpName } from "../ir/op-name.js"
import type { Attrs } from "../ir/graph/types.js"
import { scalarDef } from "../ir/kernels/scalar.js"
import type { ScalarOp } from "../ir/kernels/scalar.js"
import type { Expr } from "../ir/kernels/types.js"
import { BATCH, evalShape, isFloat, printType, tensorType } from "../ir/tensor.js"
import type { Dim, DType, Shape, TensorType } from "../ir/tensor.js"
import { boolAttr, intAttr, intsAttr } from "./attrs.js"
import { Algebra, NUMBERS, requireDType } from "./elementwise.js"
import { at as element, indices, ndarray } from "./ndarray.js"
import { defineOp, none } from "./op.js"
import { axesOf, requireAxis } from "./wording.js"
import type {
  LoopSum,
  Combine,
  ExprBuilder,
  GradContext,
  GraphBuilder,
  InferContext,
  OpDef,
  Sample,
  Value,
} from "./op.js"

const axesAttrs: OpDef["attrs"] = {
  axes: { doc: "the axes reduced: sorted, counted from 0", kind: "ints" },
  keepdim: { doc: "keep the axes, with size 1", kind: "bool", default: false },
}
const constraints = {
  c1: "axes are different axes of x in rising order, at least one",
  c2: NUMBERS.rule,
}
/** An empty maximum has no value. */
const NONEMPTY = "the reduced axes hold at least one element"

/** The shape left after reducing `axes`. */
export function reducedShape(shape: Shape, axes: readonly number[], keepdim: boolean): Shape {
  return shape.flatMap((d, axis) => (axes.includes(axis) ? (keepdim ? [1] : []) : [d]))
}

/** One coordinate per axis of x, from those of the output and those of the reduction. */
export function mergeIndex<T>(
  rank: number,
  axes: readonly number[],
  keepdim: boolean,
  out: readonly T[],
  reduced: readonly T[],
): T[] {
  let kept = 0
  return Array.from({ length: rank }, (_, axis) => {
    const r = axes.indexOf(axis)
    if (r < 0) return out[keepdim ? axis : kept++]!
    return reduced[r]!
  })
}

function inferReduced(x: TensorType, attrs: Attrs, at: InferContext): TensorType {
  const axes = intsAttr(attrs, "axes")
  at.require(
    "c1",
    axes.length > 0 &&
      axes.every((axis, i) => axis >= 0 && axis < x.shape.length && (i === 0 || axes[i - 1]! < axis)),
    () => `axes [${axes.join(", ")}] of ${printType(x)}, ${axesOf(x.shape)}`,
    { arg: 0 },
  )
  requireDType([x], NUMBERS, "c2", at)
  return tensorType(x.dtype, reducedShape(x.shape, axes, boolAttr(attrs, "keepdim")))
}
function requireElements(x: TensorType, axes: readonly number[], at: InferContext): void {
  at.require(
    "c3",
    axes.every((axis) => x.shape[axis] !== 0),
    () => `${printType(x)} has nothing to take the largest or smallest of`,
    { arg: 0 },
  )
}

const SCALAR: Readonly<Record<Combine, ScalarOp>> = { sum: "add", prod: "mul", max: "max", min: "min" }

function reduction(
  name: Combine,
  spec: {
    readonly doc: string
    /** The value over nothing, where there is one. */
    readonly empty: number | null
    readonly grad: OpDef["grad"]
    readonly loopSum?: LoopSum
    readonly samples?: readonly Sample[]
  },
): OpDef {
  const { empty } = spec
  return defineOp({
    name,
    params: ["x"],
    attrs: axesAttrs,
    doc: spec.doc,
    traits: { kind: "reduce" },
    constraints: empty === null ? { ...constraints, c3: NONEMPTY } : constraints,
    infer: ([x], attrs, at) => {
      const type = inferReduced(x!, attrs, at)
      if (empty === null) requireElements(x!, intsAttr(attrs, "axes"), at)
      return type
    },
    eval: ([x], attrs, { type, dims }) => {
      const axes = intsAttr(attrs, "axes")
      const combine = scalarDef(SCALAR[name])
      return ndarray(evalShape(type.shape, dims), (out) => {
        let total: number | null = empty
        for (const r of indices(axes.map((axis) => x!.shape[axis]!))) {
          const value = element(x!, mergeIndex(x!.shape.length, axes, boolAttr(attrs, "keepdim"), out, r))
          total = total === null ? value : combine.eval([total, value], type.dtype)
        }
        return total ?? NaN
      })
    },
    grad: spec.grad,
    ...(spec.loopSum && { loopSum: spec.loopSum }),
    lower: {
      kind: "reduce",
      combine: name,
      extents: ([x], attrs) => intsAttr(attrs, "axes").map((axis) => x!.shape[axis]!),
      term: (cx, r) =>
        cx.args[0]!(
          mergeIndex(
            cx.argTypes[0]!.shape.length,
            intsAttr(cx.attrs, "axes"),
            boolAttr(cx.attrs, "keepdim"),
            cx.index,
            r,
          ),
        ),
    },
    samples: [...samples(["f32", "i32"]), ...(spec.samples ?? [])],
  })
}

const samples = (dtypes: readonly DType[]): Sample[] => [
  { args: [tensorType(dtypes[0]!, [4])], attrs: { axes: [0], keepdim: false } },
  { args: [tensorType(dtypes[0]!, [2, 3])], attrs: { axes: [0, 1], keepdim: false } },
  { args: [tensorType(dtypes[0]!, [BATCH, 3, 2])], attrs: { axes: [0, 2], keepdim: true } },
  { args: [tensorType(dtypes[0]!, [BATCH, 3, 2])], attrs: { axes: [1], keepdim: false } },
  ...dtypes.slice(1).map((d) => ({ args: [tensorType(d, [2, 3])], attrs: { axes: [1], keepdim: false } })),
]

/** A reduced value (dy, or the result) with the shape of x again: kept axes of size 1 are restored, then stretched. */
function spread(cx: GradContext, g: GraphBuilder, value: Value): Value {
  const x = cx.args[0]!.type
  const kept = reducedShape(x.shape, intsAttr(cx.attrs, "axes"), true)
  const framed = boolAttr(cx.attrs, "keepdim") ? value : g.apply("reshape", [value], { shape: kept })
  return g.apply("broadcast", [framed], { shape: x.shape })
}

/** Ties share the gradient evenly. */
function extremeGrad(cx: GradContext, g: GraphBuilder): readonly Value[] {
  const x = cx.args[0]!
  const m = new Algebra(g, x.type.dtype)
  const chosen = g.apply("cast", [m.compare("eq", x, spread(cx, g, cx.out))], { dtype: x.type.dtype })
  const ties = g.apply("sum", [chosen], cx.attrs)
  return [m.mul(chosen, spread(cx, g, m.div(cx.dy, ties)))]
}

/** Each element's gradient is the product of the others: over j of (1 where j is the element itself, else x[j]). A quotient
 *  would fail at 0; this is exact there, and so are its own gradients. Costs n multiplications per element. */
function productGrad(cx: GradContext, g: GraphBuilder): readonly Value[] {
  const x = cx.args[0]!
  const { shape } = x.type
  const axes = intsAttr(cx.attrs, "axes")
  const kept = shape.flatMap((_, axis) => (axes.includes(axis) ? [] : [axis]))
  const inner = axes.map((axis) => shape[axis]!)
  const pairs: Shape = [...shape, ...inner]
  const m = new Algebra(g, x.type.dtype)

  const moved = g.apply("transpose", [x], { perm: [...kept, ...axes] })
  const framed = g.apply("reshape", [moved], { shape: [...reducedShape(shape, axes, true), ...inner] })
  const others = g.apply("broadcast", [framed], { shape: pairs })
  const itself = axes
    .map((axis, i) =>
      m.compare(
        "eq",
        g.apply("iota", [], { shape: pairs, axis }),
        g.apply("iota", [], { shape: pairs, axis: shape.length + i }),
      ),
    )
    .reduce((a, b) => g.apply("and", [a, b]))
  const product = g.apply("prod", [m.where(itself, m.num(1), others)], {
    axes: inner.map((_, i) => shape.length + i),
    keepdim: false,
  })
  return [m.mul(spread(cx, g, cx.dy), product)]
}

/** Whether a value wins against the best so far: it is beyond it, or the first NaN. */
export function beats(k: ExprBuilder, better: "gt" | "lt", dtype: DType, value: Expr, best: Expr): Expr {
  const beyond = k.op(better, value, best)
  if (!isFloat(dtype)) return beyond
  return k.op("or", beyond, k.op("and", k.op("isnan", value), k.op("not", k.op("isnan", best))))
}

/** argmax and argmin: carries the best value so far and its index. */
function argReduction(name: OpName, better: "gt" | "lt", doc: string): OpDef {
  const at = (attrs: Attrs): { axis: number; keepdim: boolean } => ({
    axis: intAttr(attrs, "axis"),
    keepdim: boolAttr(attrs, "keepdim"),
  })
  return defineOp({
    name,
    params: ["x"],
    attrs: {
      axis: { doc: "the axis searched", kind: "int" },
      keepdim: { doc: "keep the axis, with size 1", kind: "bool", default: false },
    },
    doc,
    traits: { kind: "reduce" },
    constraints: { c1: "axis is an axis of x", c2: NUMBERS.rule, c3: NONEMPTY },
    infer: ([x], attrs, cx: InferContext) => {
      const { axis, keepdim } = at(attrs)
      requireAxis("c1", x!, axis, cx)
      requireDType([x!], NUMBERS, "c2", cx)
      requireElements(x!, [axis], cx)
      return tensorType("i32", reducedShape(x!.shape, [axis], keepdim))
    },
    eval: ([x], attrs, { type, dims }) => {
      const { axis, keepdim } = at(attrs)
      return ndarray(evalShape(type.shape, dims), (out) => {
        const value = (r: number): number =>
          element(x!, mergeIndex(x!.shape.length, [axis], keepdim, out, [r]))
        let best = 0
        for (let r = 1; r < x!.shape[axis]!; r++) {
          const [a, b] = better === "gt" ? [value(r), value(best)] : [value(best), value(r)]
          if (a > b || (Number.isNaN(value(r)) && !Number.isNaN(value(best)))) best = r
        }
        return best
      })
    },
    grad: none("the result is an index, an integer"),
    lower: {
      kind: "fold",
      extents: ([x], attrs): readonly Dim[] => [x!.shape[at(attrs).axis]!],
      init: (cx) => [load(cx, cx.k.int(0)), cx.k.int(0)],
      step: (cx, [r], [best, where]) => {
        const value = load(cx, r!)
        const wins = beats(cx.k, better, cx.argTypes[0]!.dtype, value, best!)
        return [cx.k.select(wins, value, best!), cx.k.select(wins, r!, where!)]
      },
      result: (_cx, [, where]) => where!,
    },
    samples: [
      { args: [tensorType("f32", [5])], attrs: { axis: 0, keepdim: false } },
      { args: [tensorType("f32", [BATCH, 3])], attrs: { axis: 1, keepdim: false } },
      { args: [tensorType("i32", [2, 6, 2])], attrs: { axis: 1, keepdim: true } },
    ],
  })
  function load(cx: Parameters<Extract<OpDef["lower"], { kind: "fold" }>["init"]>[0], r: Expr): Expr {
    const { axis, keepdim } = at(cx.attrs)
    return cx.args[0]!(mergeIndex(cx.argTypes[0]!.shape.length, [axis], keepdim, cx.index, [r]))
  }
}

export const reduceOps = [
  reduction("sum", {
    doc: "The sum over axes, as torch.sum. Over nothing it is 0.",
    empty: 0,
    grad: (cx, g) => [spread(cx, g, cx.dy)],
    loopSum: {
      accepts: () => true,
      isContraction: false,
      build([x], attrs, g) {
        const total = g.apply("sum", [x!.stack], { axes: [0], keepdim: false })
        return intsAttr(attrs, "axes").length === 0 ? total : g.apply("sum", [total], attrs)
      },
    },
  }),
  reduction("prod", {
    doc: "The product over axes. Over nothing it is 1.",
    empty: 1,
    grad: productGrad,
  }),
  reduction("max", {
    doc: "The largest over axes, as torch.amax: ties share the gradient evenly. NaN where there is one.",
    empty: null,
    grad: extremeGrad,
  }),
  reduction("min", {
    doc: "The smallest over axes, as torch.amin: ties share the gradient evenly. NaN where there is one.",
    empty: null,
    grad: extremeGrad,
  }),
  argReduction(
    "argmax",
    "gt",
    "The index of the largest along an axis, the first of equals, or of the first NaN, as torch.argmax.",
  ),
  argReduction(
    "argmin",
    "lt",
    "The index of the smallest along an axis, the first of equals, or of the first NaN, as torch.argmin.",
  ),
] as const
