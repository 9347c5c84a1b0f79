/** check: warnings about a network that predicts the next element of a sequence and can already see it: the target is the input shifted in
 *  time, and there is attention without `causal`, or a recurrent layer that also reads from the end. */
import type { Field } from "../../ir/model/types.js"
import { type Span, spanText } from "../../source/source.js"
import type { Env } from "../env.js"
import { complain } from "../report.js"
import type { Value } from "../values.js"
import type { Done } from "./done.js"
import type { Flow } from "./flow.js"

const ATTENDS = new Set(["MultiHeadAttention", "TransformerEncoderLayer", "scaled_dot_product_attention"])
const RECURS = new Set(["RNN", "GRU", "LSTM"])

export function warnOfFuture(env: Env, flow: Flow, fields: readonly Field[]): void {
  for (const loss of flow.done) {
    const target = fieldOf(flow, fields, loss.args.get("target"))
    const [scores] = loss.args.values()
    if (!target || scores?.kind !== "tensor") continue
    const input = fields.find((field) => follows(target, field))
    if (!input) continue
    for (const done of flow.done) {
      const way = seesAhead(done)
      const { result } = done
      if (way === undefined || result.kind !== "tensor") continue
      if (!flow.comesFrom(scores.id, (id) => id === result.id)) continue
      if (
        !flow.comesFrom(result.id, (id) =>
          flow.section.inputs.some((i) => i.id === id && i.name === input.name),
        )
      )
        continue
      complain(env, {
        severity: "warning",
        code: "future-seen",
        message: `every place sees those after it, and \`${target.name}\` is \`${input.name}\` ${shiftOf(target, input)} later: the network reads what it is to predict`,
        span: way.span,
        label: way.label,
        help: way.help,
        ...(way.fix && { fix: way.fix }),
      })
    }
  }
}

interface Way {
  readonly span: Span
  readonly label: string
  readonly help: string
  readonly fix?: { readonly span: Span; readonly replacement: string }
}

function seesAhead({ name, args, given, span }: Done): Way | undefined {
  if (ATTENDS.has(name)) {
    const [causal, key] = [args.get("causal"), args.get("key")]
    if (causal?.kind !== "bool" || causal.value || (key && key.kind !== "none")) return undefined
    const written = given.get("causal")
    const text = spanText(span)
    return {
      span: written?.span ?? span,
      label: "attends to later places too",
      help: "`causal: true` lets a place see itself and those before it",
      ...(written
        ? { fix: { span: written.span, replacement: "causal: true" } }
        : /^\w+\([^()]+\)$/.test(text) && {
            fix: { span: { ...span, start: span.end - 1 }, replacement: ", causal: true)" },
          }),
    }
  }
  const both = RECURS.has(name) ? args.get("bidirectional") : undefined
  if (both?.kind !== "bool" || !both.value) return undefined
  const at = given.get("bidirectional")?.span
  return {
    span: at ?? span,
    label: "reads from the end too",
    help: "a network that predicts what comes next reads in one direction: leave `bidirectional` out",
    ...(at && {
      fix: { span: at, replacement: spanText(at).replace(/true$/, "false") },
    }),
  }
}

function fieldOf(flow: Flow, fields: readonly Field[], value: Value | undefined): Field | undefined {
  const name = flow.field(value)
  return fields.find((field) => field.name === name)
}

/** The same columns, some places later, and for the most part the same values. */
const follows = (target: Field, input: Field): boolean => {
  const [a, b] = [rangeOf(input), rangeOf(target)]
  return (
    a !== undefined &&
    b !== undefined &&
    JSON.stringify(target.columns) === JSON.stringify(input.columns) &&
    a.from < b.from &&
    b.from < a.to - 1
  )
}

function rangeOf({ window, stages }: Field): { readonly from: number; readonly to: number } | undefined {
  const slice = stages.find((stage) => stage.kind === "slice")
  return window ?? slice
}

const shiftOf = (target: Field, input: Field): string => {
  const by = (rangeOf(target)?.from ?? 0) - (rangeOf(input)?.from ?? 0)
  return by === 1 ? "1 place" : `${by} places`
}
