/** test: rules for movement: shapes, parts, copies, elements by index; and forms that other rules share. */
import type { Builder, Rule, Rules } from "./build.js"
import { isStatic, divisors, numel, type Shape, spliced } from "./shapes.js"

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
  rotary: (b, want) => {
    const [t, e] = want.slice(-2)
    if (typeof t !== "number" || typeof e !== "number" || e % 2 !== 0) return undefined
    return { text: `rotary(${b.expr(want)}, ${b.pick(["100", "10000"])})`, shape: want }
  },
  sinusoids: (_, want) => {
    const [t, e] = want.slice(-2)
    if (typeof t !== "number" || typeof e !== "number" || e % 2 !== 0) return undefined
    return { text: `sinusoids(${t}, ${e})`, shape: [t, e] }
  },
}

// Forms that several functions share.

export type Argument = (b: Builder, want: Shape) => string

export function alongAxis(
  name: string,
  rest: (axis: string, b: Builder) => string = (axis) => `, ${axis}`,
  argument: Argument = (b, want) => b.expr(want),
): Rule {
  return (b, want) => {
    const axes = b.staticAxes(want)
    if (axes.length === 0) return undefined
    const axis = b.at(b.flip() ? b.pick(axes) : axes.at(-1)!, want.length)
    return { text: `${name}(${argument(b, want)}${rest(axis, b)})`, shape: want }
  }
}

export function like(name: string): Rule {
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
