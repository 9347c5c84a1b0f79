/** pytorch/ops: constants, and the same elements at other indices. */
import type { OpName } from "../../ir/op-name.js"
import { type Dim, isStatic, sameDim, sameShape, type Shape } from "../../ir/tensor.js"
import { dimAttr, dimsAttr, dtypeAttr, floatAttr, intAttr, intsAttr } from "../../ops/attrs.js"
import { atom, attribute, call, type Code, list, method, numberText, subscript, tuple } from "../python.js"
import { TORCH_DTYPES } from "./pointwise.js"
import { made, type Scope, type Spelling, type Term } from "./spelling.js"

const constant: Spelling = ({ attrs, type }) => {
  const value = floatAttr(attrs, "value")
  const { dtype, shape } = type
  const code =
    dtype === "bool"
      ? atom(value === 0 ? "False" : "True")
      : numberText(value, dtype === "f32" || dtype === "f16")
  return { code, dtype, shape, held: [], scalar: true }
}

const iota: Spelling = ({ attrs, type, w }) => {
  const axis = intAttr(attrs, "axis")
  const size = type.shape[axis]!
  const dtype = TORCH_DTYPES[dtypeAttr(attrs, "dtype")!]
  // Rows of a batch are counted over all processes.
  const counted = isStatic(size)
    ? call("torch.arange", w.size(size), `dtype=${dtype}`)
    : call("parallel.row_numbers", w.size(size), `dtype=${dtype}`)
  const held = type.shape.map((d, a): Dim => (a === axis ? d : 1)).slice(axis)
  return made(laidAlong(counted, held.length), type, held)
}
/** A vector along the first of so many axes. */
const laidAlong = (vector: Code, rank: number): Code =>
  rank === 1 ? vector : subscript(vector, ":", ...Array.from({ length: rank - 1 }, () => "None"))

/** -1 for the one size that is not known, and for a first axis that stays: so the same code takes any number of rows. */
export function reshaped(w: Scope, x: Term, shape: Shape): Code {
  const whole = w.whole(x)
  if (sameShape(x.shape, shape)) return whole
  const unknown = shape.filter((d) => !isStatic(d))
  const isEmpty = shape.includes(0)
  const open =
    unknown.length === 1 ? shape.findIndex((d) => !isStatic(d)) : staysFirst(x.shape, shape) ? 0 : -1
  const sizes =
    open >= 0 && !isEmpty
      ? w.sizes(shape.map((d, a) => (a === open ? 1 : d))).map((size, a) => (a === open ? "-1" : size))
      : w.sizes(shape)
  return method(whole, "reshape", ...(sizes.length === 0 ? ["()"] : sizes))
}

const staysFirst = (from: Shape, to: Shape): boolean =>
  from.length > 0 && to.length > 0 && from[0] === to[0] && from.every(isStatic) && from[0] !== 1

const slice: Spelling = ({ args: [x], attrs, type, w }) => {
  const [starts, stops] = [dimsAttr(attrs, "starts"), dimsAttr(attrs, "stops")]
  const steps = intsAttr(attrs, "steps")
  const { shape } = x!
  const items = shape.map((size, a) => {
    const [start, stop, step] = [starts[a]!, stops[a]!, steps[a]!]
    const from = start === 0 ? "" : w.size(start).text
    const to = sameDim(stop, size) ? "" : w.size(stop).text
    if (!isStatic(size) && (from !== "" || to !== "" || step !== 1)) w.acrossRows()
    return `${from}:${to}${step === 1 ? "" : `:${step}`}`
  })
  const last = items.findLastIndex((item) => item !== ":")
  if (last < 0) return x!
  const whole = w.whole(x!)
  const first = items.findIndex((item) => item !== ":")
  const short =
    first > 1 && last === items.length - 1 ? ["...", ...items.slice(first)] : items.slice(0, last + 1)
  return made(subscript(whole, ...short), type)
}

const pad: Spelling = ({ args: [x], attrs, type, w }) => {
  const [low, high] = [dimsAttr(attrs, "low"), dimsAttr(attrs, "high")]
  const interior = intsAttr(attrs, "interior")
  const value = numberText(floatAttr(attrs, "value"), true).text
  if ([...low, ...high, ...interior].every((d) => d === 0)) return x!
  if (x!.shape.some((d, a) => !isStatic(d) && (low[a] !== 0 || high[a] !== 0 || interior[a] !== 0)))
    w.acrossRows()
  const whole = w.whole(x!)
  const isPlain = interior.every((n) => n === 0)
  if (!isPlain) {
    const widths = low.map((l, a) => tuple([w.size(l).text, w.size(high[a]!).text, String(interior[a])]))
    return made(call("ops.pad", whole, list(widths), value), type)
  }
  const first = low.findIndex((d, a) => d !== 0 || high[a] !== 0)
  // F.pad counts from the last axis.
  const widths = low
    .map((l, a) => [w.size(l).text, w.size(high[a]!).text])
    .slice(first)
    .reverse()
    .flat()
  return made(call("F.pad", whole, tuple(widths), ...(value === "0.0" ? [] : [`value=${value}`])), type)
}

const transpose: Spelling = ({ args: [x], attrs, type, w }) => {
  const perm = intsAttr(attrs, "perm")
  if (perm.every((p, a) => p === a)) return x!
  const whole = w.whole(x!)
  const moved = perm.flatMap((p, a) => (p === a ? [] : [a]))
  if (perm.length === 2) return made(attribute(whole, "T"), type)
  if (moved.length === 2) return made(method(whole, "transpose", ...moved.map(String)), type)
  return made(method(whole, "permute", ...perm.map(String)), type)
}

export const MOVEMENT = {
  constant,
  iota,
  size: ({ attrs, type, w }) => ({
    code: w.globalSize(dimAttr(attrs, "dim")),
    dtype: type.dtype,
    shape: [],
    held: [],
    scalar: true,
  }),
  broadcast: ({ args: [x], attrs }) => ({ ...x!, shape: dimsAttr(attrs, "shape") }),
  reshape: ({ args: [x], attrs, type, w }) => {
    const shape = dimsAttr(attrs, "shape")
    // One number everywhere stays so under any shape.
    if (x!.held.length === 0) return { ...x!, shape }
    return made(reshaped(w, x!, shape), type)
  },
  transpose,
  flip: ({ args: [x], attrs, type, w }) => {
    const axes = intsAttr(attrs, "axes")
    if (axes.some((a) => !isStatic(x!.shape[a]!))) w.acrossRows()
    return axes.length === 0 ? x! : made(method(w.whole(x!), "flip", ...axes.map(String)), type)
  },
  concat: ({ args, attrs, type, w }) => {
    const axis = intAttr(attrs, "axis")
    if (!isStatic(type.shape[axis]!)) w.acrossRows()
    const parts = list(args.map((a) => w.whole(a).text))
    return made(call("torch.cat", parts, ...(axis === 0 ? [] : [`dim=${axis}`])), type)
  },
  slice,
  pad,
} satisfies Partial<Record<OpName, Spelling>>
