/** parse: CST -> Ast, expressions and types.
 *  Assumes:    brackets nest at most MAX_NESTING deep (grammar/layout.ts), which bounds the recursion here.
 *  Guarantees: precedence as in grammar/precedence.ts; chains of operators at most MAX_CHAIN long.
 *  Not here:   statements (statements.ts), which `if` and `scan` need for their blocks. */
import type { IToken } from "chevrotain"
import type * as cst from "../../grammar/cst.js"
import { tokenSpan } from "../../grammar/layout.js"
import { isRightAssociative, precedenceOf, PREFIX } from "../ir/ast/precedence.js"
import type * as ast from "../ir/ast/types.js"
import { cover, type Span } from "../source/source.js"
import { chainTooLong, ifWithoutElse, numberTooLarge, unknownEscape } from "./errors.js"
import { hole, nameOf, spanOf, the, whole, type Reading } from "./reading.js"
import { readBlock, readIf } from "./statements.js"

/** Later stages recurse into a chain, so a chain has an end. */
export const MAX_CHAIN = 3000

export function readExpression(cx: Reading, node: cst.ExpressionCstNode): ast.Expr {
  const c = whole(node)
  let value = readOperation(cx, the(c.operation))
  bound(cx, node, c.postfix?.length ?? 0)
  for (const target of c.postfix ?? []) {
    const to = readPostfix(cx, target)
    value = { kind: "pipe", value, target: to, span: cover(value.span, to.span) }
  }
  return value
}

export function readPostfix(cx: Reading, node: cst.PostfixCstNode): ast.Expr {
  const c = whole(node)
  let object = readAtom(cx, the(c.atom))
  bound(cx, node, c.suffix?.length ?? 0)
  for (const suffix of c.suffix ?? []) object = readSuffix(cx, object, suffix)
  return object
}

export function readType(cx: Reading, node: cst.TypeCstNode): ast.TypeExpr {
  const c = whole(node)
  const span = spanOf(cx, node)
  if (c.tupleType !== undefined) {
    const items = whole(the(c.tupleType)).type.map((item) => readType(cx, item))
    return items.length === 1 ? items[0]! : { kind: "tuple-type", items, span }
  }
  const base = nameOf(cx, the(c.Identifier))
  if (c.dims === undefined) return { kind: "type", base, span }
  const dims = (whole(the(c.dims)).dim ?? []).map((dim) => readDim(cx, dim))
  return { kind: "type", base, dims, span }
}

function readDim(cx: Reading, node: cst.DimCstNode): ast.DimExpr {
  const c = whole(node)
  if (c.expression !== undefined) return readExpression(cx, the(c.expression))
  const name = c.Identifier?.[0]
  return { kind: "rest", ...(name && { name: nameOf(cx, name) }), span: spanOf(cx, node) }
}

type Waiting = { readonly op: IToken; readonly strength: number; readonly prefix: boolean }

/** Operator precedence without recursion: operators wait until one that binds more loosely arrives. */
function readOperation(cx: Reading, node: cst.OperationCstNode): ast.Expr {
  const c = whole(node)
  const operators = c.InfixOp ?? []
  if (c.operand.length !== operators.length + 1) return hole()
  bound(cx, node, operators.length + c.operand.reduce((n, o) => n + (o.children.PrefixOp?.length ?? 0), 0))
  const values: ast.Expr[] = []
  const waiting: Waiting[] = []
  const apply = ({ op, prefix }: Waiting): void => {
    const right = values.pop() ?? hole()
    values.push(prefix ? unary(cx, op, right) : binary(op.image, values.pop() ?? hole(), right))
  }
  c.operand.forEach((operand, i) => {
    if (i > 0) {
      const op = operators[i - 1]!
      const strength = precedenceOf(op.image)
      const rightFirst = isRightAssociative(op.image)
      while (waiting.length > 0) {
        const top = waiting.at(-1)!
        if (top.strength < strength || (top.strength === strength && rightFirst)) break
        apply(waiting.pop()!)
      }
      waiting.push({ op, strength, prefix: false })
    }
    const parts = whole(operand)
    for (const op of parts.PrefixOp ?? []) waiting.push({ op, strength: PREFIX, prefix: true })
    values.push(readPostfix(cx, the(parts.postfix)))
  })
  while (waiting.length > 0) apply(waiting.pop()!)
  return the(values)
}

function unary(cx: Reading, op: IToken, operand: ast.Expr): ast.Expr {
  const span = cover(tokenSpan(cx.file, op), operand.span)
  return { kind: "unary", op: op.image === "!" ? "!" : "-", operand, span }
}

function binary(op: string, left: ast.Expr, right: ast.Expr): ast.Expr {
  const span = cover(left.span, right.span)
  if (op === "..") return { kind: "range", start: left, end: right, span }
  return { kind: "binary", op: binaryOps.find((known) => known === op) ?? hole(), left, right, span }
}

const binaryOps: readonly ast.BinaryOp[] = [
  ...(["||", "&&", "==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "@", "^"] as const),
]

function readSuffix(cx: Reading, object: ast.Expr, node: cst.SuffixCstNode): ast.Expr {
  const c = whole(node)
  const span = cover(object.span, spanOf(cx, node))
  if (c.call !== undefined) {
    const args = (whole(the(c.call)).arg ?? []).map((arg) => readArg(cx, arg))
    return { kind: "call", callee: object, args, span }
  }
  if (c.index !== undefined) {
    const items = whole(the(c.index)).indexItem.map((item) => readIndexItem(cx, item))
    return { kind: "index", object, items, span }
  }
  return { kind: "field", object, name: nameOf(cx, the(c.AnyWord)), span }
}

function readArg(cx: Reading, node: cst.ArgCstNode): ast.Arg {
  const c = whole(node)
  const name = c.AnyWord?.[0]
  const value = readExpression(cx, the(c.expression))
  return { ...(name && { name: nameOf(cx, name) }), value, span: spanOf(cx, node) }
}

function readIndexItem(cx: Reading, node: cst.IndexItemCstNode): ast.IndexItem {
  const c = whole(node)
  const span = spanOf(cx, node)
  if (c.Ellipsis !== undefined) return { kind: "rest", span }
  const start = c.expression && readExpression(cx, the(c.expression))
  if (c.slice === undefined) return start === undefined ? hole() : { kind: "at", value: start }
  const slice = whole(the(c.slice))
  const stop = slice.stop && readExpression(cx, the(slice.stop))
  const step = slice.step && readExpression(cx, the(slice.step))
  return { kind: "slice", ...(start && { start }), ...(stop && { stop }), ...(step && { step }), span }
}

function readAtom(cx: Reading, node: cst.AtomCstNode): ast.Expr {
  const c = whole(node)
  const span = spanOf(cx, node)
  if (c.NumberLiteral !== undefined) return readNumber(cx, the(c.NumberLiteral), span)
  if (c.StringLiteral !== undefined)
    return { kind: "string", value: readString(cx, the(c.StringLiteral)), span }
  if (c.True !== undefined) return { kind: "bool", value: true, span }
  if (c.False !== undefined) return { kind: "bool", value: false, span }
  if (c.None !== undefined) return { kind: "none", span }
  if (c.Identifier !== undefined) return { kind: "name", name: nameOf(cx, the(c.Identifier)).text, span }
  if (c.group !== undefined) return readGroup(cx, the(c.group))
  if (c.list !== undefined) {
    const items = (whole(the(c.list)).expression ?? []).map((item) => readExpression(cx, item))
    return { kind: "list", items, span }
  }
  if (c.scan !== undefined) return readScan(cx, the(c.scan))
  return readIfValue(cx, the(c.if))
}

/** `(a)` is `a`; its span takes the parentheses in, so that the span of `(a + b) * c` starts at the first of them. */
function readGroup(cx: Reading, node: cst.GroupCstNode): ast.Expr {
  const items = whole(node).expression.map((item) => readExpression(cx, item))
  const span = spanOf(cx, node)
  return items.length === 1 ? { ...items[0]!, span } : { kind: "tuple", items, span }
}

function readNumber(cx: Reading, token: IToken, span: Span): ast.NumberExpr {
  const text = token.image === "" ? hole() : token.image
  const value = Number(text)
  if (!Number.isFinite(value)) cx.diagnostics.add(numberTooLarge(text, span))
  return { kind: "number", value, isInt: /^\d+$/.test(text), text, span }
}

/** The value of a string literal. */
export function readString(cx: Reading, token: IToken): string {
  if (token.image === "") return hole()
  const inner = token.image.slice(1, -1)
  return inner.replace(
    /\\(u\{([0-9a-fA-F]{1,6})\}|[\s\S])/g,
    (whole: string, escape: string, code?: string) => {
      if (code !== undefined && parseInt(code, 16) <= 0x10ffff)
        return String.fromCodePoint(parseInt(code, 16))
      const value = escapes[escape]
      if (value === undefined) cx.diagnostics.add(unknownEscape(whole, tokenSpan(cx.file, token)))
      return value ?? whole
    },
  )
}

const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", "\\": "\\", '"': '"' }

function readIfValue(cx: Reading, node: cst.IfCstNode): ast.Expr {
  const { condition, then, else: otherwise, span } = readIf(cx, node)
  if (otherwise === undefined) {
    cx.diagnostics.add(ifWithoutElse(span))
    return hole()
  }
  return { kind: "if-expr", condition, then, else: otherwise, span }
}

function readScan(cx: Reading, node: cst.ScanCstNode): ast.Expr {
  const c = whole(node)
  return {
    kind: "scan",
    names: (c.Identifier ?? hole()).map((name) => nameOf(cx, name)),
    sequence: readExpression(cx, the(c.expression)),
    axis: readExpression(cx, the(c.axis)),
    body: readBlock(cx, the(c.block)),
    span: spanOf(cx, node),
  }
}

function bound(
  cx: Reading,
  node: cst.ExpressionCstNode | cst.PostfixCstNode | cst.OperationCstNode,
  length: number,
): void {
  if (length <= MAX_CHAIN) return
  cx.diagnostics.add(chainTooLong(MAX_CHAIN, spanOf(cx, node)))
  hole()
}
