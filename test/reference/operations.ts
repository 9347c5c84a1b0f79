// The op vocabulary of the cases, as calls of the standard library. Most ops have its names and its arguments; the table
// holds those that differ.

import type { Attrs, Json } from "./case.js"

/** An op the language has no words for. */
export class NoSuchOperation extends Error {
  constructor(op: string) {
    super(`no such operation: ${op}`)
  }
}

export interface Spelling {
  /** Names that the standard library declares. */
  readonly known: ReadonlySet<string>
  /** Rows of a batch: a size that equals it in an attribute stands for the batch, written as this expression. */
  readonly batch?: { readonly rows: number; readonly text: string }
}

type Spell = (args: readonly string[], attrs: Attrs, cx: Spelling) => string

/** `gelu(t1, approximate: "tanh")` */
export function spell(op: string, args: readonly string[], attrs: Attrs, cx: Spelling): string {
  const special = SPECIAL[op]
  if (special !== undefined) return special(args, attrs, cx)
  if (!cx.known.has(op) && DECLARED[op] === undefined) throw new NoSuchOperation(op)
  return call(op, args, attrs)
}

/** A constant of the language. */
export function constant(value: Json): string {
  if (value === null) return "none"
  if (isList(value)) return `[${value.map(constant).join(", ")}]`
  if (typeof value === "number" && Number.isFinite(value)) return String(value)
  if (typeof value === "string" || typeof value === "boolean") return JSON.stringify(value)
  throw new Error(`the attribute ${JSON.stringify(value)} cannot be written`)
}

/** An attribute that an operation cannot do without. */
export function required(attrs: Attrs, name: string): Json {
  const value = attrs[name]
  if (value === undefined) throw new Error(`the attribute \`${name}\` is missing`)
  return value
}

function call(name: string, args: readonly string[], attrs: Attrs): string {
  const named = Object.entries(attrs).map(([key, value]) => `${key}: ${constant(value)}`)
  return `${name}(${[...args, ...named].join(", ")})`
}

const renamed =
  (name: string, names: Readonly<Record<string, string>> = {}): Spell =>
  (args, attrs) =>
    call(
      name,
      args,
      Object.fromEntries(Object.entries(attrs).map(([key, value]) => [names[key] ?? key, value])),
    )

const reduction = (name: string): Spell => renamed(name, { axes: "axis" })
const number =
  (name: string): Spell =>
  (args, attrs) =>
    `f32(${call(name, args, attrs)})`

const SPECIAL: Readonly<Record<string, Spell>> = {
  hinge_margin_pair: renamed("contrastive"),
  sum: reduction("sum"),
  mean: reduction("mean"),
  max: reduction("max"),
  min: reduction("min"),
  prod: reduction("prod"),
  var: reduction("variance"),
  std: reduction("std"),
  logsumexp: reduction("logsumexp"),
  norm: reduction("norm"),
  eq: number("eq"),
  gt: number("gt"),
  le: number("le"),
  pow_scalar: ([x], attrs) => `pow(${x}, ${constant(required(attrs, "exponent"))})`,
  transpose: ([x], attrs) => `transpose(${x}, ${listOf(attrs, "axes").map(constant).join(", ")})`,
  slice: ([x], attrs) => `${x}[${listOf(attrs, "ranges").map(range).join(", ")}]`,
  split_take: ([x], attrs) => {
    const [sizes, axis, take] = ["sizes", "axis", "take"].map((name) => constant(required(attrs, name)))
    return `split_sizes(${x}, ${sizes}, ${axis})[${take}]`
  },
  concat: (args, attrs) => `cat([${args.join(", ")}], ${constant(required(attrs, "axis"))})`,
  stack: (args, attrs) => `stack([${args.join(", ")}], ${constant(required(attrs, "axis"))})`,
  reshape: shaped("reshape"),
  expand: shaped("expand"),
  embedding: ([table, index]) => `embedding(${index}, ${table})`,
  cross_entropy_soft: renamed("cross_entropy"),
  group_norm: ([x, weight, bias], attrs) =>
    call("group_norm", [x ?? "", `weight: ${weight}`, `bias: ${bias}`], attrs),
  // Minus infinity is what the library fills in by itself.
  causal_mask_fill: ([x], { value = "-inf" }) =>
    call("causal_mask_fill", [x ?? ""], value === "-inf" ? {} : { value }),
}

/** Functions that a program declares itself for an op. */
export const DECLARED: Readonly<Record<string, string>> = {
  batch_norm: `fn other_axes(rank: int) {
  var axes = [0]
  for i in 2..rank { axes = axes + [i] }
  axes
}
`,
}

const isList = (value: Json): value is readonly Json[] => Array.isArray(value)
function listOf(attrs: Attrs, name: string): readonly Json[] {
  const value = required(attrs, name)
  if (!isList(value)) throw new Error(`the attribute \`${name}\` should be a list: ${JSON.stringify(value)}`)
  return value
}

function range(value: Json): string {
  if (value === null) return ":"
  if (!isList(value)) throw new Error(`a range should be a list: ${JSON.stringify(value)}`)
  const [start, stop, step] = value.map(constant)
  return step === "1" ? `${start}:${stop}` : `${start}:${stop}:${step}`
}

/** A shape whose first size is the batch follows the batch, so that the last, smaller one fits too. */
function shaped(name: string): Spell {
  return ([x], attrs, { batch }) => {
    const sizes = listOf(attrs, "shape").map((size, axis) =>
      axis === 0 && batch !== undefined && size === batch.rows ? batch.text : constant(size),
    )
    return `${name}(${x}, [${sizes.join(", ")}])`
  }
}
