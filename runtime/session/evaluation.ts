/** runtime/session: loss and metrics of a train section over the rows of a part of its data.
 *  Not here: the batches (train/evaluate.ts). */
import type { TrainSpec } from "../bundle/format.js"
import type { Parts } from "../data/load.js"
import { PART_NAMES, type Part } from "../data/shares.js"
import { RunError } from "../error.js"
import type { LoadedBundle } from "../exec/loaded-bundle.js"
import type { PlacedRows } from "../exec/placed-rows.js"
import { Evaluator, type Metrics } from "../train/evaluate.js"
import { trainSpec, type Opened } from "./opened.js"
import type { EvaluateOptions } from "./options.js"

export interface Evaluation {
  readonly part: Part
  readonly rows: number
  readonly metrics: Metrics
}

export async function evaluate(
  { loaded, data, state }: Opened,
  options: EvaluateOptions,
): Promise<Evaluation> {
  const spec = trainSpec(loaded.bundle.manifest, options.train)
  const set = await data.of(spec)
  if (spec.evaluate === null || set === null)
    throw new RunError("unknown-name", `train section "${spec.name}" has no data to evaluate on`)
  const part = options.part ?? partTested(set)
  const rows = set[part]
  if (!rows) throw new RunError("data-split", `data set "${spec.data}" has no ${PART_NAMES[part]} rows`)
  await state.ensureInitialised(spec.seed)
  const evaluator = evaluatorOf(loaded, spec, spec.evaluate, rows, spec.seed)
  try {
    const metrics = await evaluator.run(state.position?.step ?? 0, state.position?.epoch ?? 0)
    return { part, rows: rows.rows, metrics }
  } finally {
    evaluator.free()
  }
}

export function evaluatorOf(
  loaded: LoadedBundle,
  spec: TrainSpec,
  program: string,
  rows: PlacedRows,
  seed: number,
): Evaluator {
  const overall = spec.overall === undefined ? null : loaded.program(spec.overall, null)
  return new Evaluator(loaded.program(program, rows.data), overall, spec, rows, seed)
}

/** The part by which a model is best judged. */
const partTested = ({ val, test }: Parts<unknown>): Part => (test ? "test" : val ? "val" : "train")
