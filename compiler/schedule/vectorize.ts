/** schedule: turns an expression in a variable `j` of 0..3 into one over vectors of four: element j is the expression at j.
 *  A load whose index is a multiple of 4 plus j becomes one wide load; a buffer has one width in a kernel, so a buffer that is
 *  also read in another way is read element by element everywhere.
 *  Not here:   choosing what to vectorise (the templates). */
import type { Expr } from "../ir/kernels/types.js"
import { type Dim, divDim } from "../ir/tensor.js"
import type { Exprs } from "./expr.js"

/** `narrow`: buffers that are read by element. `given`: scalars whose vector is known already (accumulators). */
export function vectorize(
  k: Exprs,
  e: Expr,
  j: string,
  narrow: (buffer: string) => boolean,
  given: ReadonlyMap<Expr, Expr> = new Map(),
): Expr {
  const memo = new Map<Expr, Expr>(given)
  const names = new Set<string>([j])
  for (const g of given.keys()) if (g.kind === "ref") names.add(g.name)
  const scalars = (x: Expr): Expr => {
    const at = (n: number): Expr =>
      k.rewrite(x, (y) => {
        const vector = given.get(y)
        if (vector !== undefined) return k.lane(vector, n)
        return y.kind === "ref" && y.name === j ? k.int(n) : undefined
      })
    return k.vec([at(0), at(1), at(2), at(3)])
  }
  const go = (x: Expr): Expr => {
    const known = memo.get(x)
    if (known !== undefined) return known
    const made = wide(x)
    memo.set(x, made)
    return made
  }
  const varies = (x: Expr): boolean => {
    for (const n of k.namesIn(x)) if (names.has(n)) return true
    return false
  }
  const wide = (x: Expr): Expr => {
    if (!varies(x)) return k.splat(x)
    switch (x.kind) {
      case "op":
        return k.op(x.op, ...x.args.map(go))
      case "load": {
        const base = narrow(x.buffer) ? undefined : alignedBase(k, x.index, j)
        return base === undefined ? scalars(x) : k.load(x.buffer, base, x.type, 4)
      }
      case "guard": {
        if (varies(x.cond)) return scalars(x)
        const then = go(x.then)
        return then.kind === "load" ? k.guard(x.cond, then, go(x.otherwise)) : scalars(x)
      }
      default:
        return scalars(x)
    }
  }
  return go(e)
}

/** The index without `j`, when that is j plus a multiple of 4. */
export function alignedBase(k: Exprs, index: Expr, j: string): Expr | undefined {
  const form = k.form(index)
  let found = false
  for (const t of form.terms) {
    if (t.atom.kind === "ref" && t.atom.name === j) {
      if (t.coef !== 1) return undefined
      found = true
    } else if (k.namesIn(t.atom).has(j) || !fourfold(t.coef)) return undefined
  }
  if (!found || !fourfold(form.constant)) return undefined
  return k.substitute(index, j, k.int(0))
}

const fourfold = (d: Dim): boolean => divDim(d, 4) !== undefined
