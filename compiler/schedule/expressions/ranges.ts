/** schedule: bounds of index expressions, proven for every B >= 1 and R >= 1. */
import type { Expr } from "../../ir/kernels/types.js"
import { addDim, type Dim, divDim, isStatic, subDim } from "../../ir/tensor.js"
import { type Linear, nonNegative, type Range, UNKNOWN } from "./linear.js"

/** Facts about expressions: the linear form and the bounds of each, and the extent of a loop variable. */
export interface Bounds {
  form(e: Expr): Linear
  range(e: Expr): Range
  /** undefined: no loop variable has that name. */
  variable(name: string): { readonly extent: Dim | undefined } | undefined
}

/** The bounds of an expression that is no sum. */
export function rangeOfAtom(bounds: Bounds, atom: Expr): Range {
  if (atom.kind === "ref") {
    const v = bounds.variable(atom.name)
    if (v === undefined) return UNKNOWN
    return { lo: 0, hi: v.extent === undefined ? undefined : subDim(v.extent, 1) }
  }
  if (atom.kind === "param" && atom.name === "iteration") return { lo: 0, hi: undefined }
  if (atom.kind !== "op") return UNKNOWN
  const [a, b, c] = atom.args
  if (atom.op === "rem" || atom.op === "div") {
    const d = bounds.form(b!)
    const x = bounds.range(a!)
    if (d.terms.length > 0 || x.lo === undefined || !nonNegative(x.lo)) return UNKNOWN
    if (atom.op === "rem") return { lo: 0, hi: subDim(d.constant, 1) }
    if (x.hi === undefined) return { lo: 0, hi: undefined }
    const exact = divDim(addDim(x.hi, 1), d.constant)
    if (exact !== undefined) return { lo: 0, hi: subDim(exact, 1) }
    return { lo: 0, hi: isStatic(x.hi) && isStatic(d.constant) ? Math.floor(x.hi / d.constant) : undefined }
  }
  if (atom.op === "min" || atom.op === "max" || atom.op === "select") {
    const [x, y] =
      atom.op === "select" ? [bounds.range(b!), bounds.range(c!)] : [bounds.range(a!), bounds.range(b!)]
    const pick = (
      p: Dim | undefined,
      q: Dim | undefined,
      largest: boolean,
      either: boolean,
    ): Dim | undefined => {
      if (p === undefined || q === undefined) return either ? (p ?? q) : undefined
      if (nonNegative(subDim(p, q))) return largest ? p : q
      return nonNegative(subDim(q, p)) ? (largest ? q : p) : either ? p : undefined
    }
    return {
      lo: pick(x.lo, y.lo, atom.op === "max", atom.op === "max"),
      hi: pick(x.hi, y.hi, atom.op !== "min", atom.op === "min"),
    }
  }
  return UNKNOWN
}
