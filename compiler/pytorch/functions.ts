/** pytorch: library functions that torch has too, by their declaration. A call is written as the function of torch only where its body
 *  computes exactly that.
 *  Not here:   layers (modules.ts), functions that are one operation (ops/). */
import type { OpName } from "../ir/op-name.js"
import {
  CELU,
  elu,
  GELU,
  GELU_TANH,
  HARDSIGMOID,
  HARDSWISH,
  isPlain,
  LEAKY_RELU,
  LOG_SOFTMAX,
  MISH,
  RELU,
  SELU,
  SIGMOID,
  SOFTMAX,
  SOFTSIGN,
  softAxis,
  softplus,
  type Seen,
} from "../ir/model/library-patterns.js"
import { find, named, number, op, type Pattern, reshaped, value } from "../ir/model/pattern.js"
import { type CallStmt, opsOf, type OpStmt } from "../ir/model/statements.js"
import type { ModelValue } from "../ir/model/types.js"
import { numel, sameDim, type TensorType } from "../ir/tensor.js"
import { boolAttr, dimAttr, floatAttr, intsAttr } from "../ops/attrs.js"
import { bug } from "../source/bug.js"
import { convolution, transposedConvolution } from "./ops/contraction.js"
import { dims, overRows } from "./ops/reduce.js"
import { made, type Scope, type Term } from "./ops/spelling.js"
import { call, type Code, method, numberText } from "./python.js"

/** A call that a function of torch can replace. */
interface Match extends Seen {
  term(name: string): Term
  code(name: string): Code
  readonly type: TensorType
  readonly w: Scope
}
interface Fusion {
  readonly pattern: Pattern
  /** undefined: not so. */
  spell(m: Match): Code | undefined
}

const [x, weight, bias] = [value("x"), value("weight"), value("bias")]

const activation = (
  pattern: Pattern,
  name: string,
  args: (m: Match) => readonly string[] = () => [],
): Fusion => ({ pattern, spell: (m) => call(name, m.code("x"), ...args(m)) })
const float = (m: Match, name: string): string => numberText(m.number(name), true).text
const soft = (pattern: Pattern, name: string): Fusion => ({
  pattern,
  spell: (m) => {
    const axis = softAxis(m)
    const last = m.type.shape.length - 1
    return axis === undefined ? undefined : call(`F.${name}`, m.code("x"), `dim=${axis === last ? -1 : axis}`)
  },
})

const turned = op("transpose", weight)
const linear = (pattern: Pattern, withBias: boolean): Fusion => ({
  pattern,
  spell: (m) => {
    if (m.term("weight").shape.length !== 2) return undefined
    if (withBias && m.term("bias").shape.length !== 1) return undefined
    return call("F.linear", m.code("x"), m.code("weight"), ...(withBias ? [m.code("bias")] : []))
  },
})
const product = reshaped(op("matmul", reshaped(x), turned))

const biased = (name: OpName, spell: (m: Match, args: readonly Code[]) => Code): Fusion => ({
  pattern: op("add", named("product", op(name, x, weight)), reshaped(bias)),
  spell: (m) =>
    m.term("bias").shape.length === 1
      ? spell(
          m,
          ["x", "weight", "bias"].map((each) => m.code(each)),
        )
      : undefined,
})

/** z (1 - y) + ln(1 + e^-z), as max(z, 0) - z y + log1p(e^-|z|). */
const bceWithLogits = op(
  "add",
  op("sub", op("maximum", x, number(0)), op("mul", x, value("y"))),
  op("log1p", op("exp", op("neg", op("abs", x)))),
)

const loss = (pattern: Pattern, name: string): Fusion => ({
  pattern,
  spell: (m) => call(`F.${name}`, m.code("x"), m.code("y"), 'reduction="none"'),
})

const most = op("where", op("nonfinite", op("max", x)), number(0), op("max", x))
const logSumExp = op("add", op("log", op("sum", op("exp", op("sub", x, most)))), most)
const isTarget = op("eq", reshaped(op("below", value("y"))), reshaped(op("iota")))
const crossEntropy = op(
  "sub",
  reshaped(logSumExp),
  named("own", op("sum", op("where", isTarget, x, number(0)))),
)

const FUSIONS: Readonly<Record<string, readonly Fusion[]>> = {
  relu: [activation(RELU, "F.relu")],
  leaky_relu: [activation(LEAKY_RELU, "F.leaky_relu", (m) => [float(m, "slope")])],
  elu: [activation(elu, "F.elu", (m) => (m.number("alpha") === 1 ? [] : [`alpha=${float(m, "alpha")}`]))],
  celu: [activation(CELU, "F.celu", (m) => [`alpha=${float(m, "alpha")}`])],
  selu: [activation(SELU, "F.selu")],
  gelu: [activation(GELU, "F.gelu"), activation(GELU_TANH, "F.gelu", () => ['approximate="tanh"'])],
  sigmoid: [activation(SIGMOID, "torch.sigmoid")],
  silu: [activation(op("mul", x, SIGMOID), "F.silu")],
  softplus: [{ pattern: softplus, spell: (m) => (isPlain(m) ? call("F.softplus", m.code("x")) : undefined) }],
  mish: [{ pattern: MISH, spell: (m) => (isPlain(m) ? call("F.mish", m.code("x")) : undefined) }],
  softsign: [activation(SOFTSIGN, "F.softsign")],
  hardsigmoid: [activation(HARDSIGMOID, "F.hardsigmoid")],
  hardswish: [activation(HARDSWISH, "F.hardswish")],
  softmax: [soft(SOFTMAX, "softmax")],
  log_softmax: [soft(LOG_SOFTMAX, "log_softmax")],
  linear: [linear(op("add", product, bias), true), linear(product, false)],
  _convolution: [biased("conv", (m, args) => convolution(args, m.attrs("product")))],
  _transposed_convolution: [
    biased("conv_input_grad", (m, args) =>
      transposedConvolution(args, m.attrs("product"), m.term("weight").shape, m.type.shape),
    ),
  ],
  bce_with_logits: [loss(bceWithLogits, "binary_cross_entropy_with_logits")],
  mse: [loss(op("mul", op("sub", x, value("y")), op("sub", x, value("y"))), "mse_loss")],
  l1: [loss(op("abs", op("sub", x, value("y"))), "l1_loss")],
  cross_entropy: [
    {
      pattern: crossEntropy,
      // torch has the classes on axis 1.
      spell: (m) => {
        const { shape } = m.term("x")
        const axis = intsAttr(m.attrs("own"), "axes")[0]
        const rows = m.term("y").shape
        if (axis === undefined || rows.length !== shape.length - 1) return undefined
        const logits = axis === 1 ? m.code("x") : method(m.code("x"), "movedim", String(axis), "1")
        return call("F.cross_entropy", logits, method(m.code("y"), "long"), 'reduction="none"')
      },
    },
  ],
}

/** Questions about the values around a call. */
export interface Seeing {
  term(id: ModelValue): Term
  /** The operation that makes a constant or a size. */
  source(id: ModelValue): OpStmt | undefined
  typeOf(id: ModelValue): TensorType
  readonly w: Scope
}
/** A call that is a function of torch: the values that it reads, and the expression, or undefined where it is none after all. */
export interface Fused {
  readonly args: readonly ModelValue[]
  spell(seen: Seeing): Term | undefined
}

export function fused(of: CallStmt): Fused | undefined {
  const [result] = of.results
  if (result === undefined || of.results.length !== 1) return undefined
  const direct = patternOf(of)
  if (direct) return direct
  const ops = opsOf(of.body)
  const mean = meanIn(ops, result)
  if (!mean) return undefined
  const [from] = mean.sum.args
  const element = of.declaration === "mean" ? undefined : patternOf({ ...of, results: [from!] })
  if (of.declaration !== "mean" && !element) return undefined
  return {
    args: element?.args ?? [from!],
    spell(seen) {
      const type = seen.typeOf(result)
      const x = element ? element.spell(seen) : seen.term(from!)
      const code = x && meanOf(mean, x, seen)
      return code && made(code, type)
    },
  }
}

function patternOf(of: CallStmt): Fused | undefined {
  const [result] = of.results
  for (const { pattern, spell } of FUSIONS[of.declaration] ?? []) {
    const found = find(pattern, of)
    if (!found) continue
    const args = ARGUMENTS.flatMap((name) => found.values.get(name) ?? [])
    return {
      args: [...new Set(args)],
      spell(seen) {
        const type = seen.typeOf(result!)
        if (type.dtype !== "f32") return undefined
        const valueOf = (name: string): Term =>
          seen.term(found.values.get(name) ?? bug(`a pattern has no value ${name}`))
        if (args.some((id) => seen.term(id).scalar)) return undefined
        const code = spell({
          term: valueOf,
          code: (name) => seen.w.whole(valueOf(name)),
          number: (name) => found.numbers.get(name) ?? bug(`a pattern has no number ${name}`),
          attrs: (name) => found.attrs.get(name) ?? bug(`a pattern has no operation ${name}`),
          type,
          w: seen.w,
        })
        return code && made(code, type)
      },
    }
  }
  return undefined
}
const ARGUMENTS = ["x", "y", "weight", "bias"]

interface MeanStmts {
  readonly sum: OpStmt
  readonly count: ModelValue
}
/** A sum divided by something. */
function meanIn(ops: readonly OpStmt[], result: ModelValue): MeanStmts | undefined {
  const last = ops.find(({ id }) => id === result)
  const sum = last?.op === "div" ? ops.find(({ id }) => id === last.args[0]) : undefined
  return last && sum?.op === "sum" ? { sum, count: last.args[1]! } : undefined
}

/** The mean of x, if the sum is divided by its number of terms. */
function meanOf({ sum, count }: MeanStmts, from: Term, seen: Seeing): Code | undefined {
  const axes = intsAttr(sum.attrs, "axes")
  const by = seen.source(count)
  const numbers = numel(axes.map((a) => from.shape[a]!))
  const isCount =
    (by?.op === "constant" && floatAttr(by.attrs, "value") === numbers) ||
    (by?.op === "size" && sameDim(dimAttr(by.attrs, "dim"), numbers))
  if (!isCount || axes.length === 0 || from.dtype !== "f32" || from.scalar) return undefined
  const how = dims(from, axes, boolAttr(sum.attrs, "keepdim"))
  const whole = seen.w.whole(from)
  return overRows(from, axes) ? call("parallel.mean", whole, ...how) : method(whole, "mean", ...how)
}
