/** ir/kernels: how much code a loop nest is. */
import type { Expr, Stmt } from "./types.js"
import { childrenOf, eachStmt, exprsOf } from "./walk.js"

/** Statements and expressions. */
export function codeSize(body: readonly Stmt[]): number {
  let size = 0
  const count = (e: Expr): void => {
    size++
    childrenOf(e).forEach(count)
  }
  eachStmt(body, (s) => {
    size++
    exprsOf(s).forEach(count)
  })
  return size
}
