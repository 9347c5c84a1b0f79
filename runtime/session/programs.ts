/** runtime/session: calls any program of a bundle once, over rows of a data set where it reads some. */
import type { Program } from "../exec/program.js"
import type { DataSet } from "../exec/data-set.js"
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
  const rows = options.data ? (await dataOf(opened, name, options.data.name))[options.data.part] : null
  const program = opened.loaded.program(name, rows?.data ?? null)
  const at = rows ? await rowsOfCall(opened, program, rows, options) : {}
  checkFeeds(program, feeds, true)
  return runProgram(program, feeds, { ...options, ...at })
}

/** A data set, and those that go along with it in this program. */
function dataOf({ loaded, data }: Opened, program: string, name: string): Promise<DataSet> {
  const train = loaded.bundle.manifest.trains.find(
    (each) => each.data === name && (each.step === program || each.evaluate === program),
  )
  return data.get(name, train?.beside)
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
  const weights = train && (await data.of(train))?.weights.get(train.name)
  const order = { shuffle: train?.shuffle ?? false, ...(weights && { weights }), seed, calls: 1 }
  const walk = rows.walk({ ...order, at: () => ({ B, epoch, start, before: start }) })
  await walk.ready(0, 1)
  const { R, start: first } = walk.of(0)
  return { batch: B, rows: R, start: first }
}
