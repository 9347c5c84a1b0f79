/** ir/kernels: walks expressions and statements, and rebuilds them with other parts. */
import type { Expr, ScalarType, Stmt } from "./types.js"

export const typeOf = (e: Expr): ScalarType => (e.kind === "dim" ? "i32" : e.type)
export const widthOf = (e: Expr): 1 | 4 => ("width" in e ? e.width : 1)

/** The direct parts of an expression. */
export function childrenOf(e: Expr): readonly Expr[] {
  switch (e.kind) {
    case "const":
    case "ref":
    case "dim":
    case "param":
      return []
    case "op":
      return e.args
    case "load":
    case "shared":
      return [e.index]
    case "guard":
      return [e.cond, e.then, e.otherwise]
    case "splat":
    case "lane":
      return [e.value]
    case "vec":
      return e.items
  }
}

/** An expression with `change` made to each of its direct parts. */
export function withChildren(e: Expr, change: (part: Expr) => Expr): Expr {
  switch (e.kind) {
    case "const":
    case "ref":
    case "dim":
    case "param":
      return e
    case "op":
      return { ...e, args: e.args.map(change) }
    case "load":
    case "shared":
      return { ...e, index: change(e.index) }
    case "guard":
      return { ...e, cond: change(e.cond), then: change(e.then), otherwise: change(e.otherwise) }
    case "splat":
    case "lane":
      return { ...e, value: change(e.value) }
    case "vec": {
      const [a, b, c, d] = e.items
      return { ...e, items: [change(a), change(b), change(c), change(d)] }
    }
  }
}

/** The expressions that stand directly in a statement. */
export function exprsOf(s: Stmt): readonly Expr[] {
  switch (s.kind) {
    case "for":
      return [s.extent]
    case "when":
      return [s.cond]
    case "let":
    case "set":
      return [s.value]
    case "var":
      return [s.init]
    case "store":
    case "store-shared":
      return [s.index, s.value]
    case "join":
      return [s.value, s.neutral]
    case "barrier":
      return []
  }
}

/** A statement with `change` made to each expression that stands directly in it, and `inner` to the statements in it. */
export function withExprs(
  s: Stmt,
  change: (e: Expr) => Expr,
  inner: (body: readonly Stmt[]) => readonly Stmt[],
): Stmt {
  switch (s.kind) {
    case "for":
      return { ...s, extent: change(s.extent), body: inner(s.body) }
    case "when":
      return { ...s, cond: change(s.cond), then: inner(s.then) }
    case "let":
    case "set":
      return { ...s, value: change(s.value) }
    case "var":
      return { ...s, init: change(s.init) }
    case "store":
    case "store-shared":
      return { ...s, index: change(s.index), value: change(s.value) }
    case "join":
      return { ...s, value: change(s.value), neutral: change(s.neutral) }
    case "barrier":
      return s
  }
}

/** Every statement, those in loops and conditions after the one they stand in. */
export function eachStmt(body: readonly Stmt[], visit: (s: Stmt) => void): void {
  for (const s of body) {
    visit(s)
    if (s.kind === "for") eachStmt(s.body, visit)
    if (s.kind === "when") eachStmt(s.then, visit)
  }
}

/** Whether lanes wait for each other. */
export function hasBarrier(body: readonly Stmt[]): boolean {
  let found = false
  eachStmt(body, (s) => (found ||= s.kind === "barrier" || s.kind === "join"))
  return found
}
