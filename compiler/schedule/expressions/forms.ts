/** schedule: linear forms as expressions. Terms stand in the order of the loops that change them, so that the terms that change least often
 *  come first and can be moved out of inner loops. */
import type { Expr } from "../../ir/kernels/types.js"
import type { ScalarOp } from "../../ir/kernels/scalar.js"
import { childrenOf } from "../../ir/kernels/walk.js"
import { type Dim, isStatic, mulDim, subDim } from "../../ir/tensor.js"
import { constantForm, type Linear, negated, nonNegative, scaled, sum, type Term } from "./linear.js"

/** The expressions that forms are written with. */
interface Terms {
  id(e: Expr): number
  int(value: number): Expr
  dimSymbol(symbol: "B" | "R"): Expr
  div(a: Expr, b: Expr): Expr
  /** An operation that is not simplified. */
  raw(op: ScalarOp, args: readonly Expr[]): Expr
  form(e: Expr): Linear
  /** From now on `e` has this form. */
  setForm(e: Expr, form: Linear): void
  /** How deep the loop over a variable stands; 0 where there is none. */
  depthOf(variable: string): number
}

export class FormWriter {
  private readonly depths = new Map<Expr, number>()
  constructor(private readonly k: Terms) {}

  expr(given: Linear): Expr {
    const form = this.recombine(given)
    if (form.terms.length === 1 && form.constant === 0 && form.terms[0]!.coef === 1)
      return form.terms[0]!.atom
    const sorted = [...form.terms].sort(
      (x, y) => this.depth(x.atom) - this.depth(y.atom) || this.k.id(x.atom) - this.k.id(y.atom),
    )
    const lead = sorted.findIndex((t) => !isNegative(t.coef))
    let out: Expr | undefined
    if (lead >= 0) out = this.product(sorted.splice(lead, 1)[0]!)
    else if (form.constant !== 0 || sorted.length === 0) out = this.dim(form.constant)
    else out = this.k.int(0)
    for (const t of sorted) {
      out = isNegative(t.coef)
        ? this.k.raw("sub", [out, this.product({ atom: t.atom, coef: negated(t.coef) })])
        : this.k.raw("add", [out, this.product(t)])
    }
    if (lead >= 0 && form.constant !== 0) {
      out = isNegative(form.constant)
        ? this.k.raw("sub", [out, this.dim(negated(form.constant))])
        : this.k.raw("add", [out, this.dim(form.constant)])
    }
    this.k.setForm(out, form)
    return out
  }
  private product(t: Term): Expr {
    if (t.coef === 1) return t.atom
    return this.k.raw("mul", [t.atom, this.dim(t.coef)])
  }
  private dim(d: Dim): Expr {
    if (isStatic(d)) return this.k.int(d)
    let out: Expr | undefined
    for (const t of d.terms) {
      const magnitude = Math.abs(t.coef)
      let term: Expr | undefined
      for (const s of t.syms) {
        const symbol = this.k.dimSymbol(s)
        term = term === undefined ? symbol : this.k.raw("mul", [term, symbol])
      }
      if (term === undefined) term = this.k.int(magnitude)
      else if (magnitude !== 1) term = this.k.raw("mul", [term, this.k.int(magnitude)])
      if (out === undefined) out = t.coef < 0 ? this.k.raw("sub", [this.k.int(0), term]) : term
      else out = this.k.raw(t.coef < 0 ? "sub" : "add", [out, term])
    }
    this.k.setForm(out!, constantForm(d))
    return out!
  }

  /** (x / d) * d*c + (x % d) * c == x * c */
  private recombine(form: Linear): Linear {
    for (const t of form.terms) {
      if (t.atom.kind !== "op" || t.atom.op !== "rem" || t.atom.type !== "i32") continue
      const [x, d] = t.atom.args as [Expr, Expr]
      const divisor = this.k.form(d)
      if (divisor.terms.length > 0) continue
      const quotient = this.k.div(x, d)
      const partner = form.terms.find((u) => u.atom === quotient)
      if (partner === undefined || subDim(partner.coef, mulDim(t.coef, divisor.constant)) !== 0) continue
      const rest: Linear = {
        terms: form.terms.filter((u) => u !== t && u !== partner),
        constant: form.constant,
      }
      return this.recombine(sum(rest, scaled(this.k.form(x), t.coef)))
    }
    return form
  }

  /** The depth of the innermost loop variable of `e`: sums start with the term that changes least often. */
  private depth(e: Expr): number {
    const known = this.depths.get(e)
    if (known !== undefined) return known
    let depth = e.kind === "ref" ? this.k.depthOf(e.name) : 0
    for (const child of childrenOf(e)) depth = Math.max(depth, this.depth(child))
    this.depths.set(e, depth)
    return depth
  }
}

const isNegative = (d: Dim): boolean => !nonNegative(d) && nonNegative(negated(d))
