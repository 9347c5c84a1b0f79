/** codegen/wasm: how much a workgroup of a kernel computes, roughly, in scalar operations, by which the number of threads is decided.
 *  Sizes known only at run time are taken at nominal values. */
import { evalSize, openGrid } from "../../ir/kernels/grid.js"
import type { Expr, Kernel, Stmt } from "../../ir/kernels/types.js"
import { childrenOf } from "../../ir/kernels/walk.js"

const NOMINAL = { B: 64, R: 4096 }
/** A function of math/ costs about as much as this many operations. */
const FUNCTION = 10
const FUNCTIONS: ReadonlySet<string> = new Set(
  "exp exp2 expm1 log log2 log1p sin cos tan asin atan sinh cosh tanh erf pow atan2".split(" "),
)

export function workOf(kernel: Kernel): number {
  const { lanes, body } = openGrid(kernel.body)
  return Math.max(1, (lanes?.extent ?? 1) * ofBlock(body, new Map()))
}

/** Values by name. */
type Lets = Map<string, Expr>

const ofBlock = (body: readonly Stmt[], lets: Lets): number =>
  body.reduce((sum, s) => sum + ofStmt(s, lets), 0)

function ofStmt(s: Stmt, lets: Lets): number {
  switch (s.kind) {
    case "for":
      return (most(s.extent, lets) ?? UNKNOWN_TRIPS) * ofBlock(s.body, lets)
    case "when":
      return ofExpr(s.cond) + ofBlock(s.then, lets)
    case "let":
      lets.set(s.name, s.value)
      return ofExpr(s.value)
    case "set":
      return ofExpr(s.value)
    case "var":
      return ofExpr(s.init)
    case "store":
    case "store-shared":
      return ofExpr(s.index) + ofExpr(s.value) + 1
    case "join":
      return ofExpr(s.value) + 1
    case "barrier":
      return 0
  }
}

function ofExpr(e: Expr): number {
  const own = e.kind === "op" ? (FUNCTIONS.has(e.op) ? FUNCTION : 1) : e.kind === "load" ? 1 : 0
  return childrenOf(e).reduce((sum, part) => sum + ofExpr(part), own)
}

/** Iterations of a loop whose extent depends on a loop around in a way that shows no bound. */
const UNKNOWN_TRIPS = 8
const GROWING: Readonly<Record<string, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  mul: (a, b) => a * b,
  div: (a, b) => Math.floor(a / b),
}

/** The most that an extent can be, where that shows. */
function most(e: Expr, lets: Lets): number | undefined {
  if (onlySizes(e)) return evalSize(e, NOMINAL)
  if (e.kind === "ref") {
    const value = lets.get(e.name)
    return value && most(value, lets)
  }
  if (e.kind !== "op") return undefined
  const [a, b] = e.args.map((x) => most(x, lets))
  // The subtrahend is no less than 0.
  if (e.op === "sub") return a
  if (e.op === "min") return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b)
  return a === undefined || b === undefined ? undefined : GROWING[e.op]?.(a, b)
}
const onlySizes = (e: Expr): boolean =>
  e.kind === "const" || e.kind === "dim" || (e.kind === "op" && e.args.every(onlySizes))
