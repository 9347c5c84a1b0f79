/** ops: slice and pad, each the other's gradient: pad may put places between elements because slice may step over them.
 *  Sizes along the batch or the data rows stay symbolic. */
import type { Expr } from "../ir/kernels/types.js"
import {
  BATCH,
  type Dim,
  addDim,
  divDim,
  evalDim,
  evalShape,
  isStatic,
  mulDim,
  printDim,
} from "../ir/tensor.js"
import { printShape, printType, subDim, tensorType } from "../ir/tensor.js"
import { dimsAttr, floatAttr, intsAttr } from "./attrs.js"
import { at as element, ndarray } from "./ndarray.js"
import { type InferContext, type OpDef, defineOp } from "./op.js"
import { axesOf, countOf } from "./wording.js"

export const slice: OpDef = defineOp({
  name: "slice",
  params: ["x"],
  attrs: {
    starts: { doc: "for each axis, the first index taken", kind: "dims" },
    stops: { doc: "for each axis, the index to stop before", kind: "dims" },
    steps: { doc: "for each axis, the distance between indices taken", kind: "ints" },
  },
  doc: "Along each axis the indices start, start + step, ... before stop, as x[start:stop:step] in NumPy.",
  traits: { kind: "view" },
  constraints: {
    c1: "one start, stop and step for each axis",
    c2: "steps are at least 1",
    c3: "0 <= start < stop <= size, whatever the batch size",
    c4: "the number of indices taken is known when compiling, up to the batch size",
  },
  infer: ([x], attrs, at: InferContext) => {
    const starts = dimsAttr(attrs, "starts")
    const stops = dimsAttr(attrs, "stops")
    const steps = intsAttr(attrs, "steps")
    const rank = x!.shape.length
    at.require(
      "c1",
      starts.length === rank && stops.length === rank && steps.length === rank,
      () =>
        `${countOf(starts.length, "start", "starts")}, ${countOf(stops.length, "stop", "stops")} and ${countOf(steps.length, "step", "steps")} for ${printType(x!)}, ${axesOf(x!.shape)}`,
    )
    at.require(
      "c2",
      steps.every((step) => step >= 1),
      () => `the steps are [${steps.join(", ")}]`,
      {
        help: "reverse an axis with flip",
      },
    )
    const shape = x!.shape.map((size, axis) => {
      const start = starts[axis]!
      const stop = stops[axis]!
      const fits =
        neverNegative(start) &&
        neverNegative(subDim(subDim(stop, start), 1)) &&
        neverNegative(subDim(size, stop))
      at.require(
        "c3",
        fits,
        () =>
          `indices ${printDim(start)} to ${printDim(stop)} of axis ${axis} of ${printType(x!)}, whose size is ${printDim(size)}`,
        {
          arg: 0,
          help: neverNegative(subDim(size, stop))
            ? "start at 0 or later, and before the stop"
            : `stop at ${printDim(size)} at most`,
        },
      )
      const length = stepsBetween(start, stop, steps[axis]!)
      at.require(
        "c4",
        length !== undefined,
        () =>
          `with step ${steps[axis]} from ${printDim(start)} to ${printDim(stop)}, the number of indices depends on the batch`,
        { help: "step along an axis of fixed size, or take every index" },
      )
      return length
    })
    return tensorType(x!.dtype, shape)
  },
  eval: ([x], attrs, { type, dims }) => {
    const starts = evalShape(dimsAttr(attrs, "starts"), dims)
    const steps = intsAttr(attrs, "steps")
    return ndarray(evalShape(type.shape, dims), (i) =>
      element(
        x!,
        i.map((at, axis) => starts[axis]! + at * steps[axis]!),
      ),
    )
  },
  grad: ({ args, dy, attrs }, g) => {
    const low = dimsAttr(attrs, "starts")
    const steps = intsAttr(attrs, "steps")
    const high = args[0]!.type.shape.map((size, axis) => {
      const covered = addDim(mulDim(subDim(dy.type.shape[axis]!, 1), steps[axis]!), 1)
      return subDim(subDim(size, low[axis]!), covered)
    })
    return [g.apply("pad", [dy], { low, high, interior: steps.map((step) => step - 1), value: 0 })]
  },
  lower: {
    kind: "map",
    value: ({ args, attrs, index, k }) => {
      const starts = dimsAttr(attrs, "starts")
      const steps = intsAttr(attrs, "steps")
      return args[0]!(index.map((i, axis) => k.add(k.mul(i, k.int(steps[axis]!)), k.dim(starts[axis]!))))
    },
  },
  samples: [
    { args: [tensorType("f32", [6, 7])], attrs: { starts: [1, 0], stops: [5, 7], steps: [2, 3] } },
    { args: [tensorType("f32", [BATCH, 5])], attrs: { starts: [0, 4], stops: [BATCH, 5], steps: [1, 1] } },
    {
      args: [tensorType("f32", [mulDim(BATCH, 4)])],
      attrs: { starts: [1], stops: [mulDim(BATCH, 4)], steps: [2] },
    },
    { args: [tensorType("f32", [BATCH, 2])], attrs: { starts: [0, 0], stops: [1, 2], steps: [1, 2] } },
  ],
})

export const pad: OpDef = defineOp({
  name: "pad",
  params: ["x"],
  attrs: {
    low: { doc: "for each axis, how many elements to put before", kind: "dims" },
    high: { doc: "for each axis, how many to put after", kind: "dims" },
    interior: { doc: "for each axis, how many to put between neighbours", kind: "ints" },
    value: { doc: "the number put there", kind: "float", default: 0 },
  },
  doc: "Surrounds x with `value` and spreads its elements apart, as lax.pad; without interior, torch constant padding.",
  traits: { kind: "view" },
  constraints: {
    c1: "one low, high and interior width for each axis",
    c2: "no width is negative, whatever the batch size",
  },
  infer: ([x], attrs, at: InferContext) => {
    const low = dimsAttr(attrs, "low")
    const high = dimsAttr(attrs, "high")
    const interior = intsAttr(attrs, "interior")
    const rank = x!.shape.length
    at.require(
      "c1",
      low.length === rank && high.length === rank && interior.length === rank,
      () =>
        `${low.length} low, ${high.length} high and ${countOf(interior.length, "interior width", "interior widths")} for ${printType(x!)}, ${axesOf(x!.shape)}`,
    )
    at.require(
      "c2",
      [...low, ...high, ...interior].every(neverNegative),
      () =>
        `the widths are low ${printShape(low)}, high ${printShape(high)}, interior ${printShape(interior)}`,
      { help: "take elements away with slice" },
    )
    const shape = x!.shape.map((size, axis) =>
      addDim(addDim(low[axis]!, high[axis]!), spread(size, interior[axis]!)),
    )
    return tensorType(x!.dtype, shape)
  },
  eval: ([x], attrs, { type, dims }) => {
    const low = evalShape(dimsAttr(attrs, "low"), dims)
    const apart = intsAttr(attrs, "interior").map((width) => width + 1)
    return ndarray(evalShape(type.shape, dims), (i) => {
      const source = i.map((at, axis) => (at - low[axis]!) / apart[axis]!)
      const inside = source.every((s, axis) => Number.isInteger(s) && s >= 0 && s < x!.shape[axis]!)
      return inside ? element(x!, source) : floatAttr(attrs, "value")
    })
  },
  grad: ({ args, dy, attrs }, g) => {
    const low = dimsAttr(attrs, "low")
    const interior = intsAttr(attrs, "interior")
    const stops = args[0]!.type.shape.map((size, axis) => addDim(low[axis]!, spread(size, interior[axis]!)))
    return [g.apply("slice", [dy], { starts: low, stops, steps: interior.map((width) => width + 1) })]
  },
  lower: {
    kind: "map",
    value: ({ args, argTypes, type, attrs, index, k }) => {
      const low = dimsAttr(attrs, "low")
      const high = dimsAttr(attrs, "high")
      const interior = intsAttr(attrs, "interior")
      const inside: Expr[] = []
      const source = index.map((i, axis) => {
        const from = k.sub(i, k.dim(low[axis]!))
        const apart = k.int(interior[axis]! + 1)
        if (low[axis] !== 0) inside.push(k.op("ge", from, k.int(0)))
        if (high[axis] !== 0)
          inside.push(k.op("lt", from, k.dim(spread(argTypes[0]!.shape[axis]!, interior[axis]!))))
        if (interior[axis] === 0) return from
        inside.push(k.op("eq", k.rem(from, apart), k.int(0)))
        return k.div(from, apart)
      })
      const value = args[0]!(source)
      if (inside.length === 0) return value
      return k.guard(k.and(...inside), value, k.constant(floatAttr(attrs, "value"), type.dtype))
    },
  },
  samples: [
    { args: [tensorType("f32", [2, 3])], attrs: { low: [1, 2], high: [0, 1], interior: [0, 0], value: 0.5 } },
    {
      args: [tensorType("f32", [BATCH, 3])],
      attrs: { low: [0, 0], high: [0, 2], interior: [0, 2], value: 0 },
    },
    { args: [tensorType("f32", [BATCH])], attrs: { low: [1], high: [1], interior: [1], value: 0 } },
    {
      args: [tensorType("f32", [1, 4])],
      attrs: { low: [0, 0], high: [subDim(BATCH, 1), 0], interior: [0, 0], value: 0 },
    },
    { args: [tensorType("i32", [2])], attrs: { low: [0], high: [0], interior: [0], value: 7 } },
  ],
})

/** Not below zero for any batch and any data set of at least one row. */
function neverNegative(d: Dim): boolean {
  if (isStatic(d)) return d >= 0
  return d.terms.every((t) => t.syms.length === 0 || t.coef > 0) && evalDim(d, { B: 1, R: 1 }) >= 0
}

/** ceil((stop - start) / step), if the part that depends on the batch divides. */
function stepsBetween(start: Dim, stop: Dim, step: number): Dim | undefined {
  const distance = subDim(stop, start)
  const fixed = evalDim(distance, { B: 0, R: 0 })
  const varying = divDim(subDim(distance, fixed), step)
  return varying === undefined ? undefined : addDim(varying, Math.ceil(fixed / step))
}

/** The extent of `size` elements with `interior` places between neighbours. */
const spread = (size: Dim, interior: number): Dim => subDim(mulDim(size, interior + 1), interior)
