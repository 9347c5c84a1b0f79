/** ir/model: patterns of the bodies of library functions, for exports that write a call as a function of another system. `x` is the argument. */
import { numel, type Shape } from "../tensor.js"
import type { Attrs } from "../graph/types.js"
import { boolAttr, intsAttr } from "../../ops/attrs.js"
import { named, number, op, type Pattern, reshaped, value } from "./pattern.js"

/** The values and numbers found in a body. */
export interface Seen {
  number(name: string): number
  attrs(name: string): Attrs
}

const x = value("x")

export const elu = op(
  "where",
  op("gt", x, number(0)),
  x,
  op("mul", number("alpha"), op("expm1", op("where", op("gt", x, number(0)), number(0), x))),
)
export const hardtanh = (of: Pattern, least: Pattern, most: Pattern): Pattern =>
  op("where", op("le", of, least), least, op("where", op("ge", of, most), most, of))
export const above3 = hardtanh(op("add", x, number(3)), number(0), number(6))
export const tail = op("exp", op("where", op("ge", x, number(0)), op("neg", x), x))
export const scaled = op("mul", number("beta"), x)
export const softplus = op(
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
export const isPlain = (m: Seen): boolean => m.number("beta") === 1 && m.number("threshold") >= 17
export const shiftedByMax = op("sub", x, named("max", op("max", x)))
/** Both the largest and the sum are taken along one axis, and keep it. */
export function softAxis(m: Seen): number | undefined {
  const [most, sum] = [m.attrs("max"), m.attrs("sum")]
  const [axis, ...more] = intsAttr(most, "axes")
  const alike = intsAttr(sum, "axes").length === 1 && intsAttr(sum, "axes")[0] === axis
  return more.length === 0 && alike && boolAttr(most, "keepdim") && boolAttr(sum, "keepdim")
    ? axis
    : undefined
}
export const meanOf = (of: Pattern, name: string): Pattern =>
  op("div", named(name, op("sum", of)), number(`${name}.count`))
/** Whether a sum and its count are a mean over these axes, and how many elements that are. */
export const isMean = (m: Seen, name: string, shape: Shape): boolean =>
  numel(intsAttr(m.attrs(name), "axes").map((axis) => shape[axis]!)) === m.number(`${name}.count`)
export const centred = op("sub", x, meanOf(x, "mean"))
export const standardized = op(
  "mul",
  centred,
  op("rsqrt", op("add", meanOf(op("mul", centred, centred), "variance"), number("eps"))),
)

export const RELU = op("where", op("le", x, number(0)), number(0), x)
export const LEAKY_RELU = op("where", op("gt", x, number(0)), x, op("mul", number("slope"), x))
export const PRELU = op("where", op("gt", x, number(0)), x, op("mul", reshaped(value("slope")), x))
export const SELU = op("mul", number("gamma"), elu)
export const CELU = op(
  "where",
  op("gt", x, number(0)),
  x,
  op(
    "mul",
    number("alpha"),
    op("expm1", op("div", op("where", op("gt", x, number(0)), number(0), x), number("alpha"))),
  ),
)
export const GELU = op(
  "mul",
  op("mul", number(0.5), x),
  op("add", number(1), op("erf", op("div", x, number(Math.SQRT2)))),
)
export const GELU_TANH = op(
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
)
export const SIGMOID = op(
  "div",
  op("where", op("ge", x, number(0)), number(1), tail),
  op("add", number(1), tail),
)
export const MISH = op("mul", x, op("tanh", softplus))
export const SOFTSIGN = op("div", x, op("add", number(1), op("abs", x)))
export const HARDTANH = hardtanh(x, number("min"), number("max"))
export const HARDSIGMOID = op("div", above3, number(6))
export const HARDSWISH = op("div", op("mul", x, above3), number(6))
export const SOFTMAX = op("div", op("exp", shiftedByMax), named("sum", op("sum", op("exp", shiftedByMax))))
export const LOG_SOFTMAX = op(
  "sub",
  shiftedByMax,
  op("log", named("sum", op("sum", op("exp", shiftedByMax)))),
)
export const MEAN = meanOf(x, "mean")
export const LAYER_NORM = op("add", op("mul", standardized, value("weight")), value("bias"))
