/** ops: pointwise arithmetic, comparison, logic, choice and conversion.
 *  Gradients at ties and edges are PyTorch's.   Not here: functions of one number (functions.ts). */
import type { OpName } from "../ir/op-name.js"
import type { ScalarOp } from "../ir/kernels/scalar.js"
import { BATCH, evalShape, isFloat, printType, scalarType, tensorType } from "../ir/tensor.js"
import type { DType } from "../ir/tensor.js"
import { dtypeAttr, stringAttr } from "./attrs.js"
import {
  Algebra,
  ANYTHING,
  binaryGrad,
  BOOLS,
  byScalar,
  commonShape,
  elementOf,
  FLOATS,
} from "./elementwise.js"
import { mapArrays, NUMBERS, requireDType, requireSameDType, samplesOf } from "./elementwise.js"
import type { DTypeClass } from "./elementwise.js"
import { functionOps } from "./functions.js"
import { defineOp, none } from "./op.js"
import type { InferContext, LoopSum, OpDef, Value } from "./op.js"
import { scalarDef } from "../ir/kernels/scalar.js"
import { TO_BOOL } from "./wording.js"

interface Binary {
  readonly doc: string
  readonly accepts: DTypeClass
  /** The first is tried on all shapes. */
  readonly dtypes: readonly DType[]
  readonly ranges?: readonly (readonly [number, number] | undefined)[]
  readonly commutative?: boolean
  readonly result?: "bool"
  /** The scalar op, when it has another name. */
  readonly scalar?: ScalarOp
  readonly grad: OpDef["grad"]
  readonly loopSum?: LoopSum
}

function binary(name: OpName, spec: Binary): OpDef {
  const scalar = spec.scalar ?? (name as ScalarOp)
  return defineOp({
    name,
    params: ["a", "b"],
    attrs: {},
    doc: spec.doc,
    traits: { kind: "pointwise", ...(spec.commutative ? { commutative: true } : {}) },
    constraints: {
      c1: "arguments have one shape, or are scalars",
      c2: "arguments have one dtype",
      ...(spec.accepts === ANYTHING ? {} : { c3: spec.accepts.rule }),
    },
    infer: (args, _attrs, at) => {
      requireSameDType(args, "c2", at)
      requireDType(args, spec.accepts, "c3", at)
      return tensorType(spec.result ?? args[0]!.dtype, commonShape(args, "c1", at))
    },
    ...byScalar(scalar),
    grad: spec.grad,
    ...(spec.loopSum && { loopSum: spec.loopSum }),
    samples: samplesOf(2, spec.dtypes, spec.ranges),
  })
}

const comparison = (name: ScalarOp & OpName, doc: string, accepts: DTypeClass, commutative = false): OpDef =>
  binary(name, {
    doc,
    accepts,
    dtypes: accepts === ANYTHING ? ["f32", "i32", "bool"] : ["f32", "i32", "u32"],
    commutative,
    result: "bool",
    grad: none("the result is bool"),
  })
const logic = (name: ScalarOp & OpName, doc: string): OpDef =>
  binary(name, { doc, accepts: BOOLS, dtypes: ["bool"], commutative: true, grad: none("the result is bool") })

const numbers: Pick<Binary, "accepts" | "dtypes"> = { accepts: NUMBERS, dtypes: ["f32", "i32", "u32"] }

/** 1 where `winner` beats `loser`, 1/2 where they tie, else 0. */
const share = (m: Algebra, op: "gt" | "lt", winner: Value, loser: Value): Value =>
  m.where(
    m.compare(op, winner, loser),
    m.num(1),
    m.where(m.compare("eq", winner, loser), m.num(0.5), m.num(0)),
  )

const add = binary("add", {
  doc: "a + b. Integers wrap.",
  ...numbers,
  commutative: true,
  loopSum: "linear",
  grad: binaryGrad(
    (_m, dy) => dy,
    (_m, dy) => dy,
  ),
})
const sub = binary("sub", {
  doc: "a - b. Integers wrap.",
  ...numbers,
  grad: binaryGrad(
    (_m, dy) => dy,
    (m, dy) => m.op("neg", dy),
  ),
})
const mul = binary("mul", {
  doc: "a * b. Integers wrap.",
  ...numbers,
  commutative: true,
  grad: binaryGrad(
    (m, dy, _a, b) => m.mul(dy, b),
    (m, dy, a) => m.mul(dy, a),
  ),
})
const div = binary("div", {
  doc: "a / b. Integers truncate towards 0; an integer divided by 0 is 0.",
  ...numbers,
  ranges: [undefined, [0.5, 3]],
  grad: binaryGrad(
    (m, dy, _a, b) => m.div(dy, b),
    (m, dy, _a, b, out) => m.op("neg", m.div(m.mul(dy, out), b)),
  ),
})
/** a / b towards 0. */
const quotient = (m: Algebra, a: Value, b: Value): Value => {
  const q = m.div(a, b)
  return m.mul(m.op("sign", q), m.op("floor", m.op("abs", q)))
}
const rem = binary("rem", {
  doc: "The remainder of a / b with the sign of a, as torch.fmod. An integer by 0 leaves 0.",
  ...numbers,
  ranges: [undefined, [2.5, 3]],
  grad: binaryGrad(
    (_m, dy) => dy,
    (m, dy, a, b) => m.op("neg", m.mul(dy, quotient(m, a, b))),
  ),
})
const pow = binary("pow", {
  doc: "a^b. Defined for a < 0 where b is an integer; 0^0 = 1. The gradient of b is 0 where a <= 0.",
  accepts: FLOATS,
  dtypes: ["f32"],
  ranges: [
    [0.3, 2],
    [-2, 3],
  ],
  grad: binaryGrad(
    // b = 0: the factor b makes it 0, so that any exponent will do that does not divide by 0 at a = 0.
    (m, dy, a, b) => {
      const lower = m.where(m.compare("eq", b, m.num(0)), m.num(1), m.sub(b, m.num(1)))
      return m.mul(dy, m.mul(b, m.pow(a, lower)))
    },
    // The logarithm is kept away from 0 on the branch not taken: a NaN there would survive a second derivative.
    (m, dy, a, _b, out) => {
      const positive = m.compare("gt", a, m.num(0))
      const log = m.op("log", m.where(positive, a, m.num(1)))
      return m.where(positive, m.mul(dy, m.mul(out, log)), m.num(0))
    },
  ),
})
/** The squared distance from the origin, or 1 there. */
const distance = (m: Algebra, a: Value, b: Value): Value => {
  const sum = m.add(m.mul(a, a), m.mul(b, b))
  return m.where(m.compare("eq", sum, m.num(0)), m.num(1), sum)
}
const atan2 = binary("atan2", {
  doc: "The angle of the point (b, a), in (-pi, pi]. Gradient 0 at the origin.",
  accepts: FLOATS,
  dtypes: ["f32"],
  ranges: [undefined, [0.5, 2]],
  grad: binaryGrad(
    (m, dy, a, b) => m.div(m.mul(dy, b), distance(m, a, b)),
    (m, dy, a, b) => m.op("neg", m.div(m.mul(dy, a), distance(m, a, b))),
  ),
})
const maximum = binary("maximum", {
  doc: "The larger. A tie halves the gradient.",
  ...numbers,
  commutative: true,
  scalar: "max",
  grad: binaryGrad(
    (m, dy, a, b) => m.mul(dy, share(m, "gt", a, b)),
    (m, dy, a, b) => m.mul(dy, share(m, "gt", b, a)),
  ),
})
const minimum = binary("minimum", {
  doc: "The smaller. A tie halves the gradient.",
  ...numbers,
  commutative: true,
  scalar: "min",
  grad: binaryGrad(
    (m, dy, a, b) => m.mul(dy, share(m, "lt", a, b)),
    (m, dy, a, b) => m.mul(dy, share(m, "lt", b, a)),
  ),
})

const not = defineOp({
  name: "not",
  params: ["a"],
  attrs: {},
  doc: "true where a is false.",
  traits: { kind: "pointwise" },
  constraints: { c1: BOOLS.rule },
  infer: (args, _attrs, at) => {
    requireDType(args, BOOLS, "c1", at)
    return args[0]!
  },
  ...byScalar("not"),
  grad: none("the result is bool"),
  samples: samplesOf(1, ["bool"]),
})

const where = defineOp({
  name: "where",
  params: ["cond", "a", "b"],
  attrs: {},
  doc: "a where cond, else b. Both are computed.",
  traits: { kind: "pointwise" },
  constraints: {
    c1: "arguments have one shape, or are scalars",
    c2: "a and b have one dtype",
    c3: "cond is bool",
  },
  infer: (args, _attrs, at: InferContext) => {
    at.require("c3", args[0]!.dtype === "bool", () => `cond is ${printType(args[0]!)}`, {
      arg: 0,
      help: TO_BOOL,
    })
    requireSameDType(args.slice(1), "c2", at)
    return tensorType(args[1]!.dtype, commonShape(args, "c1", at))
  },
  ...byScalar("select"),
  grad: (cx, g) => {
    const [cond, a, b] = [cx.args[0]!, cx.args[1]!, cx.args[2]!]
    const m = new Algebra(g, a.type.dtype)
    return [
      null,
      cx.needs(1) ? g.sumTo(m.where(cond, cx.dy, m.num(0)), a.type) : null,
      cx.needs(2) ? g.sumTo(m.where(cond, m.num(0), cx.dy), b.type) : null,
    ]
  },
  samples: [
    { args: [tensorType("bool", [2, 3]), tensorType("f32", [2, 3]), tensorType("f32", [2, 3])] },
    { args: [tensorType("bool", [BATCH]), tensorType("f32", [BATCH]), scalarType("f32")] },
    { args: [scalarType("bool"), tensorType("f32", [4]), tensorType("f32", [4])] },
    { args: [tensorType("bool", [4]), scalarType("f32"), scalarType("f32")] },
    { args: [tensorType("bool", [4]), tensorType("i32", [4]), scalarType("i32")] },
  ],
})

const castScalar = (to: DType): ScalarOp => `to_${to}`
const cast = defineOp({
  name: "cast",
  params: ["x"],
  attrs: { dtype: { doc: "the dtype of the result", kind: "string" } },
  doc: "x converted. To integers it truncates towards 0; to bool it is x != 0; bools are 0 or 1.",
  traits: { kind: "pointwise" },
  constraints: { c1: "dtype is f32, f16, i32, u32 or bool" },
  infer: ([x], attrs, at: InferContext) => {
    const dtype = dtypeAttr(attrs, "dtype")
    at.require("c1", dtype !== undefined, () => `there is no dtype \`${stringAttr(attrs, "dtype")}\``, {
      help: "one of f32, f16, i32, u32, bool",
    })
    return tensorType(dtype, x!.shape)
  },
  eval: (args, _attrs, { type, dims }) =>
    mapArrays(args, evalShape(type.shape, dims), (v) =>
      scalarDef(castScalar(type.dtype)).eval(v, type.dtype),
    ),
  grad: (cx, g) => {
    const x = cx.args[0]!.type
    return [cx.needs(0) && isFloat(x.dtype) ? g.apply("cast", [cx.dy], { dtype: x.dtype }) : null]
  },
  lower: {
    kind: "map",
    value: (cx) => {
      const x = elementOf(cx, 0)
      return cx.argTypes[0]!.dtype === cx.type.dtype ? x : cx.k.op(castScalar(cx.type.dtype), x)
    },
  },
  samples: [
    { args: [tensorType("f32", [2, 3])], attrs: { dtype: "i32" } },
    { args: [tensorType("f32", [2, 3])], attrs: { dtype: "f16" } },
    { args: [tensorType("f32", [BATCH])], attrs: { dtype: "f32" } },
    { args: [tensorType("i32", [3])], attrs: { dtype: "f32" }, ranges: [[-5, 5]] },
    { args: [tensorType("bool", [3])], attrs: { dtype: "f32" } },
    { args: [tensorType("i32", [3])], attrs: { dtype: "bool" } },
    { args: [tensorType("i32", [])], attrs: { dtype: "u32" }, ranges: [[-5, 5]] },
  ],
})

export const pointwiseOps = [
  add,
  sub,
  mul,
  div,
  rem,
  pow,
  atan2,
  maximum,
  minimum,
  comparison("eq", "Whether a = b.", ANYTHING, true),
  comparison("ne", "Whether a and b differ.", ANYTHING, true),
  comparison("lt", "Whether a < b.", NUMBERS),
  comparison("le", "Whether a <= b.", NUMBERS),
  comparison("gt", "Whether a > b.", NUMBERS),
  comparison("ge", "Whether a >= b.", NUMBERS),
  logic("and", "Whether both hold."),
  logic("or", "Whether one of them holds."),
  not,
  where,
  cast,
  ...functionOps,
] as const
