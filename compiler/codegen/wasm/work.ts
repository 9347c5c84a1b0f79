/** codegen/wasm: how much a workgroup of a kernel computes, roughly, in scalar operations: what decides on threads.
 *  Sizes known only at run time are taken at nominal values. */
import { evalSize, openGrid } from "../../ir/kernels/grid.js"
import type { Expr, Kernel, Stmt } from "../../ir/kernels/types.js"
import { partsOf } from "./phases.js"

const NOMINAL = { B: 64, R: 4096 }
/** A function of math/ costs about as much as this many operations. */
const FUNCTION = 10
const FUNCTIONS: ReadonlySet<string> = new Set(
  "exp exp2 expm1 log log2 log1p sin cos tan asin atan sinh cosh tanh erf pow atan2".split(" "),
)

export function workOf(kernel: Kernel): number {
  const { lanes, body } = openGrid(kernel.body)
  return Math.max(1, (lanes?.extent ?? 1) * ofBlock(body))
}

const ofBlock = (body: readonly Stmt[]): number => body.reduce((sum, s) => sum + ofStmt(s), 0)

function ofStmt(s: Stmt): number {
  switch (s.kind) {
    case "for":
      return trips(s.extent) * ofBlock(s.body)
    case "when":
      return ofExpr(s.cond) + ofBlock(s.then)
    case "let":
    case "set":
      return ofExpr(s.value)
    case "var":
      return ofExpr(s.init)
    case "store":
    case "store-shared":
      return ofExpr(s.index) + ofExpr(s.value) + 1
    case "barrier":
      return 0
  }
}

function ofExpr(e: Expr): number {
  const own = e.kind === "op" ? (FUNCTIONS.has(e.op) ? FUNCTION : 1) : e.kind === "load" ? 1 : 0
  return partsOf(e).reduce((sum, part) => sum + ofExpr(part), own)
}

/** An extent that depends on a loop around is taken as 8. */
function trips(extent: Expr): number {
  return onlySizes(extent) ? evalSize(extent, NOMINAL) : 8
}
const onlySizes = (e: Expr): boolean =>
  e.kind === "const" || e.kind === "dim" || (e.kind === "op" && e.args.every(onlySizes))
