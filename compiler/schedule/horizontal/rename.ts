/** schedule: a loop nest under other names.   Stmt[] -> Stmt[] */
import type { Expr, Stmt } from "../../ir/kernels/types.js"
import { withChildren } from "../../ir/kernels/walk.js"

export interface Renaming {
  /** Loop variables, lets, vars and workgroup arrays. */
  readonly local: (name: string) => string
  /** The buffer that stands for another one, which begins at its element `offset`. */
  readonly buffer: (name: string) => { readonly name: string; readonly offset: number }
}

export function renamed(body: readonly Stmt[], to: Renaming): Stmt[] {
  return body.map((s): Stmt => {
    switch (s.kind) {
      case "for":
        return { ...s, name: to.local(s.name), extent: inExpr(s.extent, to), body: renamed(s.body, to) }
      case "when":
        return { ...s, cond: inExpr(s.cond, to), then: renamed(s.then, to) }
      case "let":
      case "set":
        return { ...s, name: to.local(s.name), value: inExpr(s.value, to) }
      case "var":
        return { ...s, name: to.local(s.name), init: inExpr(s.init, to) }
      case "store": {
        const { name, offset } = to.buffer(s.buffer)
        return { ...s, buffer: name, index: moved(inExpr(s.index, to), offset), value: inExpr(s.value, to) }
      }
      case "store-shared":
        return { ...s, name: to.local(s.name), index: inExpr(s.index, to), value: inExpr(s.value, to) }
      case "join":
        return {
          ...s,
          name: to.local(s.name),
          value: inExpr(s.value, to),
          neutral: inExpr(s.neutral, to),
          through: to.local(s.through),
        }
      case "barrier":
        return s
    }
  })
}

function inExpr(e: Expr, to: Renaming): Expr {
  const go = (x: Expr): Expr => inExpr(x, to)
  switch (e.kind) {
    case "ref":
      return { ...e, name: to.local(e.name) }
    case "load": {
      const { name, offset } = to.buffer(e.buffer)
      return { ...e, buffer: name, index: moved(go(e.index), offset) }
    }
    case "shared":
      return { ...e, name: to.local(e.name), index: go(e.index) }
    default:
      return withChildren(e, go)
  }
}

function moved(index: Expr, offset: number): Expr {
  if (offset === 0) return index
  if (index.kind === "const") return { ...index, value: index.value + offset }
  const by: Expr = { kind: "const", type: "i32", value: offset }
  return { kind: "op", op: "add", args: [index, by], type: "i32", width: 1 }
}
