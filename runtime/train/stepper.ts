/** runtime/train: one step of a train section at a time, over rows that the caller has at that moment.
 *  Guarantees: a step over the rows that a run would have taken gives the bits of that run; a step that is refused, or whose loss or
 *              update is not finite, leaves the state as it was.
 *  Not here:   which rows they are and what step it is (session/step.ts). */
import type { DataSpec, TrainSpec } from "../bundle/format.js"
import { encoderOf } from "../data/encoder.js"
import { RowGather } from "../data/gather.js"
import type { TableRows } from "../data/load.js"
import { shuffledOrder } from "../data/row-order.js"
import { RunError } from "../error.js"
import { ParameterBlocks, type CallParameters } from "../exec/blocks.js"
import { multiStepOf, recordCalls } from "../exec/calls.js"
import { upload, type DeviceData } from "../exec/dataset.js"
import { History } from "../exec/history.js"
import type { LoadedBundle } from "../exec/loaded-bundle.js"
import type { Program } from "../exec/program.js"
import type { Snapshot, State } from "../exec/state.js"
import { FiniteCheck } from "./finite.js"
import type { Metrics } from "./evaluate.js"
import { isFiniteLoss, lossNames, reported } from "./metrics.js"
import { explainLoss, explainState, type Rerun } from "./non-finite.js"
import { fieldRanges } from "./trouble.js"

/** Which step of a run it is. */
export interface StepPlace {
  /** Updates made before. */
  readonly step: number
  readonly epoch: number
  readonly seed: number
}

export class Stepper {
  private readonly data: DeviceData
  private readonly program: Program
  /** The program that runs, as in a whole run. */
  private readonly steps: Program
  private readonly history: History
  private readonly check: FiniteCheck
  private readonly blocks: ParameterBlocks
  /** The state before the step. */
  private readonly before: Snapshot
  /** The losses of the last steps. */
  private losses: readonly number[] = []

  constructor(
    private readonly loaded: LoadedBundle,
    private readonly spec: TrainSpec,
    private readonly set: DataSpec,
    private readonly state: State,
  ) {
    const { device } = loaded
    const { maxBatch } = loaded.spec(spec.step)
    const id = `batch of ${spec.name}`
    const memories = set.fields
      .map(encoderOf)
      .flatMap(({ name, bytes, list }) => [
        [name, device.alloc(`${id}.${name}`, maxBatch * bytes)] as const,
        ...(list ? [[list.name, upload(device, id, list)] as const] : []),
      ])
    this.data = { id, rows: maxBatch, fields: new Map(memories) }
    this.program = loaded.program(spec.step, this.data)
    this.steps = multiStepOf(this.program)
    this.history = new History(this.steps, 1)
    this.check = new FiniteCheck(loaded)
    this.blocks = new ParameterBlocks(device)
    this.before = state.allocSnapshot(id)
  }

  async step(rows: TableRows, place: StepPlace): Promise<Metrics> {
    const B = rows.rows.length
    const { maxBatch } = this.program.spec
    if (B > maxBatch)
      throw new RunError(
        "too-many-rows",
        `the batch has ${B} rows; a step was compiled for at most ${maxBatch}`,
        {
          help: `make several steps of them, or declare \`batch ${B}\` and compile again`,
        },
      )
    await this.bring(rows, place)
    const call = { B, R: B, start: 0, ...place }
    const { device } = this.loaded
    const recorder = device.record()
    this.state.recordSave(recorder, this.before)
    recordCalls(this.steps, 1, () => call, { recorder, blocks: this.blocks, history: this.history })
    this.check.record(recorder, this.blocks)
    this.blocks.flush()
    recorder.submit()
    const [fetch, spoilt] = [this.history.download(), this.check.download()]
    const [scalars] = await fetch()
    const names = await spoilt()
    const isFinite = isFiniteLoss(scalars!)
    if (!isFinite || names.length > 0) {
      const loss = lossNames(scalars!)
        .map((name) => scalars![name]!)
        .find((value) => !Number.isFinite(value))
      const rerun = this.rerunOf(call)
      const why = isFinite
        ? await explainState(rerun, this.check, place.step + 1, names)
        : await explainLoss(rerun, place.step, loss ?? NaN)
      const back = device.record()
      this.state.recordRestore(back, this.before)
      back.submit()
      throw why
    }
    const metrics = reported(scalars!)
    this.losses = [...this.losses, metrics.loss].slice(-LOSSES_KEPT)
    return metrics
  }

  /** Puts each row where the kernels look for it: they take the rows of a shuffled section by a permutation of all that they are told of. */
  private async bring({ table, rows }: TableRows, { seed, epoch }: StepPlace): Promise<void> {
    const count = rows.length
    const placeOf = this.spec.shuffle ? shuffledOrder({ rows: count, seed, epoch }) : (place: number) => place
    const numbers = new Uint32Array(count)
    for (let i = 0; i < count; i++) numbers[placeOf(i)] = i
    const from = await RowGather.open(this.set.fields, { table, rows })
    const { fields, done } = await from.gather(numbers)
    for (const { name, bytes } of fields)
      if (bytes.byteLength > 0) this.loaded.device.write(this.data.fields.get(name)!, 0, bytes)
    done()
  }

  private rerunOf(call: CallParameters): Rerun {
    const rowAt = (place: number): number | undefined => (place < call.B ? place : undefined)
    return {
      program: this.program,
      steps: this.steps,
      state: this.state,
      good: this.before,
      goodStep: call.step,
      parametersOf: async () => call,
      epochOf: () => call.epoch,
      losses: this.losses,
      fields: () => fieldRanges(this.loaded, this.spec, { data: this.data, rowAt }),
    }
  }
}

/** So many tell whether a loss grows. */
const LOSSES_KEPT = 8
