/** onnx/calls: library functions for which ONNX has an operator, by their declaration.
 *  Not here: functions that are a single operation (ops/). */
import type { OpName } from "../../ir/op-name.js"
import { type Shape, sameShape } from "../../ir/tensor.js"
import type { Attrs } from "../../ir/graph/types.js"
import { boolAttr, intAttr, intsAttr } from "../../ops/attrs.js"
import type { Term, Writer } from "../writer.js"
import { convolution, transposedConvolution } from "../ops/contraction.js"
import { named, number, op, type Pattern, reshaped, value } from "../../ir/model/pattern.js"
import {
  elu,
  softplus,
  isPlain,
  softAxis,
  meanOf,
  isMean,
  RELU,
  LEAKY_RELU,
  PRELU,
  SELU,
  CELU,
  GELU,
  GELU_TANH,
  SIGMOID,
  MISH,
  SOFTSIGN,
  HARDTANH,
  HARDSIGMOID,
  HARDSWISH,
  SOFTMAX,
  LOG_SOFTMAX,
  MEAN,
  LAYER_NORM,
} from "../../ir/model/library-patterns.js"

/** A call that an operator can replace. */
export interface Match {
  term(name: string): Term
  number(name: string): number
  attrs(name: string): Attrs
  /** The shape of the call's result. */
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

const soft = (pattern: Pattern, name: string): Fusion => ({
  pattern,
  spell: (m) => {
    const axis = softAxis(m)
    return axis === undefined ? undefined : m.w.node(name, [m.term("x")], { shape: m.shape }, { axis })
  },
})

const isOverLast = (axes: readonly number[], rank: number): boolean =>
  axes.every((axis, i) => axis === rank - axes.length + i)

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
  name: OpName,
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
      pattern: LAYER_NORM,
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
      pattern: MEAN,
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
  softmax: [soft(SOFTMAX, "Softmax")],
  log_softmax: [soft(LOG_SOFTMAX, "LogSoftmax")],
  relu: [activation(RELU, "Relu")],
  leaky_relu: [
    activation(LEAKY_RELU, "LeakyRelu", (m) => ({
      alpha: float(m.number("slope")),
    })),
  ],
  prelu: [
    {
      pattern: PRELU,
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
    activation(SELU, "Selu", (m) => ({
      alpha: float(m.number("alpha")),
      gamma: float(m.number("gamma")),
    })),
  ],
  celu: [activation(CELU, "Celu", (m) => ({ alpha: float(m.number("alpha")) }))],
  gelu: [
    activation(GELU, "Gelu", () => ({}), 20),
    activation(GELU_TANH, "Gelu", () => ({ approximate: "tanh" }), 20),
  ],
  sigmoid: [activation(SIGMOID, "Sigmoid")],
  softplus: [
    { pattern: softplus, spell: (m) => (isPlain(m) ? m.w.pointwise("Softplus", [m.term("x")]) : undefined) },
  ],
  mish: [
    {
      pattern: MISH,
      since: 18,
      spell: (m) => (isPlain(m) ? m.w.pointwise("Mish", [m.term("x")]) : undefined),
    },
  ],
  softsign: [activation(SOFTSIGN, "Softsign")],
  hardtanh: [
    {
      pattern: HARDTANH,
      spell: (m) => {
        const [least, most] = [m.number("min"), m.number("max")]
        if (least > most) return undefined
        return m.w.pointwise("Clip", [m.term("x"), m.w.scalar(least, "f32"), m.w.scalar(most, "f32")])
      },
    },
  ],
  hardsigmoid: [
    activation(HARDSIGMOID, "HardSigmoid", () => ({
      alpha: float(1 / 6),
      beta: float(0.5),
    })),
  ],
  hardswish: [activation(HARDSWISH, "HardSwish")],
}
