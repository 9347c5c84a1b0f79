/** check: bodies. `if` and `for` over constants are carried out here, so a section holds straight-line code.
 *  Not here:   `param` and `state` (slots.ts), statements of `train` alone (train.ts). */
import type {
  AssignStmt,
  Block,
  ForStmt,
  IfExpr,
  IfStmt,
  LetStmt,
  Name,
  Stmt,
  UpdateStmt,
} from "../ir/ast/types.js"
import { unreachable } from "../source/bug.js"
import type { Fix } from "../source/diagnostic.js"
import type { Span } from "../source/source.js"
import type { Env } from "./env.js"
import { evalExpr } from "./expr.js"
import { adviceOnAssigned } from "./habits.js"
import { complain, meantName } from "./report.js"
import { isBuiltin, placeOf } from "./resolve.js"
import { lookup, namesIn, newScope, type Binding, type Scope } from "./scope.js"
import { declareParam, declareState, updateSlot } from "./slots.js"
import * as v from "./values.js"
import { noteValue } from "./watch.js"
import type { Value } from "./values.js"

/** The outcome of statements: the value of the last one, and whether it was returned. */
export interface Flow {
  readonly value: Value
  readonly returned: boolean
}
const on = (value: Value = v.NONE): Flow => ({ value, returned: false })

/** Runs a block in a scope of its own. */
export function runBlock(env: Env, block: Block): Flow {
  return runStatements({ ...env, scope: newScope(env.scope) }, block.statements)
}

export function runStatements(env: Env, statements: readonly Stmt[]): Flow {
  let flow = on()
  for (const statement of statements) {
    flow = runStatement(env, statement)
    if (flow.returned) return flow
    // A library body that refused its arguments (`assert`) ends there: later errors would only repeat it.
    if (env.module.library && statement.kind === "expr" && v.hasError(flow.value))
      return { ...flow, returned: true }
  }
  return flow
}

export function runStatement(env: Env, s: Stmt): Flow {
  switch (s.kind) {
    case "let":
      runLet(env, s)
      return on()
    case "var":
      declare(env, s.name, {
        value: changeable(env, s.name, evalExpr(env, s.value, numbered(env, s.name))),
        span: s.name.span,
        kind: "var",
      })
      return on()
    case "assign":
      runAssign(env, s)
      return on()
    case "update":
      runUpdate(env, s)
      return on()
    case "param":
      declareParam(env, s)
      return on()
    case "state":
      declareState(env, s)
      return on()
    case "return":
      return { value: evalExpr(env, s.value), returned: true }
    case "if":
      return evalBranches(env, s)
    case "for":
      return runFor(env, s)
    case "expr":
      return on(evalExpr(env, s.value))
    default:
      return unreachable(s)
  }
}

/** The name, with the iterations of the loops around it: `enc.0`. */
export const numbered = (env: Env, name: Name): string => [name.text, ...env.iterations].join(".")

/** `let (h, c) = ...`: the first name alone. */
function oneName({ names: [first, ...rest] }: LetStmt): { readonly fix?: Fix } {
  const last = rest.at(-1)
  if (!first || !last) return {}
  const { file, start } = first.span
  const open = file.text.lastIndexOf("(", start)
  const close = file.text.indexOf(")", last.span.end)
  return open < 0 || close < 0
    ? {}
    : { fix: { span: { file, start: open, end: close + 1 }, replacement: first.text } }
}

function runLet(env: Env, s: LetStmt): void {
  const [first] = s.names
  if (s.names.length === 1 && first) {
    const value = evalExpr(env, s.value, numbered(env, first))
    declare(env, first, { value, span: first.span, kind: "let" })
    return
  }
  const value = evalExpr(env, s.value)
  const items = value.kind === "tuple" || value.kind === "list" ? value.items : undefined
  if (!v.hasError(value) && items?.length !== s.names.length)
    complain(env, {
      code: "destructure",
      message: `${s.names.length} names stand on the left, and the right side is ${v.describe(value)}`,
      span: s.value.span,
      label: v.describe(value),
      help:
        value.kind === "tensor" && (value.madeBy === "max" || value.madeBy === "min")
          ? `\`${value.madeBy}\` gives the values; their places are \`arg${value.madeBy}(...)\``
          : value.kind === "tensor"
            ? /^(RNN|GRU|LSTM)$/.test(value.madeBy ?? "")
              ? `\`${value.madeBy}\` gives the state of every place in time; that of the last is \`h[:, -1]\``
              : "a tensor is one value: give it one name"
            : undefined,
      ...(value.kind === "tensor" && oneName(s)),
    })
  s.names.forEach((name, i) => {
    const part = items?.length === s.names.length ? items[i]! : v.ERROR
    declare(env, name, { value: part, span: name.span, kind: "let" })
  })
}

/** Brings a name into the innermost scope, unless it would hide another of the program. The library's may be hidden. */
export function declare(env: Env, name: Name, binding: Binding): void {
  const before = lookup(env.scope, name.text)
  const takesOver = binding.kind === "param" || binding.kind === "state"
  const global = env.module.library ? undefined : env.module.names.get(name.text)
  if (before && !(takesOver && before.kind === "config")) {
    hides(env, name, before.span, `\`${name.text}\` already stands for something here`)
  } else if (!before && global) {
    if (!global.library)
      hides(env, name, placeOf(global), `\`${name.text}\` is already declared in this file`)
    else if (isBuiltin(global)) hides(env, name, undefined, `\`${name.text}\` is built in`)
    else warnOfTwoMeanings(env, name)
  }
  env.scope.names.set(name.text, binding)
  noteValue(env, name.span, binding.value)
}

function hides(env: Env, name: Name, before: Span | undefined, message: string): void {
  complain(env, {
    code: "name-shadowed",
    message,
    span: name.span,
    label: "this would hide it",
    related: [before && { span: before, text: "the other one" }],
    help: "a name is never silently shadowed: choose another, or use `var` and `=` to change one",
  })
}

/** `norm(x)` is the library's, and further down in the same body `norm` is another thing. In `let norm = norm(x)` that is plain. */
function warnOfTwoMeanings(env: Env, name: Name): void {
  const { libraryReads } = env.scope
  const read = libraryReads.get(name.text)
  if (read === undefined) return
  if (read.start > name.span.start) libraryReads.delete(name.text)
  else
    complain(env, {
      severity: "warning",
      code: "two-meanings",
      message: `\`${name.text}\` is the library's above, and from here on it is this one`,
      span: name.span,
      label: "hides the library's",
      related: [{ span: read, text: "the library's" }],
      help: "give it a name of its own",
    })
}

function runAssign(env: Env, s: AssignStmt): void {
  const binding = lookup(env.scope, s.name.text)
  const value = evalExpr(env, s.value)
  if (!binding) {
    const { text, span } = s.name
    complain(env, {
      code: "name-unknown",
      message: `there is no variable \`${text}\` to assign to`,
      span,
      label: "not declared",
      ...(meantName(text, span, variablesIn(env.scope)) ??
        adviceOnAssigned(text, value) ?? {
          help: `a value gets its name with \`let ${text} = ...\`, or with \`var\` where it changes later`,
          fix: { span, replacement: `let ${text}` },
        }),
    })
    // Said once: the name is in sight from here on.
    env.scope.names.set(text, { value, span, kind: "var" })
    return
  }
  if (binding.kind !== "var") {
    complain(env, {
      code: "assign-to-let",
      message: `\`${s.name.text}\` cannot be assigned again`,
      span: s.name.span,
      label: binding.kind === "state" ? "a state" : "not a `var`",
      related: [{ span: binding.span, text: "declared here" }],
      ...otherThanAssigned(s, binding),
    })
    return
  }
  binding.value = changeable(env, s.name, value)
}

/** The statement that replaces `x = ...` where `x` is no `var`. */
function otherThanAssigned(
  { name, value }: AssignStmt,
  { kind, span }: Binding,
): { readonly help: string; readonly fix?: Fix } {
  const { file, end } = name.span
  if (kind === "state")
    return {
      help: `write \`${name.text} <- ...\``,
      fix: { span: { file, start: end, end: value.span.start }, replacement: " <- " },
    }
  if (kind !== "let")
    return {
      help: `\`${name.text}\` keeps its value: give the new one a name of its own, \`let h = ...\`, and use that from here on`,
    }
  const word = /\blet(?=\s+$)/.exec(span.file.text.slice(0, span.start))
  return {
    help: "declare it with `var` instead",
    ...(word && {
      fix: { span: { ...span, start: word.index, end: word.index + 3 }, replacement: "var" },
    }),
  }
}

/** Unknown where an assignment may be in a part that the parser could not read. */
const changeable = (env: Env, { text, span }: Name, value: Value): Value =>
  env.cx.unread.mayChange(text, span) ? v.ERROR : value

/** Names that may be assigned to; one letter is near to every other. */
const variablesIn = (scope: Scope): string[] =>
  namesIn(scope).filter((name) => name.length > 1 && lookup(scope, name)?.kind === "var")

function runUpdate(env: Env, s: UpdateStmt): void {
  const binding = lookup(env.scope, s.name.text)
  const value = evalExpr(env, s.value)
  if (binding?.kind === "state") {
    updateSlot(env, s, binding, value)
    return
  }
  complain(env, {
    code: "update-target",
    message: `\`<-\` gives a state its next value, and \`${s.name.text}\` is no state`,
    span: s.name.span,
    label: binding ? "not a state" : "not declared",
    related: [binding && { span: binding.span, text: "declared here" }],
    help:
      binding?.kind === "param"
        ? "parameters are changed by an optimizer alone; declare it `state` to change it here"
        : `declare it: \`state ${s.name.text}: ... = zeros\``,
  })
}

export function evalBranches(env: Env, s: IfStmt | IfExpr): Flow {
  const condition = evalExpr(env, s.condition)
  if (condition.kind === "bool") {
    if (condition.value) return runBlock(env, s.then)
    return s.else ? runBlock(env, s.else) : on()
  }
  if (v.hasError(condition)) return on(v.ERROR)
  return on(
    complain(env, {
      code: "condition",
      message:
        condition.kind === "tensor"
          ? "`if` is decided when compiling, and this condition is known only when the program runs"
          : `the condition of \`if\` must be a bool, and this is ${v.describe(condition)}`,
      span: s.condition.span,
      label: v.describe(condition),
      help: condition.kind === "tensor" ? "choose by data with `where(condition, a, b)`" : undefined,
    }),
  )
}

/** Iterations a program may unroll into; more is a slip, or a recurrence that should be a loop over time. */
const MAX_ITERATIONS = 100_000

function runFor(env: Env, s: ForStmt): Flow {
  const range = evalExpr(env, s.range)
  if (v.hasError(range)) return on(v.ERROR)
  if ((range.kind !== "list" && range.kind !== "tuple") || range.items.length > MAX_ITERATIONS)
    return on(
      complain(env, {
        code: "for-range",
        message:
          range.kind === "list"
            ? `${range.items.length} iterations are too many to unroll`
            : `\`for\` runs over a range or a list, and this is ${v.describe(range)}`,
        span: s.range.span,
        label: v.describe(range),
        help: "write `0..n` or `[a, b, c]`",
      }),
    )
  for (const [iteration, value] of range.items.entries()) {
    const inner: Env = { ...env, scope: newScope(env.scope), iterations: [...env.iterations, iteration] }
    declare(inner, s.name, { value, span: s.name.span, kind: "loop" })
    const flow = runBlock(inner, s.body)
    if (flow.returned) return flow
  }
  return on()
}
