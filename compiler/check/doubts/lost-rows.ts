/** check: finds the call that lost the rows of the batch, for a value that should have them along axis 0. */
import { BATCH, printType, sameDim, type Shape } from "../../ir/tensor.js"
import type { Fix, Label } from "../../source/diagnostic.js"
import { type Span, spanText } from "../../source/source.js"
import type { Env } from "../env.js"
import { withoutCall } from "../report.js"
import type { TensorValue } from "../values.js"
import type { Done } from "./done.js"

export interface LostRows {
  /** The call, or the part of it that is wrong. */
  readonly span: Span
  readonly label: string
  readonly related: readonly Label[]
  readonly help: string
  readonly fix?: Fix
}

const hasRows = ([rows]: Shape): boolean => rows !== undefined && sameDim(rows, BATCH)

/** `at`: where the value is asked for the rows; `wanted`: how many axes it should have. */
export function lostRows(env: Env, shape: Shape, at: Span, wanted: number): LostRows | undefined {
  if (hasRows(shape)) return undefined
  for (const done of [...env.section.done].reverse()) {
    const x = done.args.get("x")
    const { result } = done
    if (x?.kind !== "tensor" || result.kind !== "tensor") continue
    if (!hasRows(x.type.shape) || hasRows(result.type.shape)) continue
    const { file } = done.span
    if (file !== at.file || env.cx.stdlib.has(file)) return undefined
    return {
      related: [{ span: at, text: `has no rows here` }],
      ...told(done, x, wanted),
    }
  }
  return undefined
}

function told({ name, given, span }: Done, x: TensorValue, wanted: number): Omit<LostRows, "related"> {
  const text = spanText(span)
  const type = printType(x.type)
  const axis = given.get("axis")?.span
  if (name === "index")
    return {
      span,
      label: `takes one row of ${type}`,
      help: "axis 0 holds the rows: `[:, ...]` keeps them",
    }
  if (name === "transpose" || name === "permute")
    return {
      span,
      label: `moves the rows of ${type} away from axis 0`,
      help: "layers take the rows first: leave it out",
      ...withoutCall(span, given.get("x")?.span),
    }
  if (name === "flatten" || name === "reshape")
    return {
      span,
      label: `joins the rows of ${type} with what they hold`,
      help: "`Flatten()`, or `flatten(..., 1)`, keeps axis 0 as it is",
    }
  const isBound = (name === "max" || name === "min") && axis && /^0$/.test(spanText(axis))
  if (isBound)
    return {
      span,
      label: `takes the ${name === "max" ? "largest" : "smallest"} along axis 0, over the rows`,
      help:
        name === "max"
          ? "the larger of each value and 0 is `relu`"
          : "the smaller of each value and 0 is `minimum(..., 0)`",
      ...(name === "max" && text === "max(0)" && { fix: { span, replacement: "relu" } }),
    }
  const keep = wanted === x.type.shape.length ? ", keepdim: true" : ""
  return {
    span: axis ?? span,
    label: axis ? `along axis 0 of ${type}, over the rows` : `over all axes of ${type}, the rows too`,
    help: `within each row it is \`axis: 1${keep}\``,
    ...(axis && spanText(axis).endsWith("0")
      ? {
          fix: {
            span: axis,
            replacement: `${spanText(axis).replace(/0$/, "1")}${given.has("keepdim") ? "" : keep}`,
          },
        }
      : !axis && text.endsWith(")")
        ? { fix: { span: { ...span, start: span.end - 1 }, replacement: `, axis: 1${keep})` } }
        : {}),
  }
}
