/** test: rules for the functions of the library that compute a value: elementwise, reductions, products, draws. */
import type { Builder, Rule, Rules } from "./build.js"
import { alongAxis, type Argument, like } from "./rules-movement.js"
import { type Dim, isStatic, type Shape, spliced } from "./shapes.js"

const any: Argument = (b, want) => b.expr(want)
const bounded: Argument = (b, want) => b.bounded(want)
const positive: Argument = (b, want) => b.positive(want)
const inside: Argument = (b, want) => `(0.9 * ${b.bounded(want)})`

/** Element by element. */
const map =
  (name: string, argument: Argument = any, ...settings: readonly string[]): Rule =>
  (b, want) => ({
    text: `${name}(${argument(b, want)}${settings.length > 0 ? b.pick(["", ...settings]) : ""})`,
    shape: want,
  })
const maps = (names: readonly string[], argument: Argument = any): Record<string, Rule> =>
  Object.fromEntries(names.map((name) => [name, map(name, argument)]))
/** Of two operands that broadcast. */
const two =
  (name: string, second: (text: string) => string = (t) => t): Rule =>
  (b, want) => {
    const [x, y] = b.pair(want)
    return { text: `${name}(${x}, ${second(y)})`, shape: want }
  }
const operator =
  (sign: string, second: (text: string) => string = (t) => t): Rule =>
  (b, want) => {
    const [x, y] = b.pair(want)
    return { text: `(${x} ${sign} ${second(y)})`, shape: want }
  }
const away = (text: string): string => `(square(${text}) + 0.5)`

export const ACTIVATIONS: Rules[string] = {
  glu: (b, want) => {
    const last = want.at(-1)
    if (last === undefined || last === "B") return undefined
    return { text: `glu(${b.expr(b.within([...want.slice(0, -1), 2 * last]))})`, shape: want }
  },
  ...maps([
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "log_sigmoid",
    "silu",
    "mish",
    "tanh",
    "softsign",
    "hardsigmoid",
    "hardswish",
  ]),
  leaky_relu: map("leaky_relu", any, ", 0.2"),
  elu: map("elu", any, ", 0.5"),
  celu: map("celu", any, ", 0.5"),
  gelu: map("gelu", any, ', "tanh"'),
  softplus: map("softplus", any, ", 2", ", 0.5, 1"),
  hardtanh: map("hardtanh", any, ", -0.5, 0.75"),
  prelu: (b, want) => {
    const channels = want[1]
    if (channels === undefined || channels === "B") return undefined
    const count = b.flip() ? 1 : channels
    return { text: `prelu(${b.expr(want)}, ${b.expr([count])})`, shape: want }
  },
  softmax: alongAxis("softmax"),
  log_softmax: alongAxis("log_softmax"),
}

export const POINTWISE: Rules[string] = {
  ...maps([
    "neg",
    "abs",
    "sign",
    "floor",
    "ceil",
    "round",
    "square",
    "sin",
    "cos",
    "atan",
    "erf",
    "detach",
    "stop_gradient",
  ]),
  ...maps(["exp", "exp2", "expm1", "sinh", "cosh", "tan"], bounded),
  ...maps(["log", "log2", "log1p", "sqrt", "rsqrt", "reciprocal"], positive),
  ...maps(["asin", "acos", "erfinv"], inside),
  ...maps(["lgamma", "digamma"], (b, want) => `(0.5 + ${b.positive(want)})`),
  logaddexp: two("logaddexp"),
  isnan: (b, want) => ({ text: `f32(isnan(${b.expr(want)}))`, shape: want }),
  add: two("add"),
  sub: two("sub"),
  mul: two("mul"),
  maximum: two("maximum"),
  minimum: two("minimum"),
  div: two("div", away),
  atan2: two("atan2", away),
  pow: (b, want) =>
    b.flip()
      ? { text: `(${b.expr(want)} ^ ${b.pick(["2", "3", "1", "0"])})`, shape: want }
      : {
          text: `pow(${b.positive(want)}, ${b.flip() ? b.pick(["1.5", "-0.5", "0.5"]) : b.bounded(want)})`,
          shape: want,
        },
  clamp: map("clamp", any, ", -0.5, 0.5", ", min: -0.25", ", none, 0.5"),
  affine: map("affine", any, ", 2", ", 0.5, -1"),
  lerp: (b, want) => {
    const [x, y] = b.pair(want)
    return { text: `lerp(${x}, ${y}, ${b.flip() ? "0.25" : b.share(want)})`, shape: want }
  },
  plus: operator("+"),
  minus: operator("-"),
  times: operator("*"),
  over: operator("/", away),
  minus_sign: (b, want) => ({ text: `(-${b.expr(want)})`, shape: want }),
  scaled: (b, want) => ({ text: `(${b.expr(want)} * ${b.number()})`, shape: want }),
}

export const CHOICES: Rules[string] = {
  where: (b, want) => {
    const [then, otherwise] = b.pick<() => readonly [string, string]>([
      () => b.pair(want),
      () => [b.expr(want), b.number()],
      () => [b.number(), b.expr(want)],
    ])()
    return { text: `where(${b.cond(want)}, ${then}, ${otherwise})`, shape: want }
  },
  masked_fill: (b, want) => ({
    text: `masked_fill(${b.expr(want)}, ${b.cond(want)}, ${b.number()})`,
    shape: want,
  }),
  ...Object.fromEntries(
    ["eq", "ne", "lt", "le", "gt", "ge"].map((name): [string, Rule] => [
      name,
      (b, want) => {
        const [x, y] = b.pair(want)
        return { text: `f32(${name}(${x}, ${y}))`, shape: want }
      },
    ]),
  ),
  mask: (b, want) => ({ text: `f32(${b.cond(want)})`, shape: want }),
  causal_mask_fill: (b, want) =>
    want.length >= 2 && isStatic(want.slice(-2))
      ? b.flip()
        ? { text: `softmax(causal_mask_fill(${b.expr(want)}))`, shape: want }
        : { text: `causal_mask_fill(${b.expr(want)}, -0.5)`, shape: want }
      : undefined,
  tril: triangle("tril"),
  triu: triangle("triu"),
}

export const REDUCTIONS: Rules[string] = {
  sum: reduction("sum"),
  mean: reduction("mean"),
  max: reduction("max"),
  min: reduction("min"),
  prod: reduction("prod", bounded),
  variance: reduction("variance", any, ", correction: 0"),
  std: reduction("std", any, ", correction: 0"),
  logsumexp: reduction("logsumexp"),
  norm: (b, want) => {
    const { shape, axes, keep } = reduced(b, want)
    const p = b.pick(["2", "1", "3", '"inf"', "0"])
    return { text: `norm(${p === "3" ? b.positive(shape) : b.expr(shape)}, ${p}${axes}${keep})`, shape: want }
  },
  dist: (b) => {
    const shape = b.valueShape()
    return { text: `dist(${b.expr(shape)}, ${b.expr(shape)})`, shape: [] }
  },
  cosine_similarity: (b, want) => {
    const axis = b.below(want.length + 1)
    const shape = b.within(spliced(want, axis, 0, b.size()))
    const [x, y] = [b.expr(shape), b.expr(shape)]
    return {
      text: `cosine_similarity(${x}, ${y}, ${b.at(axis, shape.length)})`,
      shape: spliced(shape, axis, 1),
    }
  },
  normalize: alongAxis("normalize", (axis) => `, 2, ${axis}`),
  l2_normalize: alongAxis("l2_normalize"),
  cumsum: alongAxis("cumsum"),
  cumprod: alongAxis("cumprod", (axis) => `, ${axis}`, bounded),
  logcumsumexp: alongAxis("logcumsumexp"),
  any: held("any"),
  all: held("all"),
  argmax: place("argmax"),
  argmin: place("argmin"),
}

/** Whether some, or all, of the conditions along a last axis hold. */
function held(name: string): Rule {
  return (b, want) => ({
    text: `f32(${name}(${b.cond(b.within([...want, b.size(4)]))}, ${want.length}))`,
    shape: want,
  })
}

export const PRODUCTS: Rules[string] = {
  einsum: (b, want) => {
    const [rows, columns] = want
    if (want.length !== 2 || rows === undefined || columns === undefined) return undefined
    const depth = b.size(6)
    return {
      text: `einsum("ik,kj->ij", ${b.expr([rows, depth])}, ${b.expr([depth, columns])})`,
      shape: want,
    }
  },
  cdist: (b, want) => {
    const [rows, others] = want
    if (want.length !== 2 || rows === undefined || others === undefined) return undefined
    const depth = b.size(6)
    return { text: `cdist(${b.expr([rows, depth])}, ${b.expr([others, depth])})`, shape: want }
  },
  matmul: (b, want) => {
    const k = b.size()
    if (want.length === 0) return { text: `(${b.expr([k])} @ ${b.expr([k])})`, shape: want }
    const left = want.length === 1 || b.flip(4)
    // A vector on one side, whatever the rank of the other.
    if (left && b.flip()) {
      const shape = b.within([...want, k])
      const vector = shape.at(-1)!
      return { text: `(${b.expr(shape)} @ ${b.expr([vector])})`, shape: shape.slice(0, -1) }
    }
    if (left) {
      const shape = b.within(spliced(want, want.length - 1, 0, k))
      return {
        text: `matmul(${b.expr([shape.at(-2)!])}, ${b.expr(shape)})`,
        shape: spliced(shape, shape.length - 2, 1),
      }
    }
    const lead = want.slice(0, -2)
    const [m, n] = want.slice(-2) as [Dim, Dim]
    const [a, c] = leads(b, lead)
    const [x, y] = [b.within([...a, m, k]), b.within([...c, k, n])]
    if (x.at(-1) !== y.at(-2) || x.length + y.length !== a.length + c.length + 4) return undefined
    const right = b.flip() ? b.expr(y) : `transpose(${b.expr([...c, y.at(-1)!, y.at(-2)!])})`
    return { text: `(${b.expr(x)} @ ${right})`, shape: b.within([...lead, x.at(-2)!, y.at(-1)!]) }
  },
  dot: (b) => {
    const n = b.size()
    return { text: `dot(${b.expr([n])}, ${b.expr([n])})`, shape: [] }
  },
  outer: (b, want) => {
    const [n, m] = want.length === 2 ? want : b.shape(2)
    return { text: `outer(${b.expr([n!])}, ${b.expr([m!])})`, shape: [n!, m!] }
  },
  linear: (b, want) => {
    const out = want.at(-1)
    if (out === undefined || out === "B") return undefined
    const shape = b.within([...want.slice(0, -1), b.size()])
    const bias = b.flip() ? "" : `, ${b.expr([out])}`
    return {
      text: `linear(${b.expr(shape)}, ${b.expr([out, shape.at(-1)!])}${bias})`,
      shape: [...shape.slice(0, -1), out],
    }
  },
  bilinear: (b, want) => {
    const [n, o] = want.length === 2 ? [want[0]!, want[1]!] : [b.lead(want), b.size(6)]
    if (o === "B") return undefined
    const [i, j] = [b.size(6), b.size(6)]
    const bias = b.flip() ? "" : `, ${b.expr([o])}`
    return {
      text: `bilinear(${b.expr([n, i])}, ${b.expr([n, j])}, ${b.expr([o, i, j])}${bias})`,
      shape: [n, o],
    }
  },
}

export const RANDOM: Rules[string] = {
  rand_like: like("rand_like"),
  randn_like: like("randn_like"),
  bernoulli: (b, want) => ({ text: `bernoulli(${b.share(want)})`, shape: want }),
  dropout2d: (b, want) =>
    want.length > 2
      ? { text: `dropout2d(${b.expr(want)}, ${b.pick(["0.5", "0"])})`, shape: want }
      : undefined,
  drop_path: (b, want) =>
    want.length > 0
      ? { text: `drop_path(${b.expr(want)}, ${b.pick(["0.5", "0"])})`, shape: want }
      : undefined,
  dropout: (b, want) => ({ text: `dropout(${b.expr(want)}, ${b.pick(["0.5", "0.1", "0"])})`, shape: want }),
}

// Forms that several functions share.

function reduction(name: string, argument: Argument = any, ...settings: readonly string[]): Rule {
  return (b, want) => {
    const { shape, axes, keep } = reduced(b, want)
    const setting = settings.length > 0 ? b.pick(["", ...settings]) : ""
    return { text: `${name}(${argument(b, shape)}${axes}${keep}${setting})`, shape: want }
  }
}
/** A shape that gives the wanted one when some axes are reduced: one, several, or all. */
function reduced(b: Builder, want: Shape): { shape: Shape; axes: string; keep: string } {
  const ones = want.flatMap((d, i) => (d === 1 ? [i] : []))
  if (ones.length > 0 && b.flip()) {
    const axes = ones.filter(() => b.flip() || ones.length === 1)
    const kept = axes.length === 0 ? ones : axes
    let shape = want
    for (const i of kept) {
      const grown = spliced(shape, i, 1, b.size())
      if (b.fits(grown)) shape = grown
    }
    return { shape, axes: `, axis: ${listed(b, kept, shape.length)}`, keep: ", keepdim: true" }
  }
  let shape = want
  const axes: number[] = []
  for (let n = 1 + b.below(3); n > 0; n--) {
    const at = b.below(shape.length + 1)
    const batch = b.frame.batch !== null && !shape.includes("B") && b.flip(3)
    const grown = spliced(shape, at, 0, batch ? "B" : b.size())
    if (!b.fits(grown)) continue
    shape = grown
    for (const [i, a] of axes.entries()) if (a >= at) axes[i] = a + 1
    axes.push(at)
  }
  if (axes.length === 0) return { shape: [...want, 1], axes: ", axis: -1", keep: "" }
  const all = want.length === 0 && b.flip()
  return { shape, axes: all ? "" : `, axis: ${listed(b, axes, shape.length)}`, keep: "" }
}
const listed = (b: Builder, axes: readonly number[], rank: number): string =>
  axes.length === 1 && b.flip() ? b.at(axes[0]!, rank) : `[${axes.map((a) => b.at(a, rank)).join(", ")}]`

function place(name: string): Rule {
  return (b, want) => {
    const axis = b.below(want.length + 1)
    const shape = spliced(want, axis, 0, b.size())
    if (!b.fits(shape)) return undefined
    return { text: `f32(${name}(${b.expr(shape)}, ${b.at(axis, shape.length)}))`, shape: want }
  }
}

function triangle(name: string): Rule {
  return (b, want) => {
    if (want.length < 2 || !isStatic(want.slice(-2))) return undefined
    const x = b.flip() ? `ones(${b.dims(want.slice(-2))})` : b.expr(want.slice(-2))
    const shape = b.flip() ? want.slice(-2) : want
    return { text: `${name}(${shape === want ? b.expr(want) : x}, ${b.below(4) - 1})`, shape }
  }
}

/** Leading axes of two factors of a product that broadcast to these. */
function leads(b: Builder, lead: Shape): readonly [Shape, Shape] {
  if (lead.length === 0) return [[], []]
  const stretched = lead.map((d) => (b.flip(3) ? 1 : d))
  const part = b.pick([lead, [], stretched, lead.slice(1)])
  return b.flip() ? [part, lead] : [lead, part]
}
