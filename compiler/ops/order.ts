/** ops: operations that depend on the order along an axis: indices in sorted order, running sums and products, linear recurrences.
 *  Each output element walks the whole axis, quadratic but deterministic and parallel; long axes are cut (optimize/blocked-scans.ts).
 *  Not here: sorted values (take_along over unrank(rank(x)) in stdlib), recurrences over tensors (scan). */
import { BATCH, DATA_ROWS, addDim, isFloat, printType, sameType, tensorType } from "../ir/tensor.js"
import type { Attrs } from "../ir/graph/types.js"
import type { Expr } from "../ir/kernels/types.js"
import { boolAttr, intAttr } from "./attrs.js"
import { at as element, ndarray, replaced } from "./ndarray.js"
import {
  type AttrSpec,
  type ExprBuilder,
  type GraphBuilder,
  type InferContext,
  type OpDef,
  type Value,
  defineOp,
} from "./op.js"
import { TO_FLOAT, TO_INDEX, requireAxis } from "./wording.js"

const AXIS = { doc: "the axis to walk along", kind: "int" } as const satisfies AttrSpec
const REVERSE = {
  doc: "walk from the end to the start",
  kind: "bool",
  default: false,
} as const satisfies AttrSpec
const EXCLUSIVE = {
  doc: "leave the element itself out",
  kind: "bool",
  default: false,
} as const satisfies AttrSpec

const rank: OpDef = defineOp({
  name: "rank",
  params: ["x"],
  attrs: { axis: AXIS, descending: { doc: "largest first", kind: "bool", default: false } },
  doc: "The index each element would have after a stable sort along axis, i32; equal elements keep their order, and NaN comes last either way. torch.argsort is unrank(rank(x)).",
  traits: { kind: "reduce" },
  constraints: { c1: "axis is an axis of x", c2: "x holds numbers" },
  infer: ([x], attrs, at: InferContext) => {
    requireAxis("c1", x!, intAttr(attrs, "axis"), at)
    at.require("c2", x!.dtype !== "bool", () => `x is ${printType(x!)}`, { arg: 0, help: TO_FLOAT })
    return tensorType("i32", x!.shape)
  },
  eval: ([x], attrs) => {
    const axis = intAttr(attrs, "axis")
    const sign = boolAttr(attrs, "descending") ? -1 : 1
    return ndarray(x!.shape, (i) => {
      const order = Array.from({ length: x!.shape[axis]! }, (_, j) => j)
      const at = (j: number): number => element(x!, replaced(i, axis, j))
      const last = (j: number): number => Number(Number.isNaN(at(j)))
      order.sort(
        (a, b) => last(a) - last(b) || sign * (Number(at(a) > at(b)) - Number(at(a) < at(b))) || a - b,
      )
      return order.indexOf(i[axis]!)
    })
  },
  grad: { none: "the result is an index, an integer" },
  lower: {
    kind: "reduce",
    combine: "sum",
    extents: ([x], attrs) => [x!.shape[intAttr(attrs, "axis")]!],
    term: ({ args, argTypes, attrs, index, k }, [j]) => {
      const axis = intAttr(attrs, "axis")
      const mine = args[0]!(index)
      const other = args[0]!(replaced(index, axis, j!))
      const sooner = k.op("lt", j!, index[axis]!)
      const earlier = k.and(k.op("eq", other, mine), sooner)
      const ordered = k.op("or", k.op(boolAttr(attrs, "descending") ? "gt" : "lt", other, mine), earlier)
      const before = isFloat(argTypes[0]!.dtype)
        ? k.select(k.op("isnan", mine), k.op("or", k.op("not", k.op("isnan", other)), sooner), ordered)
        : ordered
      return k.select(before, k.int(1), k.int(0))
    },
  },
  samples: [
    { args: [tensorType("f32", [3, 5])], attrs: { axis: 1, descending: false } },
    { args: [tensorType("i32", [2, 6])], attrs: { axis: 1, descending: true }, ranges: [[0, 3]] },
    { args: [tensorType("f32", [BATCH, 2, 1])], attrs: { axis: 0, descending: true } },
  ],
})

const unrank: OpDef = defineOp({
  name: "unrank",
  params: ["rank"],
  attrs: { axis: AXIS },
  doc: "The inverse of the permutations that stand along axis: out[rank[i]] = i.",
  traits: { kind: "reduce" },
  constraints: { c1: "axis is an axis of rank", c2: "rank is i32" },
  infer: ([x], attrs, at: InferContext) => {
    requireAxis("c1", x!, intAttr(attrs, "axis"), at)
    at.require("c2", x!.dtype === "i32", () => `rank is ${printType(x!)}`, { arg: 0, help: TO_INDEX })
    return x!
  },
  eval: ([x], attrs) => {
    const axis = intAttr(attrs, "axis")
    return ndarray(x!.shape, (i) => {
      let sum = 0
      for (let j = 0; j < x!.shape[axis]!; j++) if (element(x!, replaced(i, axis, j)) === i[axis]) sum += j
      return sum
    })
  },
  grad: { none: "the result is an index, an integer" },
  lower: {
    kind: "reduce",
    combine: "sum",
    extents: ([x], attrs) => [x!.shape[intAttr(attrs, "axis")]!],
    term: ({ args, attrs, index, k }, [j]) => {
      const axis = intAttr(attrs, "axis")
      return k.select(k.op("eq", args[0]!(replaced(index, axis, j!)), index[axis]!), j!, k.int(0))
    },
  },
  samples: [
    { args: [tensorType("i32", [1, 1])], attrs: { axis: 0 }, ranges: [[0, 1]] },
    { args: [tensorType("i32", [2, BATCH])], attrs: { axis: 1 }, ranges: [[0, 3]] },
  ],
})

const cumsum: OpDef = defineOp({
  name: "cumsum",
  params: ["x"],
  attrs: { axis: AXIS, reverse: REVERSE, exclusive: EXCLUSIVE },
  doc: "Running sum along axis, as torch.cumsum.",
  traits: { kind: "reduce" },
  constraints: { c1: "axis is an axis of x", c2: "x holds numbers" },
  infer: ([x], attrs, at: InferContext) => {
    requireAxis("c1", x!, intAttr(attrs, "axis"), at)
    at.require("c2", x!.dtype !== "bool", () => `x is ${printType(x!)}`, { arg: 0, help: TO_FLOAT })
    return x!
  },
  eval: ([x], attrs) => {
    const axis = intAttr(attrs, "axis")
    return ndarray(x!.shape, (i) => {
      let sum = 0
      for (const j of running(x!.shape[axis]!, i[axis]!, attrs)) sum += element(x!, replaced(i, axis, j))
      return sum
    })
  },
  grad: ({ dy, attrs }, g) => [
    g.apply("cumsum", [dy], { ...walk(attrs), reverse: !boolAttr(attrs, "reverse") }),
  ],
  lower: {
    kind: "reduce",
    combine: "sum",
    extents: ([x], attrs) => [x!.shape[intAttr(attrs, "axis")]!],
    term: ({ args, type, attrs, index, k }, [j]) => {
      const axis = intAttr(attrs, "axis")
      return k.select(
        isRunning(k, j!, index[axis]!, attrs),
        args[0]!(replaced(index, axis, j!)),
        k.constant(0, type.dtype),
      )
    },
  },
  samples: [
    { args: [tensorType("f32", [3, 4])], attrs: { axis: 1, reverse: false, exclusive: false } },
    { args: [tensorType("f32", [BATCH, 2])], attrs: { axis: 0, reverse: true, exclusive: false } },
    { args: [tensorType("f32", [1, 3])], attrs: { axis: 1, reverse: true, exclusive: true } },
    {
      args: [tensorType("i32", [4, 1])],
      attrs: { axis: 0, reverse: false, exclusive: true },
      ranges: [[0, 9]],
    },
  ],
})

const cumprod: OpDef = defineOp({
  name: "cumprod",
  params: ["x"],
  attrs: { axis: AXIS, reverse: REVERSE, exclusive: EXCLUSIVE },
  doc: "Running product along axis, as torch.cumprod. Its gradient is exact where elements are zero.",
  traits: { kind: "reduce" },
  constraints: { c1: "axis is an axis of x", c2: "x is f32 or f16" },
  infer: ([x], attrs, at: InferContext) => {
    requireAxis("c1", x!, intAttr(attrs, "axis"), at)
    at.require("c2", isFloat(x!.dtype), () => `x is ${printType(x!)}`, { arg: 0, help: TO_FLOAT })
    return x!
  },
  eval: ([x], attrs) => {
    const axis = intAttr(attrs, "axis")
    return ndarray(x!.shape, (i) => {
      let product = 1
      for (const j of running(x!.shape[axis]!, i[axis]!, attrs)) product *= element(x!, replaced(i, axis, j))
      return product
    })
  },
  // dx[j] = (product before j) * S[j], where S[j] sums dy[i] times the product strictly between j and i, over the i that x[j]
  // reaches. S obeys a linear recurrence walked from the other end, so nothing is ever divided by x.
  //   inclusive: S[j] = dy[j] + x[j+1] * S[j+1]      exclusive: S[j] = U[j+1], where U[j] = dy[j] + x[j] * U[j+1]
  grad: ({ args: [x], dy, attrs }, g) => {
    const { axis, reverse } = { axis: intAttr(attrs, "axis"), reverse: boolAttr(attrs, "reverse") }
    const before = g.apply("cumprod", [x!], { axis, reverse, exclusive: true })
    const back = { axis, reverse: !reverse }
    const sums = boolAttr(attrs, "exclusive")
      ? shifted(g.apply("recurrence", [x!, dy], back), axis, !reverse, g)
      : g.apply("recurrence", [shifted(x!, axis, !reverse, g), dy], back)
    return [g.apply("mul", [before, sums])]
  },
  lower: {
    kind: "reduce",
    combine: "prod",
    extents: ([x], attrs) => [x!.shape[intAttr(attrs, "axis")]!],
    term: ({ args, type, attrs, index, k }, [j]) => {
      const axis = intAttr(attrs, "axis")
      return k.select(
        isRunning(k, j!, index[axis]!, attrs),
        args[0]!(replaced(index, axis, j!)),
        k.constant(1, type.dtype),
      )
    },
  },
  samples: [
    { args: [tensorType("f32", [3, 4])], attrs: { axis: 1, reverse: false, exclusive: false } },
    { args: [tensorType("f32", [BATCH, 2])], attrs: { axis: 0, reverse: true, exclusive: false } },
    { args: [tensorType("f32", [1, 4])], attrs: { axis: 1, reverse: false, exclusive: true } },
    { args: [tensorType("f32", [1, 3])], attrs: { axis: 1, reverse: true, exclusive: true } },
    { args: [tensorType("f32", [1, 3])], attrs: { axis: 0, reverse: false, exclusive: false } },
  ],
})

const recurrence: OpDef = defineOp({
  name: "recurrence",
  params: ["a", "b"],
  attrs: { axis: AXIS, reverse: REVERSE },
  doc: "The linear recurrence s[i] = b[i] + a[i] * s[i-1] along axis, from s = 0 before the first element: running averages, the gradient of cumprod.",
  traits: { kind: "reduce" },
  constraints: { c1: "axis is an axis of b", c2: "a and b have one type, f32 or f16" },
  infer: ([a, b], attrs, at: InferContext) => {
    requireAxis("c1", b!, intAttr(attrs, "axis"), at, 1)
    at.require(
      "c2",
      sameType(a!, b!) && isFloat(a!.dtype),
      () => `a is ${printType(a!)}, b is ${printType(b!)}`,
    )
    return b!
  },
  eval: ([a, b], attrs) => {
    const axis = intAttr(attrs, "axis")
    return ndarray(b!.shape, (i) => {
      let s = 0
      for (const j of running(b!.shape[axis]!, i[axis]!, { ...attrs, exclusive: false })) {
        const at = replaced(i, axis, j)
        s = element(b!, at) + element(a!, at) * s
      }
      return s
    })
  },
  // db = the same recurrence from the other end, with a shifted towards it; da = db * s shifted the way of the walk.
  grad: ({ args: [a], out, dy, attrs, needs }, g) => {
    const { axis, reverse } = { axis: intAttr(attrs, "axis"), reverse: boolAttr(attrs, "reverse") }
    const db = g.apply("recurrence", [shifted(a!, axis, !reverse, g), dy], { axis, reverse: !reverse })
    return [needs(0) ? g.apply("mul", [db, shifted(out, axis, reverse, g)]) : null, db]
  },
  rounding: "sum",
  lower: {
    kind: "fold",
    extents: ([, b], attrs) => [b!.shape[intAttr(attrs, "axis")]!],
    init: ({ type, k }) => [k.constant(0, type.dtype)],
    step: ({ args, type, attrs, index, k }, [r], [s]) => {
      const axis = intAttr(attrs, "axis")
      const j = boolAttr(attrs, "reverse") ? k.sub(k.sub(k.dim(type.shape[axis]!), k.int(1)), r!) : r!
      const at = replaced(index, axis, j)
      const next = k.op("add", args[1]!(at), k.op("mul", args[0]!(at), s!))
      return [k.select(isRunning(k, j, index[axis]!, { ...attrs, exclusive: false }), next, s!)]
    },
    result: (_cx, [s]) => s!,
  },
  samples: [
    { args: [tensorType("f32", [2, 4]), tensorType("f32", [2, 4])], attrs: { axis: 1, reverse: false } },
    {
      args: [tensorType("f32", [BATCH, 2]), tensorType("f32", [BATCH, 2])],
      attrs: { axis: 0, reverse: true },
    },
    {
      args: [tensorType("f32", [DATA_ROWS]), tensorType("f32", [DATA_ROWS])],
      attrs: { axis: 0, reverse: false },
    },
    { args: [tensorType("f32", [1, 2]), tensorType("f32", [1, 2])], attrs: { axis: 0, reverse: true } },
  ],
})

export const orderOps: readonly OpDef[] = [rank, unrank, cumsum, cumprod, recurrence]

const walk = (attrs: Attrs): Attrs => ({
  axis: intAttr(attrs, "axis"),
  reverse: boolAttr(attrs, "reverse"),
  exclusive: boolAttr(attrs, "exclusive"),
})

/** The indices that count for index i, in the order they are walked. */
function running(size: number, i: number, attrs: Attrs): number[] {
  const indices = Array.from({ length: size }, (_, j) => j)
  const upTo = boolAttr(attrs, "reverse")
    ? indices.filter((j) => j >= i).reverse()
    : indices.filter((j) => j <= i)
  return boolAttr(attrs, "exclusive") ? upTo.filter((j) => j !== i) : upTo
}
function isRunning(k: ExprBuilder, j: Expr, i: Expr, attrs: Attrs): Expr {
  const strict = boolAttr(attrs, "exclusive")
  return boolAttr(attrs, "reverse") ? k.op(strict ? "gt" : "ge", j, i) : k.op(strict ? "lt" : "le", j, i)
}

/** x moved one index along a walk of axis (towards the end, or the start if `reverse`), and a zero moved in: index i holds the element before i. */
export function shifted(x: Value, axis: number, reverse: boolean, g: GraphBuilder): Value {
  const shape = x.type.shape
  const at = (value: number): number[] => shape.map((_, a) => (a === axis ? value : 0))
  const padded = g.apply("pad", [x], {
    low: at(reverse ? 0 : 1),
    high: at(reverse ? 1 : 0),
    interior: at(0),
    value: 0,
  })
  const starts = at(reverse ? 1 : 0)
  return g.apply("slice", [padded], {
    starts,
    stops: shape.map((size, a) => addDim(size, starts[a]!)),
    steps: shape.map(() => 1),
  })
}
