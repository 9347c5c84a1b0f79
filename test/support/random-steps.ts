/** test: the steps of random programs: each adds one idiom to a graph, choosing by small numbers among what is there. A choice
 *  that does not fit adds nothing, so that any list of numbers is a program, and a shorter list a smaller one. */
import type { OpName } from "../../compiler/ir/op-name.js"
import { takeResult } from "../../compiler/ir/graph/scan.js"
import { GraphBuild } from "../../compiler/ir/graph/build.js"
import {
  BATCH,
  broadcastShapes,
  type Dim,
  isStatic,
  sameDim,
  sameShape,
  type Shape,
  tensorType,
} from "../../compiler/ir/tensor.js"
import type { Value } from "../../compiler/ops/op.js"
import type { Known, Values } from "./random-values.js"

/** Chooses: the same number chooses the same thing of the same list. */
type Choose = <T>(list: readonly T[]) => T
type Step = (x: Values, choose: Choose) => void

/** A list of numbers as choices, one after another. */
export function chooser(numbers: readonly number[]): Choose {
  let next = 0
  return (list) => list[numbers[next++ % numbers.length]! % list.length]!
}

const rounded = (value: Value, size: number): Known => ({ value, grain: null, size, below: null })
const last = (shape: Shape): number => shape.length - 1
const axesOf = (k: Known): number[] => k.value.type.shape.map((_, axis) => axis)
const staticAxes = (k: Known): number[] => axesOf(k).filter((axis) => isStatic(k.value.type.shape[axis]!))
const whole = (k: Known, axis: number): number => k.value.type.shape[axis] as number
const fitting = (x: Values, k: Known): Known[] =>
  x.floats.filter((o) => broadcastShapes(o.value.type.shape, k.value.type.shape) !== undefined)
const finest = (...known: readonly Known[]): number | null =>
  known.some((k) => k.grain === null) ? null : Math.max(...known.map((k) => k.grain!))

const FUNCTIONS = ["tanh", "sin", "cos", "erf", "atan", "neg", "abs", "sign", "floor", "round"] as const
const unary: Step = (x, choose) => {
  const op = choose(FUNCTIONS)
  const jumps = op === "abs" || op === "sign" || op === "floor" || op === "round"
  const from = jumps ? x.exact : x.floats
  if (from.length === 0) return
  const k = choose(from)
  const value = x.g.apply(op, [k.value])
  if (op === "neg" || op === "abs") x.keep({ ...k, value })
  else if (jumps) x.keep({ value, grain: 0, size: k.size + 1, below: null })
  else x.keep(rounded(value, 2))
}

/** Functions that are steep or undefined somewhere, away from there. */
const safe: Step = (x, choose) => {
  const { g } = x
  const k = choose(x.floats)
  const positive = g.binary("add", g.binary("mul", k.value, k.value), g.constant(0.5))
  const size = k.size * k.size + 0.5
  const other = choose(fitting(x, k))
  choose<() => void>([
    () => x.keep(rounded(g.apply("sqrt", [positive]), Math.sqrt(size))),
    () => x.keep(rounded(g.apply("rsqrt", [positive]), 1.5)),
    () => x.keep(rounded(g.apply("log", [positive]), Math.max(1, Math.log(size)))),
    () => x.keep(rounded(g.binary("div", other.value, positive), 2 * other.size)),
    () => x.keep(rounded(g.apply("exp", [g.apply("tanh", [k.value])]), 3)),
    () => x.keep(rounded(g.binary("pow", positive, g.constant(1.5)), size ** 1.5)),
  ])()
}

const binary: Step = (x, choose) => {
  const a = choose(x.floats)
  const b = choose(fitting(x, a))
  const op = choose(["add", "sub", "mul", "maximum", "minimum"] as const)
  const value = x.g.binary(op, a.value, b.value)
  const times = op === "mul"
  const size = times
    ? a.size * b.size
    : op === "add" || op === "sub"
      ? a.size + b.size
      : Math.max(a.size, b.size)
  const exact = finest(a, b)
  x.keep({ value, size, below: null, grain: exact === null ? null : times ? a.grain! + b.grain! : exact })
}

/** A comparison of exact numbers, and a choice by it. */
const choice: Step = (x, choose) => {
  if (x.exact.length === 0) return
  const a = choose(x.exact)
  const b = choose(fitting(x, a).filter((k) => k.grain !== null))
  const op = choose(["lt", "le", "gt", "ge", "eq", "ne"] as const)
  let cond = x.g.binary(op, a.value, b.value)
  const same = x.bools.filter((k) => sameShape(k.value.type.shape, cond.type.shape))
  if (same.length > 0) cond = x.g.apply(choose(["and", "or"] as const), [cond, choose(same).value])
  x.keep({ value: cond, grain: 0, size: 1, below: null })
  const then = choose(x.floats.filter((k) => sameShape(k.value.type.shape, cond.type.shape)).concat(a))
  if (!sameShape(then.value.type.shape, cond.type.shape)) return
  const value = x.g.apply("where", [cond, then.value, x.g.constant(choose([0, -1, 0.5]))])
  x.keep({
    value,
    grain: then.grain === null ? null : Math.max(1, then.grain),
    size: Math.max(1, then.size),
    below: null,
  })
}

const reduce: Step = (x, choose) => {
  const k = choose(x.floats)
  const op = choose(["sum", "max", "min", "prod", "sum"] as const)
  const first = choose([0, ...axesOf(k)])
  const axes = axesOf(k).slice(first, first + choose([1, 2]))
  const value = x.apply(op, [k.value], { axes, keepdim: choose([false, true]) })
  if (value === undefined) return
  const count = x.count(axes.map((axis) => k.value.type.shape[axis]!))
  if (op === "sum") x.keep({ ...k, value, size: k.size * count })
  else if (op === "prod")
    x.keep({
      ...k,
      value,
      size: Math.max(1, k.size) ** count,
      grain: k.grain === null ? null : k.grain * count,
    })
  else x.keep({ ...k, value })
}

/** A product with a slot, with another value, or of a value with itself. */
const matmul: Step = (x, choose) => {
  const { g } = x
  const tall = x.floats.filter((k) => k.value.type.shape.length >= 2)
  if (tall.length === 0) return
  const a = choose(tall)
  const { shape } = a.value.type
  const rank = shape.length
  const [m, inner] = [shape[rank - 2]!, shape[rank - 1]!]
  const swapped = (v: Value): Value =>
    g.apply("transpose", [v], { perm: [...v.type.shape.keys()].slice(0, -2).concat(rank - 1, rank - 2) })
  const product = (left: Value, right: Known, transposed: boolean): void => {
    const value = x.apply("matmul", [left, transposed ? swapped(right.value) : right.value])
    if (value === undefined) return
    const length = x.count([left.type.shape[rank - 1]!])
    const exact = finest(a, right)
    x.keep({
      value,
      size: a.size * right.size * length,
      below: null,
      grain: exact === null ? null : a.grain! + right.grain!,
    })
  }
  choose<() => void>([
    () => {
      if (!isStatic(inner) || rank !== 2) return
      const n = choose([3, 4, 8, 1, 16])
      const turned = choose([false, true])
      product(a.value, x.slot(turned ? [n, inner] : [inner, n]), turned)
    },
    () => product(a.value, a, true),
    () => product(swapped(a.value), a, false),
    () => {
      const other = choose(tall.filter((k) => k.value.type.shape.length === rank))
      const fits = sameDim(other.value.type.shape[rank - 2]!, inner)
      product(a.value, other, !fits)
    },
    () => {
      const right = x.input([...shape.slice(0, -2), inner, choose<Dim>([2, 4, 5])])
      product(a.value, right, false)
    },
    () => {
      if (!isStatic(m) || rank !== 2) return
      const left = x.slot([choose([4, 2, 5]), m])
      const value = x.apply("matmul", [left.value, a.value])
      if (value !== undefined) x.keep(rounded(value, left.size * a.size * m))
    },
  ])()
}

const view: Step = (x, choose) => {
  const { g } = x
  const k = choose([...x.floats, ...x.integers])
  const { shape } = k.value.type
  const each = (n: number): number[] => shape.map(() => n)
  const same = (value: Value | undefined): void => void (value && x.keep({ ...k, value }))
  choose<() => void>([
    () => same(g.apply("transpose", [k.value], { perm: [...shape.keys()].reverse() })),
    () => same(g.apply("flip", [k.value], { axes: axesOf(k).slice(choose([0, 1])) })),
    () => {
      const flat = shape.reduce<Dim | undefined>(
        (n, d) => (n === undefined || !isStatic(d) ? undefined : (n as number) * d),
        1,
      )
      const to = flat === undefined ? [...shape, 1] : choose<Shape>([[flat], [1, flat], [flat, 1]])
      same(g.apply("reshape", [k.value], { shape: to }))
    },
    () => {
      const starts = shape.map((d) => (isStatic(d) && d > 2 ? choose([0, 1]) : 0))
      const stops = shape.map((d, axis) =>
        isStatic(d) && d > 2 && axis === last(shape) ? d - choose([0, 1]) : d,
      )
      same(
        x.apply("slice", [k.value], {
          starts,
          stops,
          steps: shape.map((d) => (isStatic(d) ? choose([1, 2]) : 1)),
        }),
      )
    },
    () => {
      const [low, high] = [each(choose([0, 1])), each(choose([1, 0, 2]))]
      same(x.apply("pad", [k.value], { low, high, interior: each(choose([0, 0, 1])), value: 0 }))
    },
    () => same(x.apply("broadcast", [k.value], { shape: [choose<Dim>([2, 3, BATCH]), ...shape] })),
    () => {
      const others = x.all.filter((o) => o.value.type.dtype === k.value.type.dtype)
      const other = choose(others)
      const value = x.apply("concat", [k.value, other.value, k.value], { axis: choose([0, ...axesOf(k)]) })
      const below = k.below === null || other.below === null ? null : Math.max(k.below, other.below)
      if (value) x.keep({ value, grain: finest(k, other), size: Math.max(k.size, other.size), below })
    },
  ])()
}

/** Spread back over the last axis. */
const over = ({ g }: Values, op: OpName, v: Value, axis: number): Value =>
  g.apply("broadcast", [g.apply(op, [v], { axes: [axis], keepdim: true })], { shape: v.type.shape })

/** Softmax and log-softmax over any axis, layer normalisation over the last. */
const rows: Step = (x, choose) => {
  const { g } = x
  const shaped = x.floats.filter((k) => k.value.type.shape.length > 0)
  if (shaped.length === 0) return
  const k = choose(shaped)
  const v = k.value
  const axis = choose([last(v.type.shape), ...axesOf(k)])
  const shifted = g.binary("sub", v, over(x, "max", v, axis))
  choose<() => void>([
    () => {
      const e = g.apply("exp", [shifted])
      x.keep(rounded(g.binary("div", e, over(x, "sum", e, axis)), 1))
    },
    () => {
      const sum = over(x, "sum", g.apply("exp", [shifted]), axis)
      x.keep(rounded(g.binary("sub", shifted, g.apply("log", [sum])), 2 * k.size + 8))
    },
    () => {
      const n = g.constant(x.count([v.type.shape[axis]!]))
      const mean = (y: Value): Value => g.binary("div", over(x, "sum", y, axis), n)
      const d = g.binary("sub", v, mean(v))
      const spread = g.apply("sqrt", [g.binary("add", mean(g.binary("mul", d, d)), g.constant(0.25))])
      x.keep(rounded(g.binary("div", d, spread), 8))
    },
  ])()
}

const conv: Step = (x, choose) => {
  const images = x.floats.filter((k) => k.value.type.shape.length >= 3 && k.value.type.shape.length <= 4)
  const channels = choose([2, 1, 4])
  const from = [...images, undefined]
  const k = choose(from) ?? x.input([choose<Dim>([BATCH, 2]), channels, 5, 4])
  const [, c, ...spatial] = k.value.type.shape
  if (!isStatic(c!)) return
  const groups = choose([1, 1, c])
  const outputs = groups * choose([1, 4, 3])
  const weight = x.slot([outputs, c / groups, ...spatial.map(() => choose([3, 2, 1]))])
  const each = (n: number): number[] => spatial.map(() => n)
  const value = x.apply("conv", [k.value, weight.value], {
    strides: each(choose([1, 2])),
    padding_low: each(choose([0, 1])),
    padding_high: each(choose([1, 0])),
    dilation: each(choose([1, 1, 2])),
    groups,
  })
  const taps = x.count(weight.value.type.shape.slice(1))
  if (value !== undefined) x.keep(rounded(value, k.size * taps))
}

const pool: Step = (x, choose) => {
  const shaped = x.floats.filter((k) => isStatic(k.value.type.shape.at(-1) ?? BATCH))
  if (shaped.length === 0) return
  const k = choose(shaped)
  const axes = Math.min(choose([2, 1]), staticAxes(k).length)
  const each = (n: number): number[] => Array.from({ length: axes }, () => n)
  const op = choose(["window_max", "window_sum"] as const)
  const window = choose([2, 3, 1])
  const value = x.apply(op, [k.value], {
    window: each(window),
    strides: each(choose([1, 2])),
    padding_low: each(choose([0, 1])),
    padding_high: each(choose([0, 1])),
    dilation: each(choose([1, 1, 2])),
  })
  if (value !== undefined)
    x.keep({ ...k, value, size: op === "window_sum" ? k.size * window ** axes : k.size })
}

/** Rows by number, sums of rows by number, and elements along an axis. */
const gather: Step = (x, choose) => {
  const { g } = x
  const shaped = x.floats.filter((k) => staticAxes(k).length > 0)
  if (shaped.length === 0) return
  const k = choose(shaped)
  const axis = choose(staticAxes(k))
  const count = whole(k, axis)
  const known = (index: readonly Known[]): Known[] =>
    index.filter((i) => i.below !== null && i.below <= count)
  choose<() => void>([
    () => {
      const index =
        choose([...known(x.integers), undefined]) ??
        x.places(choose<Shape>([[BATCH], [3], [2, 2], []]), count)
      x.keep({ ...k, value: g.apply("take", [k.value, index.value], { axis }) })
    },
    () => {
      const shape = k.value.type.shape.map((d, a) => (a === axis ? choose<Dim>([2, count]) : d))
      const same = known(x.integers).filter((i) => i.value.type.shape.length === shape.length)
      const index = choose([...same, undefined]) ?? x.places(shape, count)
      const value = x.apply("take_along", [k.value, index.value], { axis })
      if (value) x.keep({ ...k, value })
    },
    () => {
      const size = choose([3, 5])
      const index = x.places([k.value.type.shape[axis]!], size)
      const value = x.apply("put_add", [k.value, index.value], { axis, size })
      if (value) x.keep({ ...k, value, size: k.size * count })
    },
    () => {
      const size = choose([3, 5])
      const index = x.places(k.value.type.shape, size)
      const value = x.apply("put_along", [k.value, index.value], { axis, size })
      if (value) x.keep({ ...k, value, size: k.size * count })
    },
  ])()
}

const running: Step = (x, choose) => {
  const shaped = x.floats.filter((k) => staticAxes(k).length > 0)
  if (shaped.length === 0) return
  const k = choose(shaped)
  const axis = choose(staticAxes(k))
  const n = whole(k, axis)
  const attrs = { axis, reverse: choose([false, true]), exclusive: choose([false, true]) }
  choose<() => void>([
    () => x.keep({ ...k, value: x.g.apply("cumsum", [k.value], attrs), size: k.size * n }),
    () => x.keep(rounded(x.g.apply("cumprod", [k.value], attrs), Math.max(1, k.size) ** n)),
    () => {
      const a = x.g.apply("tanh", [k.value])
      const value = x.g.apply("recurrence", [a, k.value], { axis, reverse: attrs.reverse })
      x.keep(rounded(value, k.size * n))
    },
  ])()
}

/** Integers out of exact numbers, and numbers out of integers. */
const integer: Step = (x, choose) => {
  const { g } = x
  const from = [...x.exact, ...x.integers].filter((k) => staticAxes(k).length > 0)
  if (from.length === 0) return
  const k = choose(from)
  const axis = choose(staticAxes(k))
  const below = whole(k, axis)
  const place = (value: Value): Known | undefined => x.keep({ value, grain: 0, size: below - 1, below })
  choose<() => void>([
    () => place(g.apply(choose(["argmax", "argmin"]), [k.value], { axis, keepdim: choose([false, true]) })),
    () => place(g.apply("rank", [k.value], { axis, descending: choose([false, true]) })),
    () => {
      const rank = g.apply("rank", [k.value], { axis, descending: choose([false, true]) })
      const order = place(g.apply("unrank", [rank], { axis }))
      if (order && k.value.type.dtype === "f32")
        x.keep({ ...k, value: g.apply("take_along", [k.value, order.value], { axis }) })
    },
    () => {
      if (k.value.type.dtype !== "i32") return
      x.keep({ ...k, value: g.apply("cast", [k.value], { dtype: "f32" }), below: null })
    },
    () => {
      const position = place(g.apply("iota", [], { shape: k.value.type.shape, axis, dtype: "i32" }))
      if (position === undefined || k.value.type.dtype !== "i32") return
      const value = g.apply("cast", [g.apply("eq", [position.value, k.value])], { dtype: "f32" })
      x.keep({ value, grain: 0, size: 1, below: null })
    },
  ])()
}

const dropout: Step = (x, choose) => {
  const { g } = x
  const k = choose(x.floats)
  const stream = choose([1, 2])
  const draw = g.apply("random_uniform", [x.scalar("step"), x.scalar("seed")], {
    shape: k.value.type.shape,
    stream,
  })
  const kept = g.apply("ge", [draw, g.constant(0.25)])
  const value = g.apply("where", [kept, k.value, g.constant(0)])
  x.keep({ ...k, value })
}

const SHAPES: readonly Shape[] = [
  [BATCH, 4],
  [4],
  [BATCH],
  [3, 5],
  [2, 3, 4],
  [BATCH, 2, 8],
  [],
  [16],
  [1, 8],
  [4, 1],
]
const given: Step = (x, choose) => {
  const make = choose([0, 1, 1, 2])
  const shape = choose(SHAPES)
  if (make === 0) x.input(shape)
  else if (make === 1) x.slot(shape.filter(isStatic))
  else x.places(shape, choose([2, 4, 3]))
}

/** A recurrent network over the first axis, or over one value again and again. */
const loop: Step = (x, choose) => {
  const { g } = x
  const sequences = x.floats.filter((k) => k.value.type.shape.length >= 1 && isStatic(k.value.type.shape[0]!))
  if (sequences.length === 0) return
  const k = choose(sequences)
  const [iterations, ...shape] = k.value.type.shape as [number, ...Dim[]]
  const type = tensorType("f32", shape)
  const region = new GraphBuild("iteration")
  const [h, row, scale] = [region.input("h", type), region.input("x", type), region.input("a", type)]
  const mixed = region.apply("add", [region.apply("mul", [h, scale]), row])
  const next = choose([true, false]) ? region.apply("tanh", [mixed]) : region.apply("sin", [mixed])
  region.output("next.h", next)
  const stacked = choose([true, false])
  if (stacked) region.output("all", choose([true, false]) ? next : region.apply("mul", [next, h]))
  const first = g.apply("broadcast", [x.slot([]).value], { shape })
  const captured = g.apply("broadcast", [x.slot([]).value], { shape })
  const scan = g.applyScan([first, k.value, captured], { iterations, carries: 1, slices: 1 }, region.finish())
  x.keep(rounded(takeResult(g, scan, 0, type), 1))
  if (stacked) x.keep(rounded(takeResult(g, scan, 1, tensorType("f32", [iterations, ...shape])), 1))
}

/** Simple ones first: a failure shrinks towards them. */
export const STEPS: readonly Step[] = [
  unary,
  binary,
  reduce,
  view,
  given,
  matmul,
  rows,
  safe,
  choice,
  integer,
  gather,
  running,
  conv,
  pool,
  dropout,
  loop,
]
