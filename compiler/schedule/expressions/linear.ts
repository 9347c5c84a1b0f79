/** schedule: linear forms over index variables: sum of coefficient * atom, plus a constant.
 *  Coefficients are `Dim`s, so `b*30 + B*i` is linear too. Bounds are proven for every B >= 1 and R >= 1.
 *  Not here: building expressions out of them (`expressions/exprs.ts`). */
import type { Expr } from "../../ir/kernels/types.js"
import { addDim, type Dim, isStatic, mulDim, subDim } from "../../ir/tensor.js"

export interface Term {
  readonly atom: Expr
  readonly coef: Dim
}
export interface Linear {
  readonly terms: readonly Term[]
  readonly constant: Dim
}
/** Inclusive bounds; undefined: unknown. */
export interface Range {
  readonly lo: Dim | undefined
  readonly hi: Dim | undefined
}

export const UNKNOWN: Range = { lo: undefined, hi: undefined }
export const constantForm = (constant: Dim): Linear => ({ terms: [], constant })

/** Proves d >= 0 whatever the symbols (each at least 1): only the constant may be negative, and the sum must not be. */
export function nonNegative(d: Dim): boolean {
  if (isStatic(d)) return d >= 0
  return (
    d.terms.every((t) => t.coef >= 0 || t.syms.length === 0) &&
    d.terms.reduce((sum, t) => sum + t.coef, 0) >= 0
  )
}

export const negated = (d: Dim): Dim => mulDim(d, -1)

export function scaled(a: Linear, by: Dim): Linear {
  if (by === 0) return constantForm(0)
  if (by === 1) return a
  return {
    terms: a.terms.map((t) => ({ atom: t.atom, coef: mulDim(t.coef, by) })),
    constant: mulDim(a.constant, by),
  }
}

export function sum(a: Linear, b: Linear): Linear {
  const constant = addDim(a.constant, b.constant)
  if (b.terms.length === 0) return { terms: a.terms, constant }
  if (a.terms.length === 0) return { terms: b.terms, constant }
  const coefs = new Map<Expr, Dim>()
  for (const t of a.terms) coefs.set(t.atom, t.coef)
  for (const t of b.terms) {
    const old = coefs.get(t.atom)
    const coef = old === undefined ? t.coef : addDim(old, t.coef)
    if (coef === 0) coefs.delete(t.atom)
    else coefs.set(t.atom, coef)
  }
  return { terms: [...coefs].map(([atom, coef]) => ({ atom, coef })), constant }
}

/** Bounds of a form from the bounds of its atoms. */
export function rangeOfForm(a: Linear, rangeOf: (atom: Expr) => Range): Range {
  let lo: Dim | undefined = a.constant
  let hi: Dim | undefined = a.constant
  for (const { atom, coef } of a.terms) {
    const r = rangeOf(atom)
    const up = nonNegative(coef)
    if (!up && !nonNegative(negated(coef))) return UNKNOWN
    const low: Dim | undefined = up ? r.lo : r.hi
    const high: Dim | undefined = up ? r.hi : r.lo
    lo = lo === undefined || low === undefined ? undefined : addDim(lo, mulDim(coef, low))
    hi = hi === undefined || high === undefined ? undefined : addDim(hi, mulDim(coef, high))
    if (lo === undefined && hi === undefined) return UNKNOWN
  }
  return { lo, hi }
}

/** Proves 0 <= r < bound. */
export const within = (r: Range, bound: Dim): boolean =>
  r.lo !== undefined && r.hi !== undefined && nonNegative(r.lo) && nonNegative(subDim(subDim(bound, r.hi), 1))
