/** onnx/calls: functions of the standard library that ONNX has an operator for, by their declaration.
 *  Not here: functions that are one operation, whose spelling says it all (ops/). */
import { type Shape, numel, sameShape } from "../../ir/tensor.js"
import type { Attrs } from "../../ir/graph/types.js"
import { boolAttr, intAttr, intsAttr } from "../../ops/attrs.js"
import type { Term, Writer } from "../writer.js"
import { convolution, transposedConvolution } from "../ops/contraction.js"
import { named, number, op, type Pattern, reshaped, value } from "./pattern.js"

/** What a call was found to be. */
export interface Match {
  term(name: string): Term
  number(name: string): number
  attrs(name: string): Attrs
  /** Of the call. */
  readonly shape: Shape
  readonly w: Writer
}
export interface Fusion {
  readonly pattern: Pattern
  /** The first opset that has the operator; absent: 17. */
  readonly since?: number
  /** undefined: not with these attributes. */
  spell(match: Match): Term | undefined
}

const [x, weight, bias] = [value("x"), value("weight"), value("bias")]

/** One operator of x, element by element. */
const activation = (
  pattern: Pattern,
  name: string,
  attrs: (m: Match) => Readonly<Record<string, { readonly float: number } | string>> = () => ({}),
  since = 17,
): Fusion => ({ pattern, since, spell: (m) => m.w.pointwise(name, [m.term("x")], "f32", attrs(m)) })
const float = (of: number): { readonly float: number } => ({ float: of })

const elu = op(
  "where",
  op("gt", x, number(0)),
  x,
  op("mul", number("alpha"), op("expm1", op("where", op("gt", x, number(0)), number(0), x))),
)
const hardtanh = (of: Pattern, least: Pattern, most: Pattern): Pattern =>
  op("where", op("le", of, least), least, op("where", op("ge", of, most), most, of))
const above3 = hardtanh(op("add", x, number(3)), number(0), number(6))
const tail = op("exp", op("where", op("ge", x, number(0)), op("neg", x), x))
const scaled = op("mul", number("beta"), x)
const softplus = op(
  "where",
  op("gt", scaled, number("threshold")),
  x,
  op(
    "div",
    op("add", op("maximum", scaled, number(0)), op("log1p", op("exp", op("neg", op("abs", scaled))))),
    number("beta"),
  ),
)
/** Beyond the threshold the two differ by less than rounding does. */
const isPlain = (m: Match): boolean => m.number("beta") === 1 && m.number("threshold") >= 17

const shiftedByMax = op("sub", x, named("max", op("max", x)))
/** Both the largest and the sum are taken along one axis, and keep it. */
function softAxis(m: Match): number | undefined {
  const [most, sum] = [m.attrs("max"), m.attrs("sum")]
  const [axis, ...more] = intsAttr(most, "axes")
  const alike = intsAttr(sum, "axes").length === 1 && intsAttr(sum, "axes")[0] === axis
  return more.length === 0 && alike && boolAttr(most, "keepdim") && boolAttr(sum, "keepdim")
    ? axis
    : undefined
}
const soft = (pattern: Pattern, name: string): Fusion => ({
  pattern,
  spell: (m) => {
    const axis = softAxis(m)
    return axis === undefined ? undefined : m.w.node(name, [m.term("x")], { shape: m.shape }, { axis })
  },
})

const meanOf = (of: Pattern, name: string): Pattern =>
  op("div", named(name, op("sum", of)), number(`${name}.count`))
/** Whether a sum and its count are a mean over these axes, and how many elements that are. */
const isMean = (m: Match, name: string, shape: Shape): boolean =>
  numel(intsAttr(m.attrs(name), "axes").map((axis) => shape[axis]!)) === m.number(`${name}.count`)
const isOverLast = (axes: readonly number[], rank: number): boolean =>
  axes.every((axis, i) => axis === rank - axes.length + i)

const centred = op("sub", x, meanOf(x, "mean"))
const standardized = op(
  "mul",
  centred,
  op("rsqrt", op("add", meanOf(op("mul", centred, centred), "variance"), number("eps"))),
)
/** The first of the axes normalised over, if they are the last ones, and both moments are taken over them. */
function normAxis(m: Match, moments: readonly string[]): number | undefined {
  const { shape } = m.term("x")
  const axes = intsAttr(m.attrs(moments[0]!), "axes")
  const all = moments.every((name) => {
    const own = intsAttr(m.attrs(name), "axes")
    const alike = own.length === axes.length && own.every((axis, i) => axis === axes[i])
    return alike && boolAttr(m.attrs(name), "keepdim") && isMean(m, name, shape)
  })
  return all && axes.length > 0 && isOverLast(axes, shape.length) ? axes[0]! : undefined
}
const spans = (scale: Term, shape: Shape, axis: number): boolean =>
  scale.shape.length === shape.length - axis && scale.shape.every((d, i) => d === shape[axis + i])

/** `y + bias`, one for each channel, where y is a convolution: the operator adds it itself. */
const biased = (
  name: string,
  spell: (w: Writer, args: readonly Term[], attrs: Attrs, shape: Shape) => Term,
): Fusion => ({
  pattern: op("add", named("y", op(name, x, weight)), reshaped(bias)),
  spell: (m) => {
    const args = ["x", "weight", "bias"].map((each) => m.term(each))
    return args[2]!.shape.length === 1 ? spell(m.w, args, m.attrs("y"), m.shape) : undefined
  },
})

const transposed = named("transposed", op("transpose", weight))
const gemm = (pattern: Pattern, withBias: boolean): Fusion => ({
  pattern,
  spell: (m) => {
    const args = ["x", "weight", ...(withBias ? ["bias"] : [])].map((name) => m.term(name))
    if (args.slice(0, 2).some(({ shape }) => shape.length !== 2)) return undefined
    return m.w.node("Gemm", args, { shape: m.shape }, { transB: 1 })
  },
})

export const CALLS: Readonly<Record<string, readonly Fusion[]>> = {
  linear: [
    gemm(op("add", op("matmul", x, transposed), bias), true),
    gemm(op("matmul", x, transposed), false),
  ],
  // MatMul takes any axes in front of the last two.
  _matrix_product: [
    {
      pattern: reshaped(op("matmul", reshaped(x), weight)),
      spell: (m) => {
        const [rows, columns] = [m.term("x"), m.term("weight")]
        const fits =
          columns.shape.length === 2 &&
          rows.shape.length > 1 &&
          rows.shape.at(-1) === columns.shape[0] &&
          sameShape(m.shape, [...rows.shape.slice(0, -1), columns.shape[1]!])
        return fits ? m.w.node("MatMul", [rows, columns], { shape: m.shape }) : undefined
      },
    },
  ],
  _convolution: [biased("conv", convolution)],
  _transposed_convolution: [
    biased("conv_input_grad", (w, args, attrs, shape) =>
      transposedConvolution(w, args, attrs, intAttr(attrs, "groups"), shape),
    ),
  ],
  batch_norm: [
    {
      pattern: op(
        "add",
        op(
          "mul",
          op("sub", x, reshaped(value("mean"))),
          reshaped(op("mul", weight, op("rsqrt", op("add", value("variance"), number("eps"))))),
        ),
        reshaped(bias),
      ),
      spell: (m) => {
        const args = ["x", "weight", "bias", "mean", "variance"].map((name) => m.term(name))
        const epsilon = float(m.number("eps"))
        return m.w.node("BatchNormalization", args, { shape: m.shape }, { epsilon })
      },
    },
  ],
  layer_norm: [
    {
      pattern: op("add", op("mul", standardized, weight), bias),
      spell: (m) => {
        const axis = normAxis(m, ["mean", "variance"])
        const args = ["x", "weight", "bias"].map((name) => m.term(name))
        if (axis === undefined || !spans(args[1]!, m.shape, axis) || !spans(args[2]!, m.shape, axis))
          return undefined
        const attrs = { axis, epsilon: float(m.number("eps")) }
        return m.w.node("LayerNormalization", args, { shape: m.shape }, attrs)
      },
    },
  ],
  rms_norm: [
    {
      since: 23,
      pattern: op(
        "mul",
        op("mul", x, op("rsqrt", op("add", meanOf(op("mul", x, x), "mean"), number("eps")))),
        weight,
      ),
      spell: (m) => {
        const axis = normAxis(m, ["mean"])
        if (axis === undefined || !spans(m.term("weight"), m.shape, axis)) return undefined
        const attrs = { axis, epsilon: float(m.number("eps")) }
        return m.w.node("RMSNormalization", [m.term("x"), m.term("weight")], { shape: m.shape }, attrs)
      },
    },
  ],
  mean: [
    {
      pattern: meanOf(x, "mean"),
      spell: (m) => {
        const axes = intsAttr(m.attrs("mean"), "axes")
        const from = m.term("x")
        if (axes.length === 0 || !isMean(m, "mean", from.shape)) return undefined
        return m.w.reduce("ReduceMean", from, axes, boolAttr(m.attrs("mean"), "keepdim"))
      },
    },
  ],
  _avg_pool: [
    {
      pattern: op("div", named("sum", op("window_sum", x)), number("count")),
      spell: (m) => {
        const attrs = m.attrs("sum")
        const window = intsAttr(attrs, "window")
        const pads = [...intsAttr(attrs, "padding_low"), ...intsAttr(attrs, "padding_high")]
        const n = window.length
        const fits =
          m.term("x").shape.length === n + 2 &&
          m.number("count") === window.reduce((a, b) => a * b) &&
          intsAttr(attrs, "dilation").every((d) => d === 1) &&
          pads.every((width, i) => width < window[i % n]!)
        if (!fits) return undefined
        const all = { kernel_shape: window, strides: intsAttr(attrs, "strides"), pads, count_include_pad: 1 }
        return m.w.node("AveragePool", [m.term("x")], { shape: m.shape }, all)
      },
    },
  ],
  softmax: [
    soft(op("div", op("exp", shiftedByMax), named("sum", op("sum", op("exp", shiftedByMax)))), "Softmax"),
  ],
  log_softmax: [
    soft(op("sub", shiftedByMax, op("log", named("sum", op("sum", op("exp", shiftedByMax))))), "LogSoftmax"),
  ],
  relu: [activation(op("where", op("le", x, number(0)), number(0), x), "Relu")],
  leaky_relu: [
    activation(op("where", op("gt", x, number(0)), x, op("mul", number("slope"), x)), "LeakyRelu", (m) => ({
      alpha: float(m.number("slope")),
    })),
  ],
  prelu: [
    {
      pattern: op("where", op("gt", x, number(0)), x, op("mul", reshaped(value("slope")), x)),
      spell: (m) => {
        const slope = m.term("slope")
        const [n] = slope.shape
        const rank = m.shape.length
        const sizes = Array.from({ length: Math.max(rank - 1, 1) }, (_, i) => (i === 0 ? n! : 1))
        return slope.shape.length !== 1 || rank === 0
          ? undefined
          : m.w.node("PRelu", [m.term("x"), m.w.reshape(slope, sizes)], { shape: m.shape })
      },
    },
  ],
  elu: [activation(elu, "Elu", (m) => ({ alpha: float(m.number("alpha")) }))],
  selu: [
    activation(op("mul", number("gamma"), elu), "Selu", (m) => ({
      alpha: float(m.number("alpha")),
      gamma: float(m.number("gamma")),
    })),
  ],
  celu: [
    activation(
      op(
        "where",
        op("gt", x, number(0)),
        x,
        op(
          "mul",
          number("alpha"),
          op("expm1", op("div", op("where", op("gt", x, number(0)), number(0), x), number("alpha"))),
        ),
      ),
      "Celu",
      (m) => ({ alpha: float(m.number("alpha")) }),
    ),
  ],
  gelu: [
    activation(
      op("mul", op("mul", number(0.5), x), op("add", number(1), op("erf", op("div", x, number(Math.SQRT2))))),
      "Gelu",
      () => ({}),
      20,
    ),
    activation(
      op(
        "mul",
        op("mul", number(0.5), x),
        op(
          "add",
          number(1),
          op(
            "tanh",
            op(
              "mul",
              number(Math.sqrt(2 / Math.PI)),
              op("add", x, op("mul", op("mul", op("mul", number(0.044715), x), x), x)),
            ),
          ),
        ),
      ),
      "Gelu",
      () => ({ approximate: "tanh" }),
      20,
    ),
  ],
  sigmoid: [
    activation(
      op("div", op("where", op("ge", x, number(0)), number(1), tail), op("add", number(1), tail)),
      "Sigmoid",
    ),
  ],
  softplus: [
    { pattern: softplus, spell: (m) => (isPlain(m) ? m.w.pointwise("Softplus", [m.term("x")]) : undefined) },
  ],
  mish: [
    {
      pattern: op("mul", x, op("tanh", softplus)),
      since: 18,
      spell: (m) => (isPlain(m) ? m.w.pointwise("Mish", [m.term("x")]) : undefined),
    },
  ],
  softsign: [activation(op("div", x, op("add", number(1), op("abs", x))), "Softsign")],
  hardtanh: [
    {
      pattern: hardtanh(x, number("min"), number("max")),
      spell: (m) => {
        const [least, most] = [m.number("min"), m.number("max")]
        if (least > most) return undefined
        return m.w.pointwise("Clip", [m.term("x"), m.w.scalar(least, "f32"), m.w.scalar(most, "f32")])
      },
    },
  ],
  hardsigmoid: [
    activation(op("div", above3, number(6)), "HardSigmoid", () => ({
      alpha: float(1 / 6),
      beta: float(0.5),
    })),
  ],
  hardswish: [activation(op("div", op("mul", x, above3), number(6)), "HardSwish")],
}
