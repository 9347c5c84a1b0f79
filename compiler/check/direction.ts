/** check: whether more or less of a metric is better, which `keep best` needs.
 *  A value is marked by `higher_is_better(x)` or `lower_is_better(x)`, which are x; losses and metrics of the library end with one of
 *  them. A report whose value has no mark, but the name of such a function, is taken for that metric.
 *  Not here:   which value is the best (runtime/train/metrics.ts). */
import type { Block, Expr, FnDecl } from "../ir/ast/types.js"
import type { Direction } from "../ir/model/types.js"
import type { Span } from "../source/source.js"
import type { Given } from "./args.js"
import type { Env } from "./env.js"
import { complain } from "./report.js"
import type { ModuleScope } from "./resolve.js"
import * as v from "./values.js"
import type { Value } from "./values.js"

const MARKS: Readonly<Record<string, Direction>> = { higher_is_better: "higher", lower_is_better: "lower" }
export const DIRECTION_MARKS = Object.keys(MARKS)

export function callMark(env: Env, name: string, given: readonly Given[], span: Span): Value {
  const value = given[0]?.value
  const direction = MARKS[name]
  if (
    !value ||
    given.length > 1 ||
    direction === undefined ||
    (value.kind !== "tensor" && !v.isNumber(value))
  )
    return complain(env, {
      code: "argument-type",
      message: `\`${name}\` takes one metric, and gives it back`,
      span,
      label: value ? v.describe(value) : "nothing is given",
      help: `for instance \`report error = ${name}(mean(abs(p - y)))\``,
    })
  if (value.kind === "tensor") env.section.directions.set(value.id, direction)
  return value
}

/** The direction of a report; undefined when nothing says it. */
export function directionOf(
  env: Env,
  report: { readonly name: string; readonly value: number },
): Direction | undefined {
  const marked = env.section.directions.get(report.value)
  return marked ?? directionNamed(env.module, report.name)
}

/** The direction of a function, by the last call of every result. */
function directionNamed(module: ModuleScope, name: string, seen = new Set<string>()): Direction | undefined {
  const mark = MARKS[name]
  if (mark !== undefined) return mark
  const global = module.names.get(name)
  if (seen.has(name) || global?.kind !== "value" || global.value.kind !== "fn") return undefined
  seen.add(name)
  const found = new Set(
    resultsOf(global.value.decl).map((result) =>
      result.kind === "call" && result.callee.kind === "name"
        ? directionNamed(module, result.callee.name, new Set(seen))
        : undefined,
    ),
  )
  const [only, ...others] = found
  return others.length === 0 ? only : undefined
}

const resultsOf = ({ body }: FnDecl): Expr[] => [...returnsIn(body), ...valuesOf(body)]

function returnsIn({ statements }: Block): Expr[] {
  return statements.flatMap((s): Expr[] => {
    if (s.kind === "return") return [s.value]
    if (s.kind === "for") return returnsIn(s.body)
    return s.kind === "if" ? [s.then, ...(s.else ? [s.else] : [])].flatMap(returnsIn) : []
  })
}

function valuesOf({ statements }: Block): Expr[] {
  const last = statements.at(-1)
  if (last?.kind === "if") return [last.then, ...(last.else ? [last.else] : [])].flatMap(valuesOf)
  if (last?.kind !== "expr") return []
  const { value } = last
  return value.kind === "if-expr" ? [value.then, value.else].flatMap(valuesOf) : [value]
}
