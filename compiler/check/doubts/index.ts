/** check: all warnings about a complete train section that is legal and probably not meant. */
import type { MinimizeStmt } from "../../ir/ast/types.js"
import type { DataSet, Direction, ModelValue } from "../../ir/model/types.js"
import type { Env } from "../env.js"
import { warnOfBatchReductions, warnOfLayouts, warnOfReshapes } from "./axes.js"
import { Flow } from "./flow.js"
import { warnOfFuture } from "./future.js"
import { warnOfLayers } from "./layers.js"
import { warnOfArguments, warnOfDirection } from "./losses.js"
import { warnOfAll, warnOfMetrics, warnOfMode, warnOfPerplexity } from "./metrics.js"
import { warnOfEqualStarts } from "./start.js"

export interface Section {
  readonly step: Env
  readonly evaluate: Env
  readonly losses: readonly { readonly statement: MinimizeStmt; readonly value: ModelValue | undefined }[]
  readonly data: DataSet | undefined
  readonly models: ReadonlySet<string>
  /** The direction of the loss or a report. */
  readonly directionOf: (metric: string) => Direction | undefined
}

export function warnOfDoubts({ step, evaluate, losses, data, models, directionOf }: Section): void {
  const flow = new Flow(step.section)
  const fields = data?.fields ?? []
  // Axes that are mistaken are the cause of many an error; the rest waits until there is none.
  warnOfReshapes(step, flow)
  warnOfLayouts(step, flow, fields)
  warnOfBatchReductions(evaluate, new Flow(evaluate.section), models)
  if (step.cx.diagnostics.hasErrors) return
  warnOfArguments(step, flow)
  warnOfLayers(step, flow)
  warnOfMetrics(step, flow)
  warnOfAll(step, flow)
  warnOfPerplexity(step, flow)
  warnOfMode(step, flow, directionOf)
  warnOfFuture(step, flow, fields)
  warnOfEqualStarts(step, flow)
  for (const { statement, value } of losses)
    if (value !== undefined) warnOfDirection(step, flow, statement, value)
}
