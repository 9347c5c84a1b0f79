/** schedule: operations on two indices that bounds and linear forms decide at compile time. */
import type { Expr, ScalarType } from "../../ir/kernels/types.js"
import type { ScalarOp } from "../../ir/kernels/scalar.js"
import { addDim, subDim } from "../../ir/tensor.js"
import { negated, nonNegative, type Range } from "./linear.js"

interface Integers {
  add(a: Expr, b: Expr): Expr
  sub(a: Expr, b: Expr): Expr
  mul(a: Expr, b: Expr): Expr
  constant(value: number, type: ScalarType): Expr
  range(e: Expr): Range
  /** Whether x % d is surely 0, or surely not. */
  divides(e: Expr): boolean | undefined
}

/** The simplified operation; undefined: it is computed at run time. */
export function simplifiedInteger(k: Integers, op: ScalarOp, a: Expr, b: Expr): Expr | undefined {
  switch (op) {
    case "add":
      return k.add(a, b)
    case "sub":
      return k.sub(a, b)
    case "mul":
      return k.mul(a, b)
    case "lt":
      return compare(k, k.sub(b, a), -1) ?? undefined
    case "gt":
      return compare(k, k.sub(a, b), -1) ?? undefined
    case "le":
      return compare(k, k.sub(b, a), 0) ?? undefined
    case "ge":
      return compare(k, k.sub(a, b), 0) ?? undefined
    case "eq":
    case "ne": {
      const difference = k.sub(a, b)
      if (difference.kind === "const")
        return k.constant(Number((difference.value === 0) === (op === "eq")), "bool")
      const divides = b.kind === "const" && b.value === 0 ? k.divides(a) : undefined
      if (divides !== undefined) return k.constant(Number(divides === (op === "eq")), "bool")
      const { lo, hi } = k.range(difference)
      const apart =
        (lo !== undefined && nonNegative(subDim(lo, 1))) ||
        (hi !== undefined && nonNegative(subDim(negated(hi), 1)))
      return apart ? k.constant(Number(op === "ne"), "bool") : undefined
    }
    case "min":
    case "max": {
      const { lo, hi } = k.range(k.sub(a, b))
      if (lo !== undefined && nonNegative(lo)) return op === "max" ? a : b
      if (hi !== undefined && nonNegative(negated(hi))) return op === "max" ? b : a
      return undefined
    }
    default:
      return undefined
  }
}

/** Whether difference + offset >= 0, where that can be proven. */
function compare(k: Integers, difference: Expr, offset: number): Expr | undefined {
  const { lo, hi } = k.range(difference)
  if (lo !== undefined && nonNegative(addDim(lo, offset))) return k.constant(1, "bool")
  if (hi !== undefined && nonNegative(subDim(negated(addDim(hi, offset)), 1))) return k.constant(0, "bool")
  return undefined
}
