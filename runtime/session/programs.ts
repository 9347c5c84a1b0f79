/** runtime/session: calls any program of a bundle once, over rows of a data set where it reads some. */
import type { Program } from "../exec/program.js"
import type { PlacedRows } from "../exec/placed-rows.js"
import type { Tensor } from "../exec/values.js"
import { checkFeeds, runProgram, type CallOptions, type Feeds } from "../train/predict.js"
import type { Opened } from "./opened.js"
import type { ProgramOptions } from "./options.js"

export async function callProgram(
  opened: Opened,
  name: string,
  feeds: Feeds,
  options: ProgramOptions,
): Promise<Record<string, Tensor>> {
  const rows = options.data ? (await opened.data.get(options.data.name))[options.data.part] : null
  const program = opened.loaded.program(name, rows?.data ?? null)
  const at = rows ? await rowsOfCall(opened, program, rows, options) : {}
  checkFeeds(program, feeds, true)
  return runProgram(program, feeds, { ...options, ...at })
}

/** Which rows a single call finds on the device. */
async function rowsOfCall(
  { loaded, data }: Opened,
  { spec }: Program,
  rows: PlacedRows,
  { seed = 0, epoch = 0, start = 0, batch }: ProgramOptions,
): Promise<CallOptions> {
  const B = batch ?? Math.min(rows.rows, spec.maxBatch)
  const train = loaded.bundle.manifest.trains.find(({ step }) => step === spec.name)
  const weights = train?.data ? (await data.get(train.data)).weights.get(train.name) : undefined
  const order = { shuffle: train?.shuffle ?? false, ...(weights && { weights }), seed, calls: 1 }
  const walk = rows.walk({ ...order, at: () => ({ B, epoch, start }) })
  await walk.ready(0, 1)
  const { R, start: first } = walk.of(0)
  return { batch: B, rows: R, start: first }
}
