/** check: expressions -> values. Evaluation writes into the section at hand whatever cannot be computed now.
 *  Not here:   calls (call.ts), operators (arithmetic.ts), indexing (indexing.ts), statements (stmt.ts). */
import type { Expr, ListExpr, RangeExpr } from "../ir/ast/types.js"
import { unreachable } from "../source/bug.js"
import { type Span, spanText } from "../source/source.js"
import { binary, unary } from "./arithmetic.js"
import { callMatmul, evalCall, evalPipe } from "./call.js"
import { scalarName } from "./emit.js"
import type { Env } from "./env.js"
import { evalField, evalIndex } from "./indexing.js"
import { adviceOnName, meantByHabit } from "./habits.js"
import { complain } from "./report.js"
import type { Global } from "./resolve.js"
import { placeOf } from "./resolve.js"
import { evalScan } from "./scan.js"
import { isUnknown, lookup, newScope } from "./scope.js"
import { evalBranches } from "./stmt.js"
import * as v from "./values.js"
import { noteValue } from "./watch.js"
import type { Value } from "./values.js"

/** `hint` is the name a new instance gets when this expression makes one: `let enc = Linear(64)`. */
export function evalExpr(env: Env, expr: Expr, hint?: string): Value {
  const value = evaluate(env, expr, hint)
  noteValue(env, expr.span, value)
  return value
}

function evaluate(env: Env, expr: Expr, hint: string | undefined): Value {
  switch (expr.kind) {
    case "number":
      return expr.isInt ? v.int(expr.value) : v.float(expr.value)
    case "string":
      return v.string(expr.value)
    case "bool":
      return v.bool(expr.value)
    case "none":
      return v.NONE
    case "name":
      return evalName(env, expr.name, expr.span)
    case "list":
      return evalList(env, expr, hint)
    case "tuple":
      return { kind: "tuple", items: expr.items.map((item) => evalExpr(env, item)) }
    case "range":
      return evalRange(env, expr)
    case "unary":
      return unary(env, expr.op, evalExpr(env, expr.operand), expr.span)
    case "binary": {
      const left = evalExpr(env, expr.left)
      if (left.kind === "bool" && (expr.op === "&&" || expr.op === "||") && left.value === (expr.op === "||"))
        return left
      const right = evalExpr(env, expr.right)
      if (expr.op === "@") return callMatmul(env, left, right, expr)
      return binary(env, expr.op, left, right, expr)
    }
    case "pipe":
      return evalPipe(env, expr)
    case "call":
      return evalCall(env, expr, hint)
    case "field":
      return evalField(env, expr)
    case "index":
      return evalIndex(env, expr)
    case "if-expr":
      return evalBranches(env, expr).value
    case "scan":
      return evalScan(env, expr)
    default:
      return unreachable(expr)
  }
}

function evalList(env: Env, expr: ListExpr, hint: string | undefined): Value {
  return v.list(
    expr.items.map((item, i) => evalExpr(env, item, hint === undefined ? undefined : `${hint}.${i}`)),
  )
}

function evalRange(env: Env, expr: RangeExpr): Value {
  const [start, end] = [evalExpr(env, expr.start), evalExpr(env, expr.end)]
  if (v.hasError(start) || v.hasError(end)) return v.ERROR
  if (start.kind !== "int" || end.kind !== "int")
    return complain(env, {
      code: "range",
      message: `a range needs two integers known when compiling; here are ${v.describe(start)} and ${v.describe(end)}`,
      span: expr.span,
      label: start.kind === "int" ? v.describe(end) : v.describe(start),
    })
  return v.list(
    Array.from({ length: Math.max(0, end.value - start.value) }, (_, i) => v.int(start.value + i)),
  )
}

export function evalName(env: Env, name: string, span: Span): Value {
  const local = lookup(env.scope, name)
  if (local?.value.kind === "clash") return refuseClash(env, local.value, span)
  if (local) return local.value
  const global = env.module.names.get(name)
  if (global) {
    if (global.library && !env.scope.libraryReads.has(name)) env.scope.libraryReads.set(name, span)
    warnOfImported(env, name, span)
    return evalGlobal(env, name, global, span)
  }
  if (isUnknown(env.scope, name)) return v.ERROR
  const advice =
    name === "B"
      ? { help: "`B` is the batch of a `train on` data section, or a name in a signature" }
      : adviceOnName(env, name, span)
  complain(env, {
    code: "name-unknown",
    message: `there is no \`${name}\` here`,
    span,
    label: "not a name in sight",
    ...advice,
  })
  // Nothing is known of it that could be said at its other places.
  if (advice?.help === undefined) (env.scope.unknown ??= new Set()).add(name)
  return meantByHabit(env, name)
}

function refuseClash(env: Env, clash: Extract<Value, { kind: "clash" }>, span: Span): Value {
  return complain(env, {
    code: "field-clash",
    message: `\`${clash.name}\` is ${v.describe(clash)}`,
    span,
    label: "which of them is meant?",
    help: `write ${clash.sets.map((set) => `\`${set}.${clash.name}\``).join(" or ")}`,
  })
}

/** The first use of a name that an import has taken from the library without naming it. */
function warnOfImported(env: Env, name: string, span: Span): void {
  const { takenByImport } = env.module
  const taken = takenByImport.get(name)
  if (taken === undefined) return
  takenByImport.delete(name)
  complain(env, {
    severity: "warning",
    code: "import-hides",
    message: `\`${name}\` is the one that is imported here, not the library's`,
    span,
    label: "which of them is meant?",
    related: [{ span: taken, text: "takes the name from the library" }],
    help: `name it in an import: \`import { ${name} } from ${spanText(taken)}\``,
  })
}

function evalGlobal(env: Env, name: string, global: Global, span: Span): Value {
  if (global.kind === "let") return evalConstant(env, global, span)
  if (global.kind === "value") {
    const { value } = global
    if ("decl" in value && env.cx.unread.has(value.decl)) return v.ERROR
    if (value.kind !== "builtin") return value
    if (name === "training") {
      env.section.asksTraining = true
      return v.bool(env.section.training)
    }
    if (name === "step" || name === "epoch" || name === "seed") return scalarName(env, name, span)
    return value
  }
  const place = placeOf(global)
  return complain(env, {
    code: "not-a-value",
    message: `\`${name}\` is a \`${global.kind}\` section, which is no value`,
    span,
    label: "cannot stand in an expression",
    related: [place && { span: place, text: "declared here" }],
    help: global.kind === "data" ? "inside `train on` it, its fields are names of their own" : undefined,
  })
}

/** A `let` at the top of a file: computed once, with nothing local in sight. */
function evalConstant(env: Env, global: Extract<Global, { kind: "let" }>, span: Span): Value {
  const { decl, module } = global
  const known = module.constants.get(decl)
  if (known === "computing")
    return complain(env, {
      code: "recursion",
      message: `the value of \`${decl.name.text}\` depends on itself`,
      span,
      label: "needed to compute itself",
    })
  if (known) return known
  module.constants.set(decl, "computing")
  const value = evalExpr({ ...env, module, scope: newScope(), iterations: [] }, decl.value)
  const checked =
    v.tensorsIn(value).length > 0
      ? complain(env, {
          code: "constant-needed",
          message: `\`${decl.name.text}\` must be a constant`,
          span: decl.value.span,
          label: "this is computed on the device",
          help: "make it a `fn`, or compute it where it is used",
        })
      : value
  module.constants.set(decl, checked)
  return checked
}
