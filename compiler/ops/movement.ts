/** ops: movement: the same elements at other places. Each output element is one input element or a constant, so every
 *  op here lowers to a `map` that reads one element, and fuses into whatever consumes it.
 *  Sizes along the batch or the data rows stay symbolic throughout.   Not here: reshape (reshape.ts), reads at places found in
 *  data (gather.ts). */
import { BATCH, type Dim, addDim, broadcastShapes, divDim, evalDim, evalShape, isStatic, mulDim, printDim } from "../ir/tensor.js"
import { printShape, printType, sameDim, sameShape, subDim, tensorType } from "../ir/tensor.js"
import type { Expr } from "../ir/kernels/types.js"
import { dimsAttr, floatAttr, intAttr, intsAttr } from "./attrs.js"
import { at as element, ndarray, replaced } from "./ndarray.js"
import { type InferContext, type OpDef, defineOp } from "./op.js"
import { reshape } from "./reshape.js"

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
    return ndarray(shape, (i) => element(x!, x!.shape.map((size, axis) => (size === 1 ? 0 : i[added + axis]!))))
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
      () => `[${perm.join(", ")}] is not an order of the ${rank} axes of ${printShape(x!.shape)}`,
    )
    return tensorType(x!.dtype, perm.map((axis) => x!.shape[axis]!))
  },
  eval: ([x], attrs, { type, dims }) => {
    const perm = intsAttr(attrs, "perm")
    return ndarray(evalShape(type.shape, dims), (i) => element(x!, x!.shape.map((_, axis) => i[perm.indexOf(axis)]!)))
  },
  grad: ({ dy, attrs }, g) => {
    const perm = intsAttr(attrs, "perm")
    return [g.apply("transpose", [dy], { perm: perm.map((_, axis) => perm.indexOf(axis)) })]
  },
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
      () => `[${axes.join(", ")}] are not different axes of ${printShape(x!.shape)}`,
    )
    return x!
  },
  eval: ([x], attrs) => {
    const axes = intsAttr(attrs, "axes")
    return ndarray(x!.shape, (i) =>
      element(x!, i.map((at, axis) => (axes.includes(axis) ? x!.shape[axis]! - 1 - at : at))),
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

const slice: OpDef = defineOp({
  name: "slice",
  params: ["x"],
  attrs: {
    starts: { doc: "for each axis, the first place taken", kind: "dims" },
    stops: { doc: "for each axis, the place to stop before", kind: "dims" },
    steps: { doc: "for each axis, the distance between places taken", kind: "ints" },
  },
  doc: "Along each axis the places start, start + step, ... before stop, as x[start:stop:step] in NumPy.",
  traits: { kind: "view" },
  constraints: {
    c1: "one start, stop and step for each axis",
    c2: "steps are at least 1",
    c3: "0 <= start < stop <= size, whatever the batch size",
    c4: "the number of places taken is known when compiling, up to the batch size",
  },
  infer: ([x], attrs, at: InferContext) => {
    const starts = dimsAttr(attrs, "starts")
    const stops = dimsAttr(attrs, "stops")
    const steps = intsAttr(attrs, "steps")
    const rank = x!.shape.length
    at.require(
      "c1",
      starts.length === rank && stops.length === rank && steps.length === rank,
      () => `${starts.length} starts, ${stops.length} stops and ${steps.length} steps for ${rank} axes`,
    )
    at.require("c2", steps.every((step) => step >= 1), () => `steps are [${steps.join(", ")}]`, {
      help: "reverse an axis with flip",
    })
    const shape = x!.shape.map((size, axis) => {
      const start = starts[axis]!
      const stop = stops[axis]!
      const fits = neverNegative(start) && neverNegative(subDim(subDim(stop, start), 1)) && neverNegative(subDim(size, stop))
      at.require("c3", fits, () => `${printDim(start)} to ${printDim(stop)} of axis ${axis}, whose size is ${printDim(size)}`)
      const length = stepsBetween(start, stop, steps[axis]!)
      at.require("c4", length !== undefined, () => `every ${steps[axis]} from ${printDim(start)} to ${printDim(stop)}`)
      return length
    })
    return tensorType(x!.dtype, shape)
  },
  eval: ([x], attrs, { type, dims }) => {
    const starts = evalShape(dimsAttr(attrs, "starts"), dims)
    const steps = intsAttr(attrs, "steps")
    return ndarray(evalShape(type.shape, dims), (i) =>
      element(x!, i.map((at, axis) => starts[axis]! + at * steps[axis]!)),
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
    { args: [tensorType("f32", [mulDim(BATCH, 4)])], attrs: { starts: [1], stops: [mulDim(BATCH, 4)], steps: [2] } },
    { args: [tensorType("f32", [BATCH, 2])], attrs: { starts: [0, 0], stops: [1, 2], steps: [1, 2] } },
  ],
})

const pad: OpDef = defineOp({
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
  constraints: { c1: "one low, high and interior width for each axis", c2: "no width is negative, whatever the batch size" },
  infer: ([x], attrs, at: InferContext) => {
    const low = dimsAttr(attrs, "low")
    const high = dimsAttr(attrs, "high")
    const interior = intsAttr(attrs, "interior")
    const rank = x!.shape.length
    at.require(
      "c1",
      low.length === rank && high.length === rank && interior.length === rank,
      () => `${low.length} low, ${high.length} high and ${interior.length} interior widths for ${rank} axes`,
    )
    at.require(
      "c2",
      [...low, ...high, ...interior].every(neverNegative),
      () => `low ${printShape(low)}, high ${printShape(high)}, interior ${printShape(interior)}`,
      { help: "take elements away with slice" },
    )
    const shape = x!.shape.map((size, axis) => addDim(addDim(low[axis]!, high[axis]!), spread(size, interior[axis]!)))
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
        if (high[axis] !== 0) inside.push(k.op("lt", from, k.dim(spread(argTypes[0]!.shape[axis]!, interior[axis]!))))
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
    { args: [tensorType("f32", [BATCH, 3])], attrs: { low: [0, 0], high: [0, 2], interior: [0, 2], value: 0 } },
    { args: [tensorType("f32", [BATCH])], attrs: { low: [1], high: [1], interior: [1], value: 0 } },
    { args: [tensorType("f32", [1, 4])], attrs: { low: [0, 0], high: [subDim(BATCH, 1), 0], interior: [0, 0], value: 0 } },
    { args: [tensorType("i32", [2])], attrs: { low: [0], high: [0], interior: [0], value: 7 } },
  ],
})

const concat: OpDef = defineOp({
  name: "concat",
  params: ["xs..."],
  attrs: { axis: { doc: "the axis to join along", kind: "int" } },
  doc: "Joins tensors one after another along an axis, as torch.cat.",
  traits: { kind: "view" },
  constraints: {
    c1: "there is at least one tensor",
    c2: "axis is an axis of the first",
    c3: "all have the dtype of the first, and its shape except along axis",
  },
  infer: (xs, attrs, at: InferContext) => {
    const axis = intAttr(attrs, "axis")
    const first = xs[0]
    at.require("c1", first !== undefined, () => "nothing to join")
    at.require("c2", axis >= 0 && axis < first.shape.length, () => `axis ${axis} of ${printShape(first.shape)}`)
    xs.forEach((x, i) => {
      const fits =
        x.dtype === first.dtype &&
        x.shape.length === first.shape.length &&
        x.shape.every((size, a) => a === axis || sameDim(size, first.shape[a]!))
      at.require("c3", fits, () => `${printType(x)} beside ${printType(first)} along axis ${axis}`, { arg: i })
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
      return needs(i) ? g.apply("slice", [dy], { starts, stops: replaced(dy.type.shape, axis, stop), steps }) : null
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
      return parts.reduceRight<Expr>((rest, part) => k.guard(part.cond, part.value, rest), k.constant(0, type.dtype))
    },
  },
  samples: [
    { args: [tensorType("f32", [2, 3]), tensorType("f32", [2, 1]), tensorType("f32", [2, 2])], attrs: { axis: 1 } },
    { args: [tensorType("f32", [BATCH, 2]), tensorType("f32", [4, 2]), tensorType("f32", [BATCH, 2])], attrs: { axis: 0 } },
    { args: [tensorType("f32", [3])], attrs: { axis: 0 } },
  ],
})

export const movementOps: readonly OpDef[] = [broadcast, reshape, transpose, flip, slice, pad, concat]

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
