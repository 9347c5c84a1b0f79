/** ops: movement: the same elements at other indices. Each output element is one input element or a constant, so every
 *  op here lowers to a `map` that reads one element, and fuses into whatever consumes it.
 *  Sizes along the batch or the data rows stay symbolic throughout.
 *  Not here: reshape (reshape.ts), slice and pad (slice.ts), reads at indices found in data (gather.ts). */
import {
  BATCH,
  type Dim,
  type TensorType,
  addDim,
  broadcastShapes,
  evalShape,
  printDim,
} from "../ir/tensor.js"
import { printShape, printType, sameDim, sameShape, subDim, tensorType } from "../ir/tensor.js"
import type { Expr } from "../ir/kernels/types.js"
import { dimsAttr, intAttr, intsAttr } from "./attrs.js"
import { at as element, ndarray, replaced } from "./ndarray.js"
import { type InferContext, type OpDef, defineOp } from "./op.js"
import { reshape } from "./reshape.js"
import { pad, slice } from "./slice.js"
import { axesOf, requireAxis } from "./wording.js"

const broadcast: OpDef = defineOp({
  name: "broadcast",
  params: ["x"],
  attrs: { shape: { doc: "the shape to stretch to; may have more leading axes", kind: "dims" } },
  doc: "Repeats x along its axes of size 1 and along new leading axes, as torch.broadcast_to.",
  traits: { kind: "view" },
  constraints: { c1: "the shapes broadcast, and the result is the shape asked for" },
  infer: ([x], attrs, at: InferContext) => {
    const shape = dimsAttr(attrs, "shape")
    const joined = broadcastShapes(x!.shape, shape)
    at.require(
      "c1",
      joined !== undefined && sameShape(joined, shape),
      () => `${printShape(x!.shape)} does not stretch to ${printShape(shape)}`,
      { arg: 0, help: "aligned from the right, every size of x must be 1 or the size asked for" },
    )
    return tensorType(x!.dtype, shape)
  },
  eval: ([x], _attrs, { type, dims }) => {
    const shape = evalShape(type.shape, dims)
    const added = shape.length - x!.shape.length
    return ndarray(shape, (i) =>
      element(
        x!,
        x!.shape.map((size, axis) => (size === 1 ? 0 : i[added + axis]!)),
      ),
    )
  },
  grad: ({ args, dy }, g) => [g.sumTo(dy, args[0]!.type)],
  lower: {
    kind: "map",
    value: ({ args, argTypes, index, k }) => {
      const shape = argTypes[0]!.shape
      const added = index.length - shape.length
      return args[0]!(shape.map((size, axis) => (size === 1 ? k.int(0) : index[added + axis]!)))
    },
  },
  samples: [
    { args: [tensorType("f32", [3, 1])], attrs: { shape: [2, 3, 4] } },
    { args: [tensorType("f32", [5])], attrs: { shape: [BATCH, 5] } },
    { args: [tensorType("f32", [])], attrs: { shape: [2, 2] } },
    { args: [tensorType("f32", [BATCH, 1])], attrs: { shape: [BATCH, 3] } },
  ],
})

const transpose: OpDef = defineOp({
  name: "transpose",
  params: ["x"],
  attrs: { perm: { doc: "for each axis of the result, the axis of x it comes from", kind: "ints" } },
  doc: "Permutes the axes, as torch.permute.",
  traits: { kind: "view" },
  constraints: { c1: "perm names each axis once" },
  infer: ([x], attrs, at: InferContext) => {
    const perm = intsAttr(attrs, "perm")
    const rank = x!.shape.length
    at.require(
      "c1",
      perm.length === rank && [...perm].sort((a, b) => a - b).every((axis, i) => axis === i),
      () => `perm [${perm.join(", ")}] is no order of the axes of ${printType(x!)}, ${axesOf(x!.shape)}`,
    )
    return tensorType(
      x!.dtype,
      perm.map((axis) => x!.shape[axis]!),
    )
  },
  eval: ([x], attrs, { type, dims }) => {
    const perm = intsAttr(attrs, "perm")
    return ndarray(evalShape(type.shape, dims), (i) =>
      element(
        x!,
        x!.shape.map((_, axis) => i[perm.indexOf(axis)]!),
      ),
    )
  },
  grad: ({ dy, attrs }, g) => {
    const perm = intsAttr(attrs, "perm")
    return [g.apply("transpose", [dy], { perm: perm.map((_, axis) => perm.indexOf(axis)) })]
  },
  loopSum: "linear",
  lower: {
    kind: "map",
    value: ({ args, attrs, index }) => {
      const perm = intsAttr(attrs, "perm")
      return args[0]!(perm.map((_, axis) => index[perm.indexOf(axis)]!))
    },
  },
  samples: [
    { args: [tensorType("f32", [2, 3])], attrs: { perm: [1, 0] } },
    { args: [tensorType("f32", [BATCH, 2, 1, 4])], attrs: { perm: [2, 3, 0, 1] } },
  ],
})

const flip: OpDef = defineOp({
  name: "flip",
  params: ["x"],
  attrs: { axes: { doc: "the axes to reverse", kind: "ints" } },
  doc: "Reverses the order of the elements along the listed axes, as torch.flip.",
  traits: { kind: "view" },
  constraints: { c1: "axes are different axes of x" },
  infer: ([x], attrs, at: InferContext) => {
    const axes = intsAttr(attrs, "axes")
    at.require(
      "c1",
      new Set(axes).size === axes.length && axes.every((axis) => axis >= 0 && axis < x!.shape.length),
      () => `axes [${axes.join(", ")}] of ${printType(x!)}, ${axesOf(x!.shape)}`,
      { arg: 0 },
    )
    return x!
  },
  eval: ([x], attrs) => {
    const axes = intsAttr(attrs, "axes")
    return ndarray(x!.shape, (i) =>
      element(
        x!,
        i.map((at, axis) => (axes.includes(axis) ? x!.shape[axis]! - 1 - at : at)),
      ),
    )
  },
  grad: ({ dy, attrs }, g) => [g.apply("flip", [dy], { axes: intsAttr(attrs, "axes") })],
  lower: {
    kind: "map",
    value: ({ args, type, attrs, index, k }) => {
      const axes = intsAttr(attrs, "axes")
      return args[0]!(
        index.map((i, axis) => (axes.includes(axis) ? k.sub(k.dim(subDim(type.shape[axis]!, 1)), i) : i)),
      )
    },
  },
  samples: [
    { args: [tensorType("f32", [3, 4])], attrs: { axes: [1] } },
    { args: [tensorType("f32", [BATCH, 2, 1])], attrs: { axes: [0, 1, 2] } },
  ],
})

const concat: OpDef = defineOp({
  name: "concat",
  params: ["xs..."],
  attrs: { axis: { doc: "the axis to join along", kind: "int" } },
  doc: "Joins tensors one after another along an axis, as torch.cat.",
  traits: { kind: "view", nests: true },
  constraints: {
    c1: "there is at least one tensor",
    c2: "axis is an axis of the first",
    c3: "all have the dtype of the first, and its shape except along axis",
  },
  infer: (xs, attrs, at: InferContext) => {
    const axis = intAttr(attrs, "axis")
    const first = xs[0]
    at.require("c1", first !== undefined, () => "there is nothing to join", {
      help: "give at least one tensor",
    })
    requireAxis("c2", first, axis, at)
    xs.forEach((x, i) => {
      const fits =
        x.dtype === first.dtype &&
        x.shape.length === first.shape.length &&
        x.shape.every((size, a) => a === axis || sameDim(size, first.shape[a]!))
      const detail = (): string => `${printType(x)} does not join ${printType(first)} along axis ${axis}`
      at.require("c3", fits, detail, fits ? {} : { arg: i, help: joiningHelp(x, first, axis) })
    })
    const total = xs.reduce<Dim>((sum, x) => addDim(sum, x.shape[axis]!), 0)
    return tensorType(first.dtype, replaced(first.shape, axis, total))
  },
  eval: (xs, attrs, { type, dims }) => {
    const axis = intAttr(attrs, "axis")
    return ndarray(evalShape(type.shape, dims), (i) => {
      let along = i[axis]!
      for (const x of xs) {
        if (along < x.shape[axis]!) return element(x, replaced(i, axis, along))
        along -= x.shape[axis]!
      }
      throw new RangeError("past the last tensor of a concat")
    })
  },
  grad: ({ args, dy, attrs, needs }, g) => {
    const axis = intAttr(attrs, "axis")
    const steps = dy.type.shape.map(() => 1)
    let start: Dim = 0
    return args.map((x, i) => {
      const stop = addDim(start, x.type.shape[axis]!)
      const starts = dy.type.shape.map((_, a) => (a === axis ? start : 0))
      start = stop
      return needs(i)
        ? g.apply("slice", [dy], { starts, stops: replaced(dy.type.shape, axis, stop), steps })
        : null
    })
  },
  lower: {
    kind: "map",
    value: ({ args, argTypes, type, attrs, index, k }) => {
      const axis = intAttr(attrs, "axis")
      const along = index[axis]!
      if (args.length === 1) return args[0]!(index)
      // Every condition is exact by itself: a load must be in range wherever its guard holds, in whatever order they are tried.
      let start: Dim = 0
      const parts = args.map((read, i) => {
        const stop = addDim(start, argTypes[i]!.shape[axis]!)
        const conds = [
          ...(i === 0 ? [] : [k.op("ge", along, k.dim(start))]),
          ...(i === args.length - 1 ? [] : [k.op("lt", along, k.dim(stop))]),
        ]
        const value = read(replaced(index, axis, k.sub(along, k.dim(start))))
        start = stop
        return { cond: k.and(...conds), value }
      })
      return parts.reduceRight<Expr>(
        (rest, part) => k.guard(part.cond, part.value, rest),
        k.constant(0, type.dtype),
      )
    },
  },
  samples: [
    {
      args: [tensorType("f32", [2, 3]), tensorType("f32", [2, 1]), tensorType("f32", [2, 2])],
      attrs: { axis: 1 },
    },
    {
      args: [tensorType("f32", [BATCH, 2]), tensorType("f32", [4, 2]), tensorType("f32", [BATCH, 2])],
      attrs: { axis: 0 },
    },
    { args: [tensorType("f32", [3])], attrs: { axis: 0 } },
  ],
})

export const movementOps: readonly OpDef[] = [broadcast, reshape, transpose, flip, slice, pad, concat]

/** Advice for an x that does not join `first`. */
function joiningHelp(x: TensorType, first: TensorType, axis: number): string {
  if (x.dtype !== first.dtype) return `convert it: \`${first.dtype}(...)\``
  if (x.shape.length !== first.shape.length)
    return "all need the same number of axes; `unsqueeze` adds one of size 1"
  const other = x.shape.findIndex((size, a) => a !== axis && !sameDim(size, first.shape[a]!))
  return `only axis ${axis} may differ in size, and axis ${other} does: ${printDim(x.shape[other]!)} and ${printDim(first.shape[other]!)}`
}
