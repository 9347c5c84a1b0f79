/** test: rules for the functions of the library that make a value: elementwise, reductions, movement, products. */
import type { Builder, Rule, Rules } from "./build.js"
import { type Dim, isStatic, numel, type Shape, spliced } from "./shapes.js"

type Argument = (b: Builder, want: Shape) => string
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
  argmax: place("argmax"),
  argmin: place("argmin"),
}

export const PRODUCTS: Rules[string] = {
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

export const MOVEMENT: Rules[string] = {
  reshape: (b, want) => {
    if (!isStatic(want)) return undefined
    const shape = factored(b, numel(want, 1))
    const free = want.length > 0 && b.flip(3) ? b.axis(want) : -1
    return {
      text: `reshape(${b.expr(shape)}, [${want.map((d, i) => (i === free ? -1 : d)).join(", ")}])`,
      shape: want,
    }
  },
  flatten: (b, want) => {
    const axes = b.staticAxes(want)
    if (axes.length === 0) return undefined
    const axis = b.pick(axes)
    const parts = factored(b, want[axis] as number)
    if (parts.length === 0) return undefined
    return {
      text: `flatten(${b.expr(spliced(want, axis, 1, ...parts))}, ${axis}, ${axis + parts.length - 1})`,
      shape: want,
    }
  },
  permute: (b, want) => {
    const order = want.map((_, i) => i)
    for (let i = order.length - 1; i > 0; i--) {
      const j = b.below(i + 1)
      ;[order[i], order[j]] = [order[j]!, order[i]!]
    }
    const from = want.map((_, axis) => want[order.indexOf(axis)]!)
    return { text: `permute(${b.expr(from)}, [${order.join(", ")}])`, shape: want }
  },
  transpose: (b, want) => {
    if (want.length < 2) return undefined
    const [i, j] = b.flip() ? [b.axis(want), b.axis(want)] : [want.length - 2, want.length - 1]
    const from = want.with(i, want[j]!).with(j, want[i]!)
    const last = i === want.length - 2 && j === want.length - 1 && b.flip()
    const axes = last ? "" : `, ${b.at(i, want.length)}, ${b.at(j, want.length)}`
    return { text: `transpose(${b.expr(from)}${axes})`, shape: want }
  },
  expand: (b, want) => {
    const { text } = b.operand(want)
    return { text: `expand(${text}, ${b.dims(want)})`, shape: want }
  },
  squeeze: (b, want) => {
    const axis = b.below(want.length + 1)
    return {
      text: `squeeze(${b.expr(spliced(want, axis, 0, 1))}, ${b.at(axis, want.length + 1)})`,
      shape: want,
    }
  },
  unsqueeze: (b, want) => {
    const ones = want.flatMap((d, i) => (d === 1 ? [i] : []))
    if (ones.length === 0) return undefined
    const axis = b.pick(ones)
    return { text: `unsqueeze(${b.expr(spliced(want, axis, 1))}, ${b.at(axis, want.length)})`, shape: want }
  },
  cat: joined("cat"),
  concat: joined("concat"),
  stack: (b, want) => {
    const axes = b.staticAxes(want).filter((i) => (want[i] as number) <= 4)
    if (axes.length === 0) return undefined
    const axis = b.pick(axes)
    const parts = Array.from({ length: want[axis] as number }, () => b.expr(spliced(want, axis, 1)))
    return { text: `stack([${parts.join(", ")}], ${axis})`, shape: want }
  },
  narrow: (b, want) => {
    const { shape, axis, start, size } = longer(b, want) ?? {}
    if (shape === undefined) return undefined
    return { text: `narrow(${b.expr(shape)}, ${b.at(axis!, shape.length)}, ${start}, ${size})`, shape: want }
  },
  slice: (b, want) => {
    const { shape, axis, start, size } = longer(b, want) ?? {}
    if (shape === undefined) return undefined
    const colons = Array.from({ length: axis! }, () => ":")
    return { text: `${b.expr(shape)}[${[...colons, `${start}:${start! + size!}`].join(", ")}]`, shape: want }
  },
  every_other: (b, want) => {
    const axes = b.staticAxes(want)
    if (axes.length === 0) return undefined
    const axis = b.pick(axes)
    const step = b.pick([2, 3])
    const size = ((want[axis] as number) - 1) * step + 1 + b.below(step)
    const shape = spliced(want, axis, 1, size)
    if (!b.fits(shape)) return undefined
    return {
      text: `${b.expr(shape)}[${[...Array.from({ length: axis }, () => ":"), `::${step}`].join(", ")}]`,
      shape: want,
    }
  },
  select: (b, want) => {
    const axis = b.below(want.length + 1)
    const size = b.size(5)
    const shape = spliced(want, axis, 0, size)
    if (!b.fits(shape)) return undefined
    const at = b.below(size) - (b.flip(3) ? size : 0)
    if (b.flip())
      return {
        text: `${b.expr(shape)}[${[...Array.from({ length: axis }, () => ":"), at].join(", ")}]`,
        shape: want,
      }
    return { text: `select(${b.expr(shape)}, ${b.at(axis, shape.length)}, ${at})`, shape: want }
  },
  split_sizes: (b, want) => {
    const { shape, axis, start, size } = longer(b, want) ?? {}
    if (shape === undefined) return undefined
    const rest = (shape[axis!] as number) - start! - size!
    const sizes = [start!, size!, rest]
    const at = sizes.slice(0, 1).filter((n) => n > 0).length
    return {
      text: `split_sizes(${b.expr(shape)}, [${sizes.filter((n) => n > 0).join(", ")}], ${axis})[${at}]`,
      shape: want,
    }
  },
  chunk: (b, want) => {
    const axes = b.staticAxes(want)
    if (axes.length === 0) return undefined
    const axis = b.pick(axes)
    const pieces = b.pick([2, 3])
    const shape = spliced(want, axis, 1, (want[axis] as number) * pieces)
    if (!b.fits(shape)) return undefined
    return { text: `chunk(${b.expr(shape)}, ${pieces}, ${axis})[${b.below(pieces)}]`, shape: want }
  },
  flip: (b, want) =>
    want.length === 0
      ? undefined
      : { text: `flip(${b.expr(want)}, ${b.at(b.axis(want), want.length)})`, shape: want },
  roll: (b, want) => {
    const axes = b.staticAxes(want)
    if (axes.length === 0) return undefined
    return {
      text: `roll(${b.expr(want)}, ${b.below(7) - 3}, ${b.at(b.pick(axes), want.length)})`,
      shape: want,
    }
  },
  repeat: (b, want) => {
    const times = want.map((d) => (d === "B" ? 1 : b.pick(divisors(d))))
    const from = want.map((d, i) => (d === "B" ? d : d / times[i]!))
    return want.length === 0
      ? undefined
      : { text: `repeat(${b.expr(from)}, [${times.join(", ")}])`, shape: want }
  },
  repeat_interleave: (b, want) => {
    const axes = b.staticAxes(want)
    if (axes.length === 0) return undefined
    const axis = b.pick(axes)
    const n = b.pick(divisors(want[axis] as number))
    return {
      text: `repeat_interleave(${b.expr(spliced(want, axis, 1, (want[axis] as number) / n))}, ${n}, ${b.at(axis, want.length)})`,
      shape: want,
    }
  },
  pad: (b, want) => {
    if (want.length === 0) return undefined
    const kind = b.pick(["", ', "constant", 0.5', ', "reflect"', ', "replicate"'])
    const widths = want.map((d) => {
      if (d === "B" || b.flip()) return [0, 0] as const
      const inner = Math.ceil(d / 2)
      const before = b.below(d - inner + 1)
      const both = [before, d - inner - before] as const
      return kind.includes("reflect") && Math.max(...both) >= inner ? ([0, 0] as const) : both
    })
    const from = want.map((d, i) => (d === "B" ? d : d - widths[i]![0] - widths[i]![1]))
    return {
      text: `pad(${b.expr(from)}, [${widths.map((w) => `[${w.join(", ")}]`).join(", ")}]${kind})`,
      shape: want,
    }
  },
  diagonal: (b, want) => {
    const count = want.at(-1)
    if (count === undefined || count === "B") return undefined
    const [k, more] = [b.below(3) - 1, b.below(3)]
    const square = [count + Math.max(0, -k), count + Math.max(0, k) + (k === 0 ? more : 0)]
    const shape = [...want.slice(0, -1), ...square]
    return b.fits(shape) ? { text: `diagonal(${b.expr(shape)}, ${k})`, shape: want } : undefined
  },
  zeros_like: like("zeros_like"),
  ones_like: like("ones_like"),
  full_like: (b, want) => ({ text: `full_like(${b.expr(want)}, ${b.number()})`, shape: want }),
  arange: (_, want) => line(want, (n) => `arange(${2 * n + 1}, 1, 2)`),
  linspace: (_, want) => line(want, (n) => `linspace(-1, 0.5, ${n})`),
  eye: (_, want) => {
    const [n, m] = want.slice(-2)
    if (typeof n !== "number" || typeof m !== "number") return undefined
    return { text: `eye(${n}, ${m})`, shape: [n, m] }
  },
  indices: (_, want) => line(want, (n) => `f32(indices(${n}))`),
}

export const GATHERS: Rules[string] = {
  one_hot: (b, want) => {
    const classes = want.at(-1)
    if (classes === undefined || classes === "B") return undefined
    return { text: `one_hot(${b.index(want.slice(0, -1), classes)}, ${classes})`, shape: want }
  },
  gather: (b, want) => {
    if (want.length === 0) return undefined
    const axis = b.axis(want)
    const from = b.size()
    const shape = spliced(want, axis, 1, from)
    if (!b.fits(shape)) return undefined
    return {
      text: `gather(${b.expr(shape)}, ${b.index(want, from)}, ${b.at(axis, want.length)})`,
      shape: want,
    }
  },
  index_select: (b, want) => {
    const axes = b.staticAxes(want)
    if (axes.length === 0) return undefined
    const axis = b.pick(axes)
    const from = b.size()
    const shape = spliced(want, axis, 1, from)
    if (!b.fits(shape)) return undefined
    return { text: `index_select(${b.expr(shape)}, ${b.index([want[axis]!], from)}, ${axis})`, shape: want }
  },
  scatter_add: (b, want) => {
    const axes = b.staticAxes(want)
    if (axes.length === 0) return undefined
    const axis = b.pick(axes)
    const shape = b.within(spliced(want, axis, 1, b.size()))
    if (!b.fits(shape) || shape.some((d, i) => i !== axis && d !== want[i])) return undefined
    return {
      text: `scatter_add(${b.expr(want)}, ${b.index(shape, want[axis] as number)}, ${b.expr(shape)}, ${axis})`,
      shape: want,
    }
  },
  sort_values: alongAxis("sort_values", (axis, b) => `, ${axis}${b.pick(["", ", true"])}`),
  argsort: alongAxis("f32(argsort", (axis) => `, ${axis})`),
  topk_values: (b, want) => top(b, want, "topk_values"),
  topk_indices: (b, want) => {
    const piece = top(b, want, "topk_indices")
    return piece && { ...piece, text: `f32(${piece.text})` }
  },
  embedding: (b, want) => {
    const dim = want.at(-1)
    if (dim === undefined || dim === "B") return undefined
    const count = b.size()
    return { text: `embedding(${b.index(want.slice(0, -1), count)}, ${b.expr([count, dim])})`, shape: want }
  },
  sinusoids: (_, want) => {
    const [t, e] = want.slice(-2)
    if (typeof t !== "number" || typeof e !== "number" || e % 2 !== 0) return undefined
    return { text: `sinusoids(${t}, ${e})`, shape: [t, e] }
  },
}

export const RANDOM: Rules[string] = {
  rand_like: like("rand_like"),
  randn_like: like("randn_like"),
  bernoulli: (b, want) => ({ text: `bernoulli(${b.share(want)})`, shape: want }),
  dropout: (b, want) => ({ text: `dropout(${b.expr(want)}, ${b.pick(["0.5", "0.1", "0"])})`, shape: want }),
}

// Forms that several functions share.

function alongAxis(
  name: string,
  rest: (axis: string, b: Builder) => string = (axis) => `, ${axis}`,
  argument: Argument = any,
): Rule {
  return (b, want) => {
    const axes = b.staticAxes(want)
    if (axes.length === 0) return undefined
    const axis = b.at(b.flip() ? b.pick(axes) : axes.at(-1)!, want.length)
    return { text: `${name}(${argument(b, want)}${rest(axis, b)})`, shape: want }
  }
}

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

function like(name: string): Rule {
  return (b, want) => ({ text: `${name}(${b.expr(want)})`, shape: want })
}

function line(want: Shape, text: (n: number) => string): { text: string; shape: Shape } | undefined {
  const n = want.at(-1)
  return typeof n === "number" ? { text: text(n), shape: [n] } : undefined
}

function joined(name: string): Rule {
  return (b, want) => {
    const axes = b.staticAxes(want).filter((i) => (want[i] as number) > 1)
    if (axes.length === 0) return undefined
    const axis = b.pick(axes)
    const sizes: number[] = []
    for (let left = want[axis] as number; left > 0;) {
      const size = sizes.length === 3 ? left : 1 + b.below(left)
      sizes.push(size)
      left -= size
    }
    const parts = sizes.map((n) => b.expr(spliced(want, axis, 1, n)))
    return { text: `${name}([${parts.join(", ")}], ${b.at(axis, want.length)})`, shape: want }
  }
}

/** A shape of which the wanted one is a part along one axis. */
function longer(
  b: Builder,
  want: Shape,
): { shape: Shape; axis: number; start: number; size: number } | undefined {
  const axes = b.staticAxes(want)
  if (axes.length === 0) return undefined
  const axis = b.pick(axes)
  const size = want[axis] as number
  const [start, after] = [b.below(4), b.below(4)]
  const shape = spliced(want, axis, 1, start + size + after)
  return b.fits(shape) ? { shape, axis, start, size } : undefined
}

function top(b: Builder, want: Shape, name: string): { text: string; shape: Shape } | undefined {
  const more = longer(b, want)
  if (more === undefined) return undefined
  const { shape, axis, size } = more
  return {
    text: `${name}(${b.expr(shape)}, ${size}, ${b.at(axis, shape.length)}${b.pick(["", ", largest: false"])})`,
    shape: want,
  }
}

/** Leading axes of two factors of a product that broadcast to these. */
function leads(b: Builder, lead: Shape): readonly [Shape, Shape] {
  if (lead.length === 0) return [[], []]
  const stretched = lead.map((d) => (b.flip(3) ? 1 : d))
  const part = b.pick([lead, [], stretched, lead.slice(1)])
  return b.flip() ? [part, lead] : [lead, part]
}

/** A shape with so many elements. */
function factored(b: Builder, count: number): readonly number[] {
  const shape: number[] = []
  let left = count
  while (left > 1 && shape.length < 4) {
    const part = shape.length === 3 ? left : b.pick(divisors(left))
    shape.push(part)
    left /= part
    if (part === 1 && shape.length > 1) break
  }
  return left > 1 ? [...shape, left] : shape
}
const divisors = (n: number): number[] =>
  Array.from({ length: n }, (_, i) => i + 1).filter((d) => n % d === 0)
