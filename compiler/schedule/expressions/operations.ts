/** schedule: how much an expression costs to compute. */
import type { ScalarOp } from "../../ir/kernels/scalar.js"
import type { Expr, ScalarType } from "../../ir/kernels/types.js"
import { childrenOf } from "../../ir/kernels/walk.js"

/** How many different operations on values (not indices) `e` is made of. */
export function operationsIn(e: Expr): number {
  return count(
    e,
    (x) => x.kind !== "load",
    (type) => type !== "i32",
  )
}
/** The same with operations on indices, those of loads too. */
export function allOperationsIn(e: Expr): number {
  return count(
    e,
    () => true,
    () => true,
  )
}

function count(e: Expr, enter: (x: Expr) => boolean, counts: (type: ScalarType) => boolean): number {
  const seen = new Set<Expr>()
  const visit = (x: Expr): number => {
    if (seen.has(x)) return 0
    seen.add(x)
    if (!enter(x)) return 0
    const own = x.kind === "op" && counts(x.type) ? (SLOW[x.op] ?? 1) : 0
    return childrenOf(x).reduce((n, part) => n + visit(part), own)
  }
  return visit(e)
}
/** Functions that count for more than one operation. */
const SLOW: Readonly<Partial<Record<ScalarOp, number>>> = {
  exp: 8,
  exp2: 8,
  expm1: 12,
  log: 8,
  log1p: 12,
  log2: 8,
  pow: 16,
  sin: 8,
  cos: 8,
  tan: 12,
  tanh: 16,
  erf: 24,
  atan2: 16,
  asin: 12,
  atan: 12,
  sinh: 16,
  cosh: 16,
  div: 2,
  sqrt: 2,
  mulhi: 6,
  philox: 180,
}
