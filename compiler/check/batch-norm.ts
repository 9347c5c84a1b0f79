/** check: batch normalisation over a single value per channel: its variance is 0, and the output is the bias alone. */
import type { TrainSettings } from "../ir/model/types.js"
import { evalShape, printShape, type Shape } from "../ir/tensor.js"
import type { Span } from "../source/source.js"
import { userSpan, type Env } from "./env.js"
import { complain } from "./report.js"
import type { Instance, Value } from "./values.js"

/** A call of a batch norm in a training step. */
export interface BatchNormUse {
  readonly span: Span
  readonly shape: Shape
}

export function noteBatchNorm(env: Env, { decl, module }: Instance, x: Value | undefined, span: Span): void {
  if (
    module.library &&
    env.section.training &&
    decl.name.text.startsWith("BatchNorm") &&
    x?.kind === "tensor"
  )
    env.section.batchNorms.push({ span: userSpan(env, span), shape: x.type.shape })
}

/** `rows`: of the data set, where they are known; `said`: the setting `batch`, where there is one. */
export function checkBatchNorms(
  env: Env,
  settings: TrainSettings,
  rows: number | undefined,
  said: Span | undefined,
): void {
  const batch = settings.batch ?? rows
  for (const { span, shape } of env.section.batchNorms) {
    const symbolic = shape.some((size) => typeof size !== "number")
    if (symbolic && batch === undefined) continue
    const sizes = evalShape(shape, { B: Math.min(batch ?? 1, rows ?? Infinity), R: rows ?? 1 })
    if (sizes.reduce((all, size, axis) => (axis === 1 ? all : all * size), 1) > 1) continue
    complain(env, {
      code: "batch-norm-one",
      message: `batch normalisation needs more than one value per channel, and a batch of ${sizes[0]} gives one`,
      span: said && symbolic ? said : span,
      label: said && symbolic ? "one row at a time" : `of ${printShape(shape)}`,
      related: [said && symbolic ? { span, text: `normalises ${printShape(shape)}` } : undefined],
      help: "take a larger `batch`, or normalise each row by itself with `LayerNorm` or `GroupNorm`",
    })
  }
}
