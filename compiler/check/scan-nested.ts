/** check: a `scan` in the block of another. A loop on the device has no loop within it, so the iterations of the inner one are written out.
 *  Guarantees: as in a loop, a layer is the same in every iteration and carried types do not change. */
import type { ScanExpr } from "../ir/ast/types.js"
import type { Span } from "../source/source.js"
import { emit } from "./emit.js"
import type { Env } from "./env.js"
import { carriedBy, nextOf, refused, sequencesOf, stackedIn } from "./scan.js"
import { newScope } from "./scope.js"
import { declare, runStatements } from "./stmt.js"
import * as v from "./values.js"
import type { TensorValue, Value } from "./values.js"

/** The turns one by one, each finding the layers that the first made. */
export function evalUnrolled(env: Env, expr: ScanExpr): Value {
  const sequences = sequencesOf(env, expr)
  const carries = carriedBy(env, expr.body)
  if (!sequences || !carries) return v.ERROR
  for (const c of carries) c.binding.value = v.withTensors(c.binding.value, c.first)
  const { naming } = env
  const iterations: TensorValue[][] = []
  let shown: Value = v.NONE
  for (let t = 0; t < sequences.iterations; t++) {
    const own = { ...naming, counts: new Map(naming.counts), taken: new Set(naming.taken) }
    const inner: Env = { ...env, scope: newScope(env.scope), naming: own }
    expr.names.forEach((name, i) =>
      declare(inner, name, {
        value: placeOf(env, sequences.items[i]!, t, name.span),
        span: name.span,
        kind: "loop",
      }),
    )
    const flow = runStatements(inner, expr.body.statements)
    if (flow.returned) refused(inner, "a `return`", expr.body.statements.at(-1)?.span ?? expr.span)
    const next = carries.map((c) => nextOf(inner, c, c.first))
    const stacked = flow.returned ? undefined : stackedIn(inner, flow.value, expr)
    if (!stacked || next.includes(undefined)) {
      for (const c of carries) c.binding.value = v.ERROR
      return v.ERROR
    }
    carries.forEach((c, i) => (c.binding.value = v.withTensors(c.binding.value, next[i]!)))
    iterations.push(stacked.tensors)
    shown = stacked.value
    if (t < sequences.iterations - 1) continue
    for (const [layer, count] of own.counts) naming.counts.set(layer, count)
    for (const name of own.taken) naming.taken.add(name)
  }
  const stacks = (iterations[0] ?? []).map((_, i) =>
    joined(
      env,
      iterations.map((tensors) => tensors[i]!),
      sequences.axis,
      expr.span,
    ),
  )
  return v.withTensors(shown, stacks.flatMap(v.tensorsIn))
}

/** The slice at one index of the first axis. */
function placeOf(env: Env, x: TensorValue, at: number, span: Span): Value {
  const rest = x.type.shape.slice(1)
  const attrs = {
    starts: [at, ...rest.map(() => 0)],
    stops: [at + 1, ...rest],
    steps: x.type.shape.map(() => 1),
  }
  const cut = emit(env, "slice", [x], attrs, span)
  return cut.kind === "tensor" ? emit(env, "reshape", [cut], { shape: rest }, span) : cut
}

/** Tensors one after another along a new axis. */
function joined(env: Env, tensors: readonly TensorValue[], axis: number, span: Span): Value {
  const wide = tensors.map((t) =>
    emit(env, "reshape", [t], { shape: t.type.shape.toSpliced(axis, 0, 1) }, span),
  )
  return emit(env, "concat", wide.flatMap(v.tensorsIn), { axis }, span)
}
