/** ir/text: how numbers, dims, tensor types, slot names and origins are written in every IR text.
 *  Guarantees: reading what was printed gives the same value, bit for bit for numbers.
 *  Not here:   tokens and cursor (`scanner.ts`). */
import { findOp } from "../../ops/index.js"
import type { OpName } from "../op-name.js"
import type { Origin } from "../origin.js"
import { NOWHERE } from "../origin.js"
import type { Dim, DType, TensorType } from "../tensor.js"
import { addDim, DIM_SYMBOLS, mulDim, subDim, tensorType } from "../tensor.js"
import { jsonText } from "../../source/visible.js"
import type { Cursor } from "./scanner.js"

/** Shortest text that reads back as the same double. */
export const printNumber = (x: number): string =>
  Number.isNaN(x)
    ? "nan"
    : x === Infinity
      ? "inf"
      : x === -Infinity
        ? "-inf"
        : Object.is(x, -0)
          ? "-0"
          : String(x)

const PLAIN_SLOT = /^[A-Za-z0-9_]+(?:[./][A-Za-z0-9_]+)*$/
/** `@Classifier.linear.0.weight`, quoted where the name has other characters. */
export const printSlotName = (name: string): string => `@${PLAIN_SLOT.test(name) ? name : jsonText(name)}`

const PLAIN_NAME = /^[A-Za-z_][A-Za-z0-9_]*(?:[./][A-Za-z0-9_]+)*$/
/** A name as it is where the scanner reads it as one token, else quoted; `parseName` reads both. */
export const printName = (name: string): string => (PLAIN_NAME.test(name) ? name : jsonText(name))
export const parseName = (c: Cursor, what = "a name"): string =>
  c.isKind("string") ? c.string() : c.name(what)

/** `30`, `B`, `2*B*R-1`, as `printDim` prints them. */
export function parseDimAt(c: Cursor): Dim {
  let dim = parseDimTerm(c)
  for (;;) {
    if (c.accept("+")) dim = addDim(dim, parseDimTerm(c))
    else if (c.accept("-")) dim = subDim(dim, parseDimTerm(c))
    else return dim
  }
}

function parseDimTerm(c: Cursor): Dim {
  let term = parseDimFactor(c)
  while (c.accept("*")) term = mulDim(term, parseDimFactor(c))
  return term
}

function parseDimFactor(c: Cursor): Dim {
  const negative = c.accept("-")
  const symbol = DIM_SYMBOLS.find((s) => c.is(s))
  const factor: Dim = symbol === undefined ? c.integer() : { terms: [{ coef: 1, syms: [symbol] }] }
  if (symbol !== undefined) c.next()
  return negative ? mulDim(factor, -1) : factor
}

export function oneOf<T extends string>(c: Cursor, options: readonly T[]): T {
  const at = c.peek()
  const word = c.name()
  return options.find((o) => o === word) ?? c.fail(`expected ${options.join(", ")}, found \`${word}\``, at)
}

const DTYPES: readonly DType[] = ["f32", "f16", "i32", "u32", "bool"]
export function parseDType(c: Cursor): DType {
  const token = c.peek()
  const text = c.name("a dtype")
  return (
    DTYPES.find((d) => d === text) ??
    c.fail(`unknown dtype \`${text}\`; there are ${DTYPES.join(", ")}`, token)
  )
}

/** `f32[B, 30]`, or `f32` for a scalar. */
export function parseTypeAt(c: Cursor): TensorType {
  const dtype = parseDType(c)
  return tensorType(dtype, c.is("[") ? c.list("[", "]", () => parseDimAt(c)) : [])
}

/** `cancer.nn:10:8 in Classifier.linear.0 by autodiff`; empty for NOWHERE. */
export const printOrigin = (o: Origin): string =>
  [o.at, o.in === undefined ? "" : `in ${o.in}`, o.by === undefined ? "" : `by ${o.by}`]
    .filter((s) => s !== "")
    .join(" ")

const ORIGIN = /^(?:(?!in |by )(?<at>.+?)(?= in | by |$))?\s?(?:in (?<in>\S+))?\s?(?:by (?<by>\S+))?$/
/** Reads the text that `printOrigin` prints; a comment that is no origin becomes its `at`. */
export function parseOrigin(comment: string | undefined): Origin {
  if (comment === undefined || comment === "") return NOWHERE
  const groups = ORIGIN.exec(comment)?.groups
  if (groups === undefined) return { at: comment }
  return {
    at: groups.at ?? "",
    ...(groups.in === undefined ? {} : { in: groups.in }),
    ...(groups.by === undefined ? {} : { by: groups.by }),
  }
}

/** `  // origin`, or nothing. */
export const originComment = (o: Origin): string => {
  const text = printOrigin(o)
  return text === "" ? "" : `  // ${text}`
}

/** The name of an operation that there is. */
export function parseOp(c: Cursor): OpName {
  const token = c.peek()
  const name = c.name("an operation")
  return findOp(name)?.name ?? c.fail(`there is no operation \`${name}\``, token)
}
