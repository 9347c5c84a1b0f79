/** ops: pointwise functions of one number: exp, tanh, floor, ...  Each is the scalar of its name, everywhere.
 *  Not here:   their meaning on one number (ir/kernels/scalar.ts), arithmetic of several (pointwise.ts). */
import type { OpName } from "../ir/op-name.js"
import type { ScalarOp } from "../ir/kernels/scalar.js"
import { tensorType } from "../ir/tensor.js"
import type { DType } from "../ir/tensor.js"
import { Algebra, byScalar, FLOATS, NUMBERS, requireDType, samplesOf } from "./elementwise.js"
import type { DTypeClass } from "./elementwise.js"
import { defineOp, none, zeroGrad } from "./op.js"
import type { GradRule, OpDef, Value } from "./op.js"

interface Shown {
  readonly doc: string
  readonly range?: readonly [number, number]
}
type Derivative = (m: Algebra, dy: Value, x: Value, out: Value) => Value

/** A function of floats with its gradient, from dy, x and the result. */
const smooth = (name: ScalarOp & OpName, shown: Shown, gradient: Derivative): OpDef =>
  unary(name, shown, FLOATS, ["f32", "f16"], derivative(gradient))

const derivative =
  (rule: Derivative): GradRule =>
  (cx, g) => {
    const x = cx.args[0]!
    return [cx.needs(0) ? rule(new Algebra(g, x.type.dtype), cx.dy, x, cx.out) : null]
  }

function unary(
  name: ScalarOp & OpName,
  { doc, range }: Shown,
  accepts: DTypeClass,
  dtypes: readonly DType[],
  grad: OpDef["grad"],
): OpDef {
  return defineOp({
    name,
    params: ["x"],
    attrs: {},
    doc,
    traits: { kind: "pointwise" },
    constraints: { c1: accepts.rule },
    infer: (args, _attrs, at) => {
      requireDType(args, accepts, "c1", at)
      return tensorType(args[0]!.dtype, args[0]!.shape)
    },
    ...byScalar(name),
    grad,
    samples: samplesOf(1, dtypes, [range]),
  })
}

const square = (m: Algebra, x: Value): Value => m.mul(x, x)
const { LN2 } = Math

export const functionOps = [
  unary(
    "neg",
    { doc: "-x" },
    NUMBERS,
    ["f32", "i32"],
    derivative((m, dy) => m.op("neg", dy)),
  ),
  unary(
    "abs",
    { doc: "|x|. Gradient sign(x): 0 at 0." },
    NUMBERS,
    ["f32", "i32"],
    derivative((m, dy, x) => m.mul(dy, m.op("sign", x))),
  ),
  unary("sign", { doc: "-1, 0 or 1. Gradient 0." }, NUMBERS, ["f32", "i32"], zeroGrad),
  unary("floor", { doc: "The largest integer not above x. Gradient 0." }, FLOATS, ["f32"], zeroGrad),
  unary("ceil", { doc: "The smallest integer not below x. Gradient 0." }, FLOATS, ["f32"], zeroGrad),
  unary("round", { doc: "The nearest integer, halves to even. Gradient 0." }, FLOATS, ["f32"], zeroGrad),
  smooth("exp", { doc: "e^x" }, (m, dy, _x, out) => m.mul(dy, out)),
  smooth("exp2", { doc: "2^x" }, (m, dy, _x, out) => m.mul(dy, m.mul(out, m.num(LN2)))),
  smooth("expm1", { doc: "e^x - 1, exact near 0" }, (m, dy, x) => m.mul(dy, m.op("exp", x))),
  smooth("log", { doc: "Natural logarithm", range: [0.2, 4] }, (m, dy, x) => m.div(dy, x)),
  smooth("log2", { doc: "Logarithm to base 2", range: [0.2, 4] }, (m, dy, x) =>
    m.div(dy, m.mul(x, m.num(LN2))),
  ),
  smooth("log1p", { doc: "ln(1 + x), exact near 0", range: [-0.5, 3] }, (m, dy, x) =>
    m.div(dy, m.add(x, m.num(1))),
  ),
  smooth("sqrt", { doc: "Square root", range: [0.2, 4] }, (m, dy, _x, out) =>
    m.div(m.mul(dy, m.num(0.5)), out),
  ),
  smooth("rsqrt", { doc: "1 / sqrt(x)", range: [0.2, 4] }, (m, dy, _x, out) =>
    m.mul(m.mul(dy, m.num(-0.5)), m.mul(out, square(m, out))),
  ),
  smooth("sin", { doc: "Sine, x in radians" }, (m, dy, x) => m.mul(dy, m.op("cos", x))),
  smooth("cos", { doc: "Cosine, x in radians" }, (m, dy, x) => m.op("neg", m.mul(dy, m.op("sin", x)))),
  smooth("tan", { doc: "Tangent, x in radians", range: [-1, 1] }, (m, dy, _x, out) =>
    m.mul(dy, m.add(m.num(1), square(m, out))),
  ),
  smooth("asin", { doc: "Arc sine", range: [-0.9, 0.9] }, (m, dy, x) =>
    m.mul(dy, m.op("rsqrt", m.sub(m.num(1), square(m, x)))),
  ),
  smooth("atan", { doc: "Arc tangent" }, (m, dy, x) => m.div(dy, m.add(m.num(1), square(m, x)))),
  smooth("sinh", { doc: "Hyperbolic sine" }, (m, dy, x) => m.mul(dy, m.op("cosh", x))),
  smooth("cosh", { doc: "Hyperbolic cosine" }, (m, dy, x) => m.mul(dy, m.op("sinh", x))),
  smooth("tanh", { doc: "Hyperbolic tangent" }, (m, dy, _x, out) =>
    m.mul(dy, m.sub(m.num(1), square(m, out))),
  ),
  smooth("erf", { doc: "Error function" }, (m, dy, x) =>
    m.mul(dy, m.mul(m.num(2 / Math.sqrt(Math.PI)), m.op("exp", m.op("neg", square(m, x))))),
  ),
  defineOp({
    name: "nonfinite",
    params: ["x"],
    attrs: {},
    doc: "Whether x is NaN or an infinity, tested on its bits.",
    traits: { kind: "pointwise" },
    constraints: { c1: FLOATS.rule },
    infer: (args, _attrs, at) => {
      requireDType(args, FLOATS, "c1", at)
      return tensorType("bool", args[0]!.shape)
    },
    ...byScalar("nonfinite"),
    grad: none("the result is bool"),
    samples: samplesOf(1, ["f32"]),
  }),
  defineOp({
    name: "stop_gradient",
    params: ["x"],
    attrs: {},
    doc: "x, through which no gradient flows (torch.Tensor.detach).",
    traits: { kind: "pointwise" },
    constraints: {},
    infer: ([x]) => x!,
    eval: ([x]) => x!,
    grad: zeroGrad,
    lower: { kind: "map", value: (cx) => cx.args[0]!(cx.index) },
    // Integers: a gradient is never asked of them, whereas finite differences see through this op.
    samples: samplesOf(1, ["i32", "bool"]),
  }),
] as const
