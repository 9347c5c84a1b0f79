/** ops: reshape, and the index arithmetic behind it.
 *  An element keeps its row-major position. Only the axes that really change are linearised and split again: from
 *  [B, 16] to [B, 4, 4] the index along B is passed on untouched, so that fused kernels need no division for it. */
import {
  BATCH,
  type Dim,
  type Shape,
  divDim,
  evalShape,
  isStatic,
  mulDim,
  numel,
  printDim,
  printShape,
  sameDim,
  strides,
  tensorType,
} from "../ir/tensor.js"
import type { Expr } from "../ir/kernels/types.js"
import { dimsAttr } from "./attrs.js"
import { type ExprBuilder, type InferContext, type OpDef, defineOp } from "./op.js"

export const reshape: OpDef = defineOp({
  name: "reshape",
  params: ["x"],
  attrs: { shape: { doc: "the new shape", kind: "dims" } },
  doc: "The same elements in row-major order under another shape, as torch.reshape.",
  traits: { kind: "view" },
  constraints: { c1: "the number of elements stays the same" },
  infer: ([x], attrs, at: InferContext) => {
    const shape = dimsAttr(attrs, "shape")
    const from = numel(x!.shape)
    const to = numel(shape)
    at.require(
      "c1",
      sameDim(from, to),
      () =>
        `${printShape(x!.shape)} has ${printDim(from)} elements, ${printShape(shape)} has ${printDim(to)}`,
      { arg: 0 },
    )
    return tensorType(x!.dtype, shape)
  },
  eval: ([x], _attrs, { type, dims }) => ({ shape: evalShape(type.shape, dims), data: x!.data.slice() }),
  grad: ({ args, dy }, g) => [g.apply("reshape", [dy], { shape: args[0]!.type.shape })],
  loopSum: "linear",
  lower: {
    kind: "map",
    value: ({ args, argTypes, type, index, k }) =>
      args[0]!(reshapedIndex(index, type.shape, argTypes[0]!.shape, k)),
  },
  samples: [
    { args: [tensorType("f32", [2, 6])], attrs: { shape: [3, 4] } },
    { args: [tensorType("f32", [BATCH, 16])], attrs: { shape: [BATCH, 4, 1, 4] } },
    { args: [tensorType("f32", [BATCH, 2, 3])], attrs: { shape: [mulDim(BATCH, 6)] } },
    { args: [tensorType("f32", [mulDim(BATCH, 4), 3])], attrs: { shape: [2, BATCH, 6] } },
    { args: [tensorType("f32", [1, 1])], attrs: { shape: [] } },
    { args: [tensorType("i32", [])], attrs: { shape: [1, 1] } },
  ],
})

/** The index into shape `from` of the element that stands at `index` of shape `to`. */
export function reshapedIndex(index: readonly Expr[], to: Shape, from: Shape, k: ExprBuilder): Expr[] {
  return axisGroups(from, to).flatMap((group) => {
    const outer = to.slice(group.to[0], group.to[1])
    const inner = from.slice(group.from[0], group.from[1])
    return split(linear(index.slice(group.to[0], group.to[1]), outer, k), inner, k)
  })
}

interface AxisGroup {
  /** Axes first, first + 1, ..., end - 1 on either side hold the same number of elements. */
  readonly from: readonly [first: number, end: number]
  readonly to: readonly [first: number, end: number]
}

/** Cuts two shapes of equally many elements into the smallest runs of axes that correspond. */
function axisGroups(from: Shape, to: Shape): AxisGroup[] {
  const groups: AxisGroup[] = []
  let i = 0
  let j = 0
  while (i < from.length || j < to.length) {
    const start = { i, j }
    let left: Dim = 1
    let right: Dim = 1
    do {
      const grow = shorterSide(left, right)
      if (grow !== "to" && i < from.length) left = mulDim(left, from[i++]!)
      if (grow !== "from" && j < to.length) right = mulDim(right, to[j++]!)
    } while (!sameDim(left, right) && (i < from.length || j < to.length))
    groups.push({ from: [start.i, i], to: [start.j, j] })
  }
  return groups
}

/** The side that needs another axis; both where run-time sizes leave it open. */
function shorterSide(left: Dim, right: Dim): "from" | "to" | "both" {
  if (sameDim(left, right)) return "both"
  if (isStatic(left) && isStatic(right)) return left < right ? "from" : "to"
  if (divDim(left, right) !== undefined) return "to"
  if (divDim(right, left) !== undefined) return "from"
  return "both"
}

function linear(index: readonly Expr[], shape: Shape, k: ExprBuilder): Expr {
  const steps = strides(shape)
  return index.reduce<Expr>(
    (sum, i, axis) => (shape[axis] === 1 ? sum : k.add(sum, k.mul(i, k.dim(steps[axis]!)))),
    k.int(0),
  )
}

function split(position: Expr, shape: Shape, k: ExprBuilder): Expr[] {
  const steps = strides(shape)
  const first = shape.findIndex((d) => d !== 1)
  return shape.map((d, axis) => {
    if (d === 1) return k.int(0)
    const along = k.div(position, k.dim(steps[axis]!))
    // The group holds exactly these axes, so the outermost coordinate is in range by itself.
    return axis === first ? along : k.rem(along, k.dim(d))
  })
}
