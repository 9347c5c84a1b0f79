/** check: calls and pipes: `f(x)`, `Linear(64)`, `enc(x)`, `x |> Linear(64) |> relu`.
 *  Every call is elaborated with the types of its arguments, so shapes are checked with the sizes at hand.
 *  Not here:   instances (layers.ts), primitives (call-op.ts), built-in functions (call-builtin.ts). */
import type { BinaryExpr, CallExpr, Expr, FnDecl, LayerDecl, ModelDecl, PipeExpr } from "../ir/ast/types.js"
import { type Span, spanText } from "../source/source.js"
import { assign, bindAll, bindSizes, byName, coerceTo, evalArgs, type Given } from "./args.js"
import { callBuiltin } from "./call-builtin.js"
import { callOp, writtenArgs } from "./call-op.js"
import { newSignature, type Signature } from "./dims.js"
import { noteDone } from "./doubts/done.js"
import { noteDropout } from "./dropout.js"
import { calleeEnv, frameOf, originAt, shownName, userSpan, type Env } from "./env.js"
import { evalExpr } from "./expr.js"
import { callInstance, makeInstance, modelInstance } from "./layers.js"
import { warnOfBatchAxis, warnOfPair } from "./lints.js"
import { takesInput } from "./loss-arguments.js"
import { forEachPath, listsOf } from "./parameters.js"
import { complain, type Complaint } from "./report.js"
import { noteCounting } from "./run-length.js"
import { lookup } from "./scope.js"
import { append, nested } from "./section.js"
import { runBlock } from "./stmt.js"
import * as v from "./values.js"
import { noteValue } from "./watch.js"
import type { FnValue, Value } from "./values.js"

export function evalCall(env: Env, expr: CallExpr, hint: string | undefined): Value {
  const callee = evalExpr(env, expr.callee)
  const args = callee.kind === "op" ? writtenArgs(callee.name, expr.args) : expr.args
  return callValue(env, callee, evalArgs(env, args), expr.span, expr.callee.span, hint)
}

/** `x |> f(a)` is f(x, a); `x |> Layer(a)` makes an instance and applies it; `x |> instance` applies it. A network may be one
 *  long chain of pipes, which is gone through without recursion. */
export function evalPipe(env: Env, expr: PipeExpr): Value {
  const chain: PipeExpr[] = []
  let head: Expr = expr
  for (; head.kind === "pipe"; head = head.value) chain.push(head)
  let value = evalExpr(env, head)
  for (const { value: before, target } of chain.reverse()) {
    // Only the last link of a chain gave the value: those before it are right.
    const first: Given = { value, span: before.kind === "pipe" ? before.target.span : before.span }
    value =
      target.kind === "call"
        ? pipeInto(env, evalExpr(env, target.callee), first, evalArgs(env, target.args), target.span)
        : pipeInto(env, evalExpr(env, target), first, [], target.span)
    noteValue(env, target.span, value)
  }
  return value
}

function pipeInto(env: Env, target: Value, first: Given, args: readonly Given[], span: Span): Value {
  if (target.kind !== "layer") return callValue(env, target, [first, ...args], span, span, undefined)
  const instance = makeInstance(env, target, args, span, undefined)
  return instance ? callInstance(env, instance, [first], span) : v.ERROR
}

/** `a @ b` is the library's `matmul`. */
export function callMatmul(env: Env, left: Value, right: Value, expr: BinaryExpr): Value {
  const given = [
    { value: left, span: expr.left.span },
    { value: right, span: expr.right.span },
  ]
  const matmul = env.module.libraryNames.get("matmul")
  if (matmul?.kind === "value" && matmul.value.kind === "fn")
    return callFn(env, matmul.value, given, expr.span)
  return callOp(env, "matmul", given, expr.span)
}

function callValue(
  env: Env,
  callee: Value,
  given: readonly Given[],
  span: Span,
  calleeSpan: Span,
  hint: string | undefined,
): Value {
  switch (callee.kind) {
    case "error":
      return callee
    case "fn":
      return callFn(env, callee, callee.on ? givenTo(callee.on, given) : given, span)
    case "layer": {
      const instance = makeInstance(env, callee, given, span, hint)
      return instance ? { kind: "instance", instance } : v.ERROR
    }
    case "instance":
      return callInstance(env, callee.instance, given, span)
    case "model":
      return callInstance(env, modelInstance(env, callee, span), given, span)
    case "builtin":
      return callBuiltin(env, callee.name, given, span)
    case "op":
      return callOp(env, callee.name, given, span)
    default:
      return complain(env, {
        code: "not-callable",
        message: `${v.describe(callee)} cannot be called`,
        span: calleeSpan,
        label: "only fns, layers, models and instances can",
        ...hidingTheLibrary(env, calleeSpan),
        ...(callee.kind === "optimizer" && {
          help: "an optimizer stands after `with`: `minimize loss with ...`",
        }),
      })
  }
}

/** `x.view(-1, 16)`: x comes first, and sizes one by one are a list. */
function givenTo(on: NonNullable<FnValue["on"]>, given: readonly Given[]): Given[] {
  const [first] = given
  const sizes =
    on.takesSizes && first && given.every(({ name, value }) => name === undefined && value.kind !== "list")
  return sizes
    ? [
        on,
        {
          value: v.list(given.map(({ value }) => value)),
          span: { ...first.span, end: given.at(-1)!.span.end },
        },
      ]
    : [on, ...given]
}

/** `let mean = ...` above, and then `mean(x)`. */
function hidingTheLibrary(env: Env, callee: Span): Pick<Complaint, "help" | "related"> {
  const name = spanText(callee)
  const local = lookup(env.scope, name)
  return local && env.module.libraryNames.has(name)
    ? {
        related: [{ span: local.span, text: `hides the library's \`${name}\`` }],
        help: "give this one another name",
      }
    : {}
}

export function callFn(env: Env, fn: FnValue, given: readonly Given[], span: Span): Value {
  const { decl } = fn
  if (given.some((g) => v.hasError(g.value)) || isRecursive(env, decl, span)) return v.ERROR
  if (takesInput(env, fn, given)) return v.ERROR
  const assigned = assign(env, decl.params, given, decl.name.text, span)
  if (!assigned) return v.ERROR
  if (given.some(({ value }) => value.kind === "parameters")) {
    const values = listsOf(assigned, given)
    return forEachPath(
      env,
      values.map(({ value }) => value),
      span,
      (each) =>
        callFn(
          env,
          fn,
          values.map((g, i) => ({ ...g, value: each[i]! })),
          span,
        ),
    )
  }
  const named = byName(assigned)
  const inner = calleeEnv(env, fn.module, frameOf(env, decl, span, named))
  const signature = newSignature()
  if (!bindAll(env, inner, decl.params, assigned, signature, shownName(env, decl), "argument")) return v.ERROR
  bindSizes(inner, signature)
  warnOfPair(env, fn, given, span)
  const args = valuesOf(inner)
  warnOfBatchAxis(env, fn, args, span)
  if (fn.module.library) noteCounting(env, { name: decl.name.text, args, given: named, span })
  noteDropout(env, fn, inner.scope.names.get("p")?.value, span)
  const result = runBody(env, inner, decl, signature, decl.name.text, given, span)
  if (fn.module.library) noteDone(env, { name: decl.name.text, args, given: named, result, span })
  return result.kind === "tensor" && fn.module.library
    ? { ...result, madeBy: decl.name.text, madeAt: userSpan(env, span) }
    : result
}

const valuesOf = ({ scope }: Env): Map<string, Value> =>
  new Map([...scope.names].map(([name, { value }]) => [name, value]))

/** Elaborates a body in `inner` and wraps its statements into a call statement. */
export function runBody(
  env: Env,
  inner: Env,
  decl: FnDecl | LayerDecl | ModelDecl,
  signature: Signature,
  callee: string,
  given: readonly Given[],
  span: Span,
): Value {
  env.cx.elaborated.add(decl)
  if (env.section.training) env.cx.trained.add(decl)
  const { body, result } = nested(env.section, () => {
    const { value } = runBlock(inner, decl.body)
    return env.cx.unread.has(decl) ? v.ERROR : checkResult(inner, decl, signature, value)
  })
  // Parameters given with `with` come from outside of the instance.
  const isOpen = inner.replaced !== undefined && decl.kind !== "fn"
  if (isOpen || (body.length === 1 && decl.kind === "fn")) for (const s of body) append(env.section, s)
  else if (body.length > 0)
    append(env.section, {
      kind: "call",
      callee,
      declaration: decl.name.text,
      args: given.flatMap((g) => v.tensorsIn(g.value)).map((t) => t.id),
      results: v.tensorsIn(result).map((t) => t.id),
      body,
      origin: originAt(env, span),
    })
  return result
}

function checkResult(
  inner: Env,
  decl: FnDecl | LayerDecl | ModelDecl,
  signature: Signature,
  value: Value,
): Value {
  if (v.hasError(value)) return v.ERROR
  const last = decl.body.statements.at(-1)
  const span = last?.span ?? decl.body.span
  if (value.kind === "none" && decl.result)
    return complain(inner, {
      code: "no-result",
      message: `\`${decl.name.text}\` ends without a value`,
      span: last ? last.span : decl.name.span,
      label: "the last statement is not an expression",
      related: [{ span: decl.result.span, text: "a result is declared here" }],
      help: "end the body with the value, or with `return value`",
    })
  if (!decl.result) return value
  return coerceTo(inner, signature, decl.result, value, `the result of \`${decl.name.text}\``, span)
}

/** Whether `decl` is being elaborated already. */
export function isRecursive(env: Env, decl: FnDecl | LayerDecl | ModelDecl, span: Span): boolean {
  for (let f = env.frame; f; f = f.parent) {
    if (f.decl !== decl) continue
    complain(env, {
      code: "recursion",
      message: `\`${decl.name.text}\` calls itself`,
      span,
      label: "this call never ends: every call is carried out when compiling",
      related: [{ span: decl.name.span, text: "declared here" }],
      help: "write a `for` over a range instead",
    })
    return true
  }
  return false
}
