/** runtime/session: one run of a train section: the values that it starts from, the events that it begins and ends with.
 *  Not here: the loop (train/trainer.ts), files (node.ts). */
import type { TrainSpec } from "../bundle/format.js"
import { checkSection, type Checkpoint } from "../checkpoint/checkpoint.js"
import type { Parts } from "../data/load.js"
import { errorEvent, RunError } from "../error.js"
import type { LoadedBundle } from "../exec/loaded-bundle.js"
import type { PlacedRows } from "../exec/placed-rows.js"
import { batchesOf, type Batches } from "../train/batches.js"
import { LOG_VERSION, type EndEvent } from "../train/events.js"
import type { OfRun, RunListeners } from "../train/run.js"
import { scheduleOf } from "../train/schedule.js"
import { Trainer, type TrainSetup } from "../train/trainer.js"
import { evaluatorOf } from "./evaluation.js"
import { trainSpec, type Opened } from "./opened.js"
import type { TrainOptions } from "./options.js"

export async function train(
  { loaded, device, data, state, now, pace }: Opened,
  { onEvent, signal, ...options }: Omit<TrainOptions, keyof RunListeners> & OfRun,
): Promise<EndEvent> {
  const { manifest } = loaded.bundle
  const spec = trainSpec(manifest, options.train)
  if (options.resume) checkSection(options.resume, spec.name)
  const set = await data.of(spec)
  const note = (message: string): void => onEvent({ event: "note", message })
  const seed = options.seed ?? options.resume?.position?.seed ?? spec.seed
  const reportEvery = options.reportEvery ?? spec.reportEvery
  const batches = batchesOf(set?.train.rows ?? 0, spec.batch, spec.dropLast)
  const schedule = scheduleOf({
    perEpoch: batches.perEpoch,
    duration: durationOf(spec, options),
    reportEvery,
    checkpointEvery: options.checkpointEvery === undefined ? spec.checkpointEvery : options.checkpointEvery,
  })
  const { from, notes } = await state.startFrom(options, seed)
  for (const each of notes) note(each)
  if (options.resume)
    for (const difference of differences(options.resume, manifest.fingerprint, seed, batches))
      note(difference)
  const heldBack = set && heldBackOf(loaded, spec, set, seed)
  onEvent({
    event: "start",
    log: LOG_VERSION,
    program: manifest.name,
    train: spec.name,
    ...device,
    parameters: state.parameterCount,
    rows: batches.rows,
    ...(set && set.beside.size > 0 && { beside_rows: Object.fromEntries(set.beside) }),
    val_rows: set?.val?.rows ?? 0,
    test_rows: set?.test?.rows ?? 0,
    ...(set && set.leftOut > 0 && { left_out: set.leftOut }),
    data_bytes: [set?.train, set?.val, set?.test].reduce((sum, rows) => sum + (rows?.bytes ?? 0), 0),
    ...(set && { placement: set.placement }),
    batch: batches.size,
    seed,
    step: from.step,
    steps: schedule.total,
    steps_per_epoch: batches.perEpoch,
    settings: Object.fromEntries(manifest.settings.map(({ name, value }) => [name, value])),
  })
  const left = schedule.total % (spec.accumulate ?? 1)
  if (left > 0)
    note(
      `accumulate ${spec.accumulate}: the run has ${schedule.total} batches, and ` +
        (left === schedule.total
          ? "so makes no update at all"
          : `the last ${left} of them complete no update`),
    )
  const trainer = new Trainer({
    loaded,
    spec,
    state: state.slots,
    step: loaded.program(spec.step, set?.train.data ?? null),
    batches,
    data: set?.train ?? null,
    weights: set?.weights.get(spec.name),
    schedule,
    fold: data.foldOf(spec),
    heldBack,
    evaluates:
      reportEvery.unit === "epochs" ||
      spec.keepBest !== null ||
      spec.patience !== undefined ||
      spec.observed !== undefined,
    seed,
    from,
    store: options.store ?? null,
    onEvent,
    signal,
    now,
    pace,
  })
  try {
    const end = await trainer.run()
    state.reached(trainer.position(end.step))
    return end
  } catch (caught) {
    onEvent(errorEvent(caught))
    throw caught
  } finally {
    trainer.free()
    heldBack?.evaluator.free()
  }
}

/** The held-back rows that are evaluated along the way: the test rows only where there are none for validation. */
function heldBackOf(
  loaded: LoadedBundle,
  spec: TrainSpec,
  { val, test }: Parts<PlacedRows>,
  seed: number,
): TrainSetup["heldBack"] {
  const rows = val ?? test
  if (!rows || spec.evaluate === null) return null
  return { part: val ? "val" : "test", evaluator: evaluatorOf(loaded, spec, spec.evaluate, rows, seed) }
}

/** The differences that make a resumed run another one than a run that never stopped. `own`: the fingerprint of the program. */
function differences(
  { position, fingerprint, place }: Checkpoint,
  own: string,
  seed: number,
  { size, rows }: Batches,
): string[] {
  if (!position) return [`${place} holds parameters only: the optimizer and the step count start anew`]
  const changed = (what: string, before: number, now: number): string[] =>
    before === now
      ? []
      : [`${what} was ${before} in the checkpoint and is ${now} now: the run goes on with other batches`]
  return [
    ...changed("seed", position.seed, seed),
    ...changed("batch", position.batch, size),
    ...changed("rows", position.rows, rows),
    ...(fingerprint === own
      ? []
      : ["the program was changed since the checkpoint: the run goes on with the new one"]),
  ]
}

function durationOf(
  spec: TrainSpec,
  { epochs, steps }: Pick<TrainOptions, "epochs" | "steps">,
): TrainSpec["duration"] {
  if (epochs !== undefined && steps !== undefined)
    throw new RunError("bad-option", "both epochs and steps are given; a run has one length")
  if (epochs !== undefined) return { unit: "epochs", count: epochs }
  return steps !== undefined ? { unit: "steps", count: steps } : spec.duration
}
