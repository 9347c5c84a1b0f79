/** ir/kernels: the buffers of which one iteration of a loop accesses one row only: every index into them moves with the iteration. */
import type { Expr, Kernel, Stmt } from "./types.js"
import { childrenOf, eachStmt, exprsOf } from "./walk.js"

/** By the name of a parameter: the number of rows, one per iteration, or fewer where iterations take turns (`rem(@iteration, 2)`). */
export function rowsByIteration(kernel: Kernel, iterations: number): ReadonlyMap<string, number> {
  const moving = new Map<string, number>()
  const rows = new Map<string, number>()
  /** The number of different values that iterations give an expression, as far as it is seen; 1: all give the same. */
  const valuesOf = (e: Expr): number => {
    if (e.kind === "param") return e.name === "iteration" ? iterations : 1
    if (e.kind === "ref") return moving.get(e.name) ?? 1
    if (e.kind === "load" || e.kind === "shared") return 1
    const most = Math.max(1, ...childrenOf(e).map(valuesOf))
    const [, by] = e.kind === "op" && e.op === "rem" ? e.args : []
    return by?.kind === "const" ? Math.min(most, by.value) : most
  }
  const access = (buffer: string, index: Expr): void =>
    void rows.set(buffer, Math.min(rows.get(buffer) ?? Infinity, valuesOf(index)))
  const loads = (e: Expr): void => {
    if (e.kind === "load") access(e.buffer, e.index)
    childrenOf(e).forEach(loads)
  }
  eachStmt(kernel.body, (s: Stmt) => {
    exprsOf(s).forEach(loads)
    if (s.kind === "store") access(s.buffer, s.index)
    if (s.kind === "let") moving.set(s.name, valuesOf(s.value))
  })
  return rows
}
