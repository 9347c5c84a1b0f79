/** check: names in declarations that nothing calls. Such bodies are not elaborated, for the sizes of their arguments are not
 *  known; but a name that stands for nothing can be seen without.
 *  Not here:   everything else about them: types and shapes are checked at calls. */
import type { Block, Declaration, DimExpr, Expr, Param, Stmt, TypeExpr } from "../ir/ast/types.js"
import type { Env } from "./env.js"
import { complain, meantName } from "./report.js"

export function checkUncalled(env: Env, declarations: readonly Declaration[]): void {
  for (const decl of declarations) {
    if (decl.kind === "let-decl" || decl.kind === "data" || decl.kind === "train") continue
    if (env.cx.elaborated.has(decl)) continue
    const uses: Uses = { bound: new Set(), read: [] }
    params(uses, decl.kind === "fn" ? decl.params : decl.kind === "model" ? [] : decl.config)
    if (decl.kind === "layer" || decl.kind === "model") params(uses, decl.inputs)
    if (decl.kind === "optimizer")
      for (const name of [decl.parameter, decl.gradient]) uses.bound.add(name.text)
    if (decl.kind !== "optimizer" && decl.result) type(uses, decl.result)
    block(uses, decl.body)
    for (const read of uses.read) {
      if (uses.bound.has(read.name) || env.module.names.has(read.name)) continue
      complain(env, {
        code: "name-unknown",
        message: `there is no \`${read.name}\` here`,
        span: read.span,
        label: "not a name in sight",
        ...meantName(read.name, read.span, [...uses.bound, ...env.module.names.keys()]),
      })
    }
  }
}

/** Names bound anywhere in a declaration, and names read in it. */
interface Uses {
  readonly bound: Set<string>
  readonly read: (Expr & { readonly kind: "name" })[]
}

function params(uses: Uses, all: readonly Param[]): void {
  for (const p of all) {
    uses.bound.add(p.name.text)
    if (p.type) type(uses, p.type)
    if (p.default) expr(uses, p.default)
  }
}

/** A name alone in a dimension is bound there. */
function type(uses: Uses, t: TypeExpr): void {
  if (t.kind === "tuple-type") for (const item of t.items) type(uses, item)
  else for (const d of t.dims ?? []) dim(uses, d)
}

/** Notes the names in an expression of sizes, whose needs only calls show. */
function dim(uses: Uses, d: DimExpr): void {
  if (d.kind === "name") uses.bound.add(d.name)
}

function block(uses: Uses, b: Block): void {
  for (const s of b.statements) statement(uses, s)
}

function statement(uses: Uses, s: Stmt): void {
  switch (s.kind) {
    case "let":
      for (const name of s.names) uses.bound.add(name.text)
      expr(uses, s.value)
      break
    case "var":
      uses.bound.add(s.name.text)
      expr(uses, s.value)
      break
    case "param":
    case "state":
      uses.bound.add(s.name.text)
      if (s.kind === "param" && s.as) expr(uses, s.as)
      if (s.type) type(uses, s.type)
      expr(uses, s.init)
      break
    case "for":
      uses.bound.add(s.name.text)
      expr(uses, s.range)
      block(uses, s.body)
      break
    case "if":
      expr(uses, s.condition)
      block(uses, s.then)
      if (s.else) block(uses, s.else)
      break
    case "assign":
    case "update":
    case "return":
    case "expr":
      expr(uses, s.value)
      break
  }
}

function expr(uses: Uses, e: Expr): void {
  switch (e.kind) {
    case "name":
      uses.read.push(e)
      break
    case "list":
    case "tuple":
      for (const item of e.items) expr(uses, item)
      break
    case "range":
      expr(uses, e.start)
      expr(uses, e.end)
      break
    case "unary":
      expr(uses, e.operand)
      break
    case "binary":
      expr(uses, e.left)
      expr(uses, e.right)
      break
    case "pipe":
      expr(uses, e.value)
      expr(uses, e.target)
      break
    case "call":
      expr(uses, e.callee)
      for (const arg of e.args) expr(uses, arg.value)
      break
    case "field":
      expr(uses, e.object)
      break
    case "index":
      expr(uses, e.object)
      for (const item of e.items)
        for (const part of item.kind === "at"
          ? [item.value]
          : item.kind === "slice"
            ? [item.start, item.stop, item.step]
            : [])
          if (part) expr(uses, part)
      break
    case "scan":
      for (const name of e.names) uses.bound.add(name.text)
      expr(uses, e.sequence)
      expr(uses, e.axis)
      block(uses, e.body)
      break
    case "if-expr":
      expr(uses, e.condition)
      block(uses, e.then)
      block(uses, e.else)
      break
    case "number":
    case "string":
    case "bool":
    case "none":
      break
  }
}
