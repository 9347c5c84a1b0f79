/** bundle: sizes as the runtime evaluates them. */
import type { SizeExpr } from "../../runtime/bundle/format.js"
import type { Expr } from "../ir/kernels/types.js"
import type { Dim } from "../ir/tensor.js"
import { bug } from "../source/bug.js"

/** A polynomial in B and R. */
export function dimSize(d: Dim): SizeExpr {
  if (typeof d === "number") return d
  const terms = d.terms.map(({ coef, syms }) =>
    syms.reduce<SizeExpr>((product, s) => (product === 1 ? s : ["mul", product, s]), coef),
  )
  return terms.reduce((sum, t) => ["add", sum, t])
}

/** The extent of a grid loop. */
export function extentSize(e: Expr): SizeExpr {
  if (e.kind === "const") return e.value
  if (e.kind === "dim") return e.symbol
  if (e.kind === "op") {
    const { op, args } = e
    if (op === "add" || op === "sub" || op === "mul" || op === "div" || op === "min" || op === "max")
      return [op, extentSize(args[0]!), extentSize(args[1]!)]
  }
  return bug(`a grid extent cannot be ${e.kind === "op" ? e.op : e.kind}`)
}
