/** schedule: quotients and remainders of linear forms: divisible terms are divided, terms that stay below the divisor vanish, and the rest
 *  is divided at run time. Dividends are indices, so never negative. */
import type { Expr } from "../../ir/kernels/types.js"
import type { ScalarOp } from "../../ir/kernels/scalar.js"
import { type Dim, divDim, isStatic, mulDim } from "../../ir/tensor.js"
import { type Linear, nonNegative, type Range, type Term, within } from "./linear.js"

/** The arithmetic that quotients are made of. */
interface Arithmetic {
  add(a: Expr, b: Expr): Expr
  mul(a: Expr, b: Expr): Expr
  div(a: Expr, b: Expr): Expr
  rem(a: Expr, b: Expr): Expr
  int(value: number): Expr
  dim(d: Dim): Expr
  /** An operation that is not simplified. */
  raw(op: ScalarOp, args: readonly Expr[]): Expr
  form(e: Expr): Linear
  fromForm(form: Linear): Expr
  rangeOfForm(form: Linear): Range
}

export class Division {
  constructor(private readonly k: Arithmetic) {}

  /** Whether x % d is surely 0, or surely not; x may be negative. */
  divides(e: Expr): boolean | undefined {
    if (e.kind !== "op" || e.op !== "rem" || e.type !== "i32") return undefined
    const by = this.k.form(e.args[1]!)
    if (by.terms.length > 0 || !isStatic(by.constant) || by.constant < 1) return undefined
    const { rest } = this.divideForm(this.k.form(e.args[0]!), by.constant)
    return rest.terms.length === 0 && isStatic(rest.constant) ? rest.constant === 0 : undefined
  }
  /** Splits a form into divisible terms, terms that stay below the divisor, and terms to be divided at run time. */
  split(a: Expr, b: Expr): { quotient: () => Expr; remainder: () => Expr } {
    const x = this.k.form(a)
    const d = this.k.form(b)
    const plain = { quotient: () => this.k.raw("div", [a, b]), remainder: () => this.k.raw("rem", [a, b]) }
    if (d.terms.length > 0 || d.constant === 0) return plain
    const by = d.constant
    if (by === 1) return { quotient: () => a, remainder: () => this.k.int(0) }
    const { whole, rest } = this.divideForm(x, by)
    const restRange = this.k.rangeOfForm(rest)
    if (within(restRange, by))
      return { quotient: () => this.k.fromForm(whole), remainder: () => this.k.fromForm(rest) }
    if (restRange.lo === undefined || !nonNegative(restRange.lo)) return plain
    return {
      quotient: () => this.k.add(this.k.fromForm(whole), this.quotientOf(rest, by)),
      remainder: () => this.remainderOf(rest, by),
    }
  }
  /** form == whole * by + rest, each term going where its coefficient divides. */
  private divideForm(form: Linear, by: Dim): { whole: Linear; rest: Linear } {
    const whole: Term[] = []
    const rest: Term[] = []
    for (const t of form.terms) {
      const coef = divDim(t.coef, by)
      if (coef === undefined) rest.push(t)
      else whole.push({ atom: t.atom, coef })
    }
    let constant: Dim = 0
    let left: Dim = form.constant
    if (isStatic(left) && isStatic(by)) {
      constant = Math.floor(left / by)
      left = left - constant * by
    } else {
      const exact = divDim(left, by)
      if (exact !== undefined) {
        constant = exact
        left = 0
      }
    }
    return { whole: { terms: whole, constant }, rest: { terms: rest, constant: left } }
  }
  private quotientOf(rest: Linear, by: Dim): Expr {
    const common = this.commonFactor(rest, by)
    if (common !== undefined) return this.k.div(this.k.fromForm(common.whole), this.k.dim(common.by))
    const x = this.k.fromForm(rest)
    // (y / p) / q == y / (p*q)
    if (x.kind === "op" && x.op === "div") {
      const inner = this.k.form(x.args[1]!)
      if (inner.terms.length === 0) return this.k.div(x.args[0]!, this.k.dim(mulDim(inner.constant, by)))
    }
    // (y % p) / q == (y / q) % (p / q) where q divides p
    if (x.kind === "op" && x.op === "rem") {
      const p = this.k.form(x.args[1]!)
      const ratio = p.terms.length === 0 ? divDim(p.constant, by) : undefined
      if (ratio !== undefined) return this.k.rem(this.k.div(x.args[0]!, this.k.dim(by)), this.k.dim(ratio))
    }
    return this.k.raw("div", [x, this.k.dim(by)])
  }
  private remainderOf(rest: Linear, by: Dim): Expr {
    const common = this.commonFactor(rest, by)
    if (common !== undefined) {
      const inner = this.k.rem(this.k.fromForm(common.whole), this.k.dim(common.by))
      return this.k.add(this.k.mul(inner, this.k.dim(common.factor)), this.k.fromForm(common.rest))
    }
    const x = this.k.fromForm(rest)
    // (y % p) % q == y % q where q divides p
    if (x.kind === "op" && x.op === "rem") {
      const p = this.k.form(x.args[1]!)
      if (p.terms.length === 0 && divDim(p.constant, by) !== undefined)
        return this.k.rem(x.args[0]!, this.k.dim(by))
    }
    return this.k.raw("rem", [x, this.k.dim(by)])
  }
  /** rest == factor * whole + small with 0 <= small < factor and by == factor * by': both sides can be divided by factor. */
  private commonFactor(
    rest: Linear,
    by: Dim,
  ): { factor: Dim; by: Dim; whole: Linear; rest: Linear } | undefined {
    const candidates: Dim[] = []
    for (const t of rest.terms) {
      if (isStatic(t.coef) && isStatic(by)) {
        const g = gcd(Math.abs(t.coef), by)
        if (g > 1) candidates.push(g)
      } else if (t.coef !== 1 && divDim(by, t.coef) !== undefined) candidates.push(t.coef)
    }
    for (const factor of candidates) {
      const smaller = divDim(by, factor)
      if (smaller === undefined) continue
      const { whole, rest: small } = this.divideForm(rest, factor)
      if (within(this.k.rangeOfForm(small), factor)) {
        return { factor, by: smaller, whole, rest: small }
      }
    }
    return undefined
  }
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b))
