/** test: comparing and making Asts. */
import fc from "fast-check"
import type * as ast from "../../compiler/ir/ast/types.js"

/** The tree without its spans, for comparing. */
export function withoutSpans(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSpans)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== "span")
      .map(([key, inner]) => [key, withoutSpans(inner)]),
  )
}

const span = { file: { path: "made.nn", text: "" }, start: 0, end: 0 }
const names = ["x", "y", "weight", "in", "batch", "steps", "test", "h2"]
const text = fc.constantFrom(...names)
const name = text.map((t): ast.Name => ({ text: t, span }))
/** May name an argument or a field. */
const anyName = fc.constantFrom(...names, "train", "data", "if").map((t): ast.Name => ({ text: t, span }))
const ops = ["||", "&&", "==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "@", "^"] as const

const number = fc
  .constantFrom("0", "2", "64", "0.5", "1e-3", "2E+5")
  .map((t): ast.Expr => ({ kind: "number", value: Number(t), isInt: /^\d+$/.test(t), text: t, span }))
const leaf: fc.Arbitrary<ast.Expr> = fc.oneof(
  number,
  text.map((t): ast.Expr => ({ kind: "name", name: t, span })),
  fc.string({ maxLength: 6, unit: "grapheme" }).map((value): ast.Expr => ({ kind: "string", value, span })),
  fc.boolean().map((value): ast.Expr => ({ kind: "bool", value, span })),
  fc.constant<ast.Expr>({ kind: "none", span }),
)

const { expr, statement } = fc.letrec<{ expr: ast.Expr; statement: ast.Stmt; block: ast.Block }>((tie) => {
  const sub = tie("expr")
  const block = tie("block")
  const list = fc.array(sub, { maxLength: 4 })
  const maybe = fc.option(sub, { nil: undefined })
  const arg = fc
    .tuple(fc.option(anyName, { nil: undefined }), sub)
    .map(([n, value]): ast.Arg => ({ ...(n && { name: n }), value, span }))
  const indexItem: fc.Arbitrary<ast.IndexItem> = fc.oneof(
    sub.map((value): ast.IndexItem => ({ kind: "at", value })),
    fc.constant<ast.IndexItem>({ kind: "rest", span }),
    fc.tuple(maybe, maybe, maybe).map(([start, stop, step]): ast.IndexItem => ({
      kind: "slice",
      ...(start && { start }),
      ...(stop && { stop }),
      ...(step && { step }),
      span,
    })),
  )
  const type: fc.Arbitrary<ast.TypeExpr> = fc.oneof(
    name.map((base): ast.TypeExpr => ({ kind: "type", base, span })),
    fc
      .tuple(
        name,
        fc.array(fc.oneof(sub, fc.constant<ast.DimExpr>({ kind: "rest", span })), { maxLength: 3 }),
      )
      .map(([base, dims]): ast.TypeExpr => ({ kind: "type", base, dims, span })),
  )
  return {
    expr: fc.oneof(
      { maxDepth: 4, depthSize: "small", withCrossShrink: true },
      leaf,
      list.map((items): ast.Expr => ({ kind: "list", items, span })),
      fc
        .array(sub, { minLength: 2, maxLength: 3 })
        .map((items): ast.Expr => ({ kind: "tuple", items, span })),
      fc.tuple(sub, sub).map(([start, end]): ast.Expr => ({ kind: "range", start, end, span })),
      fc
        .tuple(fc.constantFrom("-" as const, "!" as const), sub)
        .map(([op, operand]): ast.Expr => ({ kind: "unary", op, operand, span })),
      fc
        .tuple(fc.constantFrom(...ops), sub, sub)
        .map(([op, left, right]): ast.Expr => ({ kind: "binary", op, left, right, span })),
      fc.tuple(sub, sub).map(([value, target]): ast.Expr => ({ kind: "pipe", value, target, span })),
      fc
        .tuple(sub, fc.array(arg, { maxLength: 3 }))
        .map(([callee, args]): ast.Expr => ({ kind: "call", callee, args, span })),
      fc.tuple(sub, anyName).map(([object, n]): ast.Expr => ({ kind: "field", object, name: n, span })),
      fc
        .tuple(sub, fc.array(indexItem, { minLength: 1, maxLength: 3 }))
        .map(([object, items]): ast.Expr => ({ kind: "index", object, items, span })),
      fc
        .tuple(fc.array(name, { minLength: 1, maxLength: 2 }), sub, sub, block)
        .map(([ns, sequence, axis, body]): ast.Expr => ({
          kind: "scan",
          names: ns,
          sequence,
          axis,
          body,
          span,
        })),
      fc.tuple(sub, block, block).map(([condition, then, otherwise]): ast.Expr => ({
        kind: "if-expr",
        condition,
        then,
        else: otherwise,
        span,
      })),
    ),
    statement: fc.oneof(
      { maxDepth: 3, depthSize: "small", withCrossShrink: true },
      sub.map((value): ast.Stmt => ({ kind: "expr", value, span })),
      fc
        .tuple(fc.array(name, { minLength: 1, maxLength: 2 }), sub)
        .map(([ns, value]): ast.Stmt => ({ kind: "let", names: ns, value, span })),
      fc.tuple(name, sub).map(([n, value]): ast.Stmt => ({ kind: "var", name: n, value, span })),
      fc.tuple(name, sub).map(([n, value]): ast.Stmt => ({ kind: "assign", name: n, value, span })),
      fc.tuple(name, sub).map(([n, value]): ast.Stmt => ({ kind: "update", name: n, value, span })),
      fc
        .tuple(fc.boolean(), name, type, sub)
        .map(([frozen, n, t, init]): ast.Stmt => ({ kind: "param", frozen, name: n, type: t, init, span })),
      fc
        .tuple(name, fc.option(type, { nil: undefined }), sub)
        .map(([n, t, init]): ast.Stmt => ({ kind: "state", name: n, ...(t && { type: t }), init, span })),
      sub.map((value): ast.Stmt => ({ kind: "return", value, span })),
      fc
        .tuple(sub, block, fc.option(block, { nil: undefined }))
        .map(([condition, then, otherwise]): ast.Stmt => ({
          kind: "if",
          condition,
          then,
          ...(otherwise && { else: otherwise }),
          span,
        })),
      fc
        .tuple(name, sub, block)
        .map(([n, range, body]): ast.Stmt => ({ kind: "for", name: n, range, body, span })),
    ),
    block: fc
      .array(tie("statement"), { maxLength: 3 })
      .map((statements): ast.Block => ({ statements, span })),
  }
})

/** A module with one function of random statements and one train of random expressions. */
export const randomModule: fc.Arbitrary<ast.Module> = fc
  .tuple(fc.array(statement, { maxLength: 5 }), fc.array(expr, { maxLength: 3 }))
  .map(([statements, values]): ast.Module => {
    const f: ast.Declaration = {
      kind: "fn",
      name: { text: "f", span },
      params: [],
      body: { statements, span },
      span,
    }
    const train: ast.Declaration = {
      kind: "train",
      beside: [],
      body: values.map((value): ast.TrainStmt => ({ kind: "expr", value, span })),
      span,
    }
    return { imports: [], declarations: [f, train], unread: [], span }
  })
