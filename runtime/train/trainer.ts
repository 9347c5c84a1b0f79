/** runtime/train: runs a `train` section.
 *  Assumes:    slots hold the first (or the resumed) values; the step program is bound to the training rows.
 *  Guarantees: between report points only command buffers are made and nothing is read back; the slots after step N are the
 *              same bits however the run was cut into submissions, reports or resumed runs; a saved state is finite.
 *  Not here:   opening devices and data (session.ts), files (run-folder.ts). */
import { encodeCheckpoint, type Position } from "../checkpoint/checkpoint.js"
import type { TrainSpec } from "../bundle/format.js"
import type { Recorder } from "../device/device.js"
import { ParameterBlocks, type CallParameters } from "../exec/blocks.js"
import { callsPerSubmit, multiStepOf, recordCalls } from "../exec/calls.js"
import { History, type Scalars } from "../exec/history.js"
import type { LoadedBundle } from "../exec/loaded-bundle.js"
import type { PlacedRows, Walk } from "../exec/placed-rows.js"
import type { Program } from "../exec/program.js"
import type { SlotBytes, Snapshot, State } from "../exec/state.js"
import type { Batches } from "./batches.js"
import { numbersOf, type Evaluator, type Metric, type Metrics } from "./evaluate.js"
import type { CheckpointKind, CheckpointStore, EndEvent, TrainEvent } from "./events.js"
import { Best, watchedName } from "./best.js"
import { isFiniteLoss, lossNames, reported } from "./metrics.js"
import { Means } from "./means.js"
import { FiniteCheck } from "./finite.js"
import { explainLoss, explainState, type Rerun } from "./non-finite.js"
import { fieldRanges } from "./trouble.js"
import { Pace } from "./pace.js"
import type { Schedule } from "./schedule.js"

/** The opened parts that a run works with. */
export interface TrainSetup {
  readonly loaded: LoadedBundle
  readonly spec: TrainSpec
  readonly state: State
  readonly step: Program
  readonly batches: Batches
  /** The training rows; null where the section has none. */
  readonly data: PlacedRows | null
  /** Sums of the weights that its rows are drawn by. */
  readonly weights?: Float64Array | undefined
  readonly schedule: Schedule
  /** The fold of the data set. */
  readonly fold: number | null
  /** Over the rows that are held back and looked at along the way; null where there are none. */
  readonly heldBack: { readonly part: "val" | "test"; readonly evaluator: Evaluator } | null
  /** Every report evaluates them, not only the last one. */
  readonly evaluates: boolean
  readonly seed: number
  readonly from: Progress
  readonly store: CheckpointStore | null
  readonly onEvent: (event: TrainEvent) => void
  readonly signal: AbortSignal | undefined
  readonly now: () => number
  /** For at most so many steps in a submission; left out: one of its own. */
  readonly pace?: ((most: number) => Pace) | undefined
}

/** The state of a run besides its slots, when it starts or goes on. */
export type Progress = Pick<Position, "step" | "best" | "best_step" | "patience" | "means">

/** By names that begin with `val_` or `test_`; none where no rows were evaluated. */
type HeldBackMetrics = Readonly<Record<string, Metric>>

type OwnStep = "none" | "made" | "taken back"

/** A report whose numbers are still on the device. */
interface PendingReport {
  readonly step: number
  readonly epoch: number
  readonly heldBack: HeldBackMetrics
  /** How step `step` was run, whose losses are the last ones that are fetched. none: it was not run. */
  readonly own: OwnStep
  /** Holds the state before `step`; good once the losses and the state are known to be finite. */
  readonly snapshot: number
  /** Slots that are not finite before `step`. */
  readonly nonFinite: () => Promise<readonly string[]>
  /** First step of the losses that `fetch` brings. */
  readonly first: number
  readonly fetch: () => Promise<Scalars[]>
}

/** Two snapshots save a wait at every report; beyond this size one has to do. */
const TWO_SNAPSHOTS_BELOW = 64 * 1024 * 1024

/** So many tell whether a loss grows. */
const LOSSES_KEPT = 8

export class Trainer {
  /** The step program, in the form that makes many steps in one dispatch where there is one. */
  private readonly steps: Program
  /** One is filled while the other is on its way back. */
  private readonly histories: readonly [History, History]
  private filling: 0 | 1 = 0
  private readonly check: FiniteCheck
  /** The losses of the last steps that were finite. */
  private losses: readonly number[] = []
  private readonly blocks: ParameterBlocks
  private readonly pace: Pace
  /** The one in use holds the state before step `goodStep`; a new one becomes good when the losses up to it are known. */
  private readonly snapshots: readonly Snapshot[]
  private good = 0
  private goodStep: number
  /** First step whose loss has not been read. */
  private unread: number
  private step: number
  private readonly means: Means
  private readonly best: Best
  private readonly patience: Best
  /** The last report was made at this step. */
  private reportedAt = -1
  /** `patience` has run out. */
  private isStopped = false
  /** Metrics that were said to be NaN. */
  private readonly noted = new Set<string>()
  private pending: PendingReport | undefined
  private inFlight:
    { readonly wait: () => Promise<void>; readonly steps: number; readonly submitted: number } | undefined
  private lastDone = 0
  /** The rows of the steps; null without data. */
  private readonly walk: Walk | null

  constructor(private readonly setup: TrainSetup) {
    const { loaded, state, step, schedule, from, data, batches, seed, spec } = setup
    this.step = this.unread = this.goodStep = from.step
    this.means = new Means(from.means)
    this.best = new Best(setup.spec.keepBest, { value: from.best, step: from.best_step })
    this.patience = new Best(setup.spec.patience, from.patience)
    const entries = schedule.total - from.step + 1
    // The last report runs one step more.
    const order = { shuffle: spec.shuffle, seed, calls: schedule.total + 1, at: batches.at }
    this.walk = data && data.walk({ ...order, ...(setup.weights && { weights: setup.weights }) })
    this.steps = multiStepOf(step)
    this.histories = [new History(this.steps, entries), new History(this.steps, entries)]
    this.check = new FiniteCheck(loaded)
    this.blocks = new ParameterBlocks(loaded.device)
    const most = callsPerSubmit(this.steps, loaded.device.parameterBlocks)
    this.pace = setup.pace?.(most) ?? new Pace(most)
    const count = state.bytes < TWO_SNAPSHOTS_BELOW ? 2 : 1
    this.snapshots = Array.from({ length: count }, (_, i) => state.allocSnapshot(`snapshot ${i}`))
  }

  async run(): Promise<EndEvent> {
    const { schedule, signal, now, onEvent, from } = this.setup
    const began = now()
    this.takeSnapshot(this.good)
    let saved = -1
    while (this.step < schedule.total && !this.isStopped && !signal?.aborted) {
      if (this.step > from.step && schedule.isCheckpoint(this.step) && saved !== this.step) {
        await this.saveLast()
        saved = this.step
      }
      if (schedule.isReport(this.step) && this.reportedAt !== this.step) await this.report()
      else await this.submitUpTo(schedule.nextStop(this.step))
    }
    const finished = this.step >= schedule.total
    if (finished && this.reportedAt !== this.step) await this.report()
    else await this.settle()
    const seconds = (now() - began) / 1000
    if (saved !== this.step) await this.saveLast()
    const end: EndEvent = {
      event: "end",
      step: this.step,
      seconds,
      steps_per_second: seconds > 0 ? (this.step - from.step) / seconds : 0,
      why: this.isStopped ? "stopped" : finished ? "finished" : "interrupted",
      ...this.bestReport(),
    }
    onEvent(end)
    return end
  }

  free(): void {
    for (const history of this.histories) history.free()
    this.check.free()
    for (const snapshot of this.snapshots) snapshot.free()
  }

  /** Submits as many steps as fit, and waits for the submission before, so that two are under way. */
  private async submitUpTo(stop: number): Promise<void> {
    if (this.history.full) await this.settle()
    const room = this.history.capacity - this.history.length
    const count = await this.ready(
      this.step,
      Math.min(stop - this.step, this.pace.stepsFrom(this.step), room),
    )
    const { device } = this.setup.loaded
    const recorder = device.record()
    this.recordSteps(recorder, this.step, count)
    this.blocks.flush()
    const submitted = this.setup.now()
    recorder.submit()
    const wait = device.fence()
    this.step += count
    await this.waitForPrevious()
    this.inFlight = { wait, steps: count, submitted }
    await this.finishReport()
  }

  private async waitForPrevious(): Promise<void> {
    const previous = this.inFlight
    if (!previous) return
    this.inFlight = undefined
    await previous.wait()
    const now = this.setup.now()
    this.pace.observe(previous.steps, now - Math.max(previous.submitted, this.lastDone))
    this.lastDone = now
  }

  private recordSteps(recorder: Recorder, first: number, count: number): void {
    const { blocks, history } = this
    recordCalls(this.steps, count, (i) => this.parametersOf(first + i), { recorder, blocks, history })
  }

  /** For how many of `count` steps the rows are there. */
  private readonly ready = async (first: number, count = 1): Promise<number> =>
    this.walk ? this.walk.ready(first, count) : count

  private readonly parametersOf = (step: number): CallParameters => {
    const { batches, seed } = this.setup
    const { B, epoch, start } = batches.at(step)
    const rows = this.walk?.of(step) ?? { R: batches.rows, start }
    return { B, step, epoch, seed, ...rows }
  }

  /** The losses since the last report come back while the next steps are submitted, unless something waits for them. A report by
   *  steps runs step `this.step` too, to know its loss; so does the first one, for there is no other loss. Where the run may end here, the
   *  state is put back as it was. */
  private async report(): Promise<void> {
    const { state, loaded, batches, schedule, evaluates, spec, from } = this.setup
    const step = this.step
    const epoch = Math.floor(step / batches.perEpoch)
    const isLast = step >= schedule.total
    await this.finishReport()
    const heldBack = evaluates || isLast ? await this.evaluate(step, epoch) : {}
    if (this.history.full || this.snapshots.length === 1) await this.settle()
    // The only snapshot is about to be written over, once the steps before it are known to be finite.
    if (this.snapshots.length === 1) {
      await this.requireFinite(step, await this.check.now())
      this.goodStep = step
    }
    if (step > 0) this.observe(heldBack, step)
    const snapshot = (this.good + 1) % this.snapshots.length
    const isStart = step === from.step && this.means.isEmpty
    const own = !(schedule.ownStep || isStart)
      ? "none"
      : isLast || spec.patience || !schedule.ownStep
        ? "taken back"
        : "made"
    if (own !== "none") await this.ready(step)
    const recorder = loaded.device.record()
    state.recordSave(recorder, this.snapshots[snapshot]!)
    this.check.record(recorder, this.blocks)
    if (own !== "none") this.recordSteps(recorder, step, 1)
    if (own === "taken back") state.recordRestore(recorder, this.snapshots[snapshot]!)
    this.blocks.flush()
    recorder.submit()
    this.reportedAt = step
    if (own === "made") this.step++
    const nonFinite = this.check.download()
    this.pending = { step, epoch, heldBack, own, snapshot, nonFinite, ...this.takeHistory(own) }
    if (isLast || spec.patience || this.awaitsObservation(heldBack)) await this.finishReport()
  }

  /** Whether a schedule waits for a metric of the training rows: one that no evaluation gave. */
  private awaitsObservation(heldBack: HeldBackMetrics): boolean {
    return this.setup.spec.observed?.some((each) => watchedName(each, heldBack) === undefined) ?? false
  }

  /** Gives the step numbered `next` the metrics that were found. */
  private observe(metrics: Readonly<Record<string, Metric>>, next: number): void {
    for (const each of this.setup.spec.observed ?? []) {
      const name = watchedName(each, metrics)
      const found = name === undefined ? undefined : metrics[name]
      if (typeof found !== "number") continue
      this.setup.state.setNumbers(each.value, [found])
      this.setup.state.setNumbers(each.at, [next])
    }
  }

  private async finishReport(): Promise<void> {
    if (!this.pending) return
    const { step, epoch, heldBack, own, snapshot, nonFinite, first, fetch } = this.pending
    this.pending = undefined
    const results = await this.checked(first, await fetch(), own)
    await this.requireFinite(step, await nonFinite())
    this.good = snapshot
    this.goodStep = step
    const means = this.means.copy()
    if (own === "taken back") this.count(means, step, results.at(-1)!)
    const metrics: Metrics = { ...means.values, ...heldBack }
    const values = numbersOf(metrics)
    this.setup.onEvent({ event: "report", step, epoch, metrics })
    this.noteNaN(values, step)
    if (step === 0) return
    // A step that is made once more would see it twice.
    const isOver = own === "taken back" && step >= this.setup.schedule.total
    if (this.awaitsObservation(heldBack) && !isOver) this.observe(metrics, own === "made" ? step + 1 : step)
    this.patience.see(values, step)
    this.isStopped = this.hasRunOut(step)
    // The good snapshot is the state that was measured.
    if (this.best.see(values, step))
      await this.save("best", await this.setup.state.read(this.snapshots[this.good]), step)
  }

  /** Whether `patience` has run out. */
  private hasRunOut(step: number): boolean {
    const { spec, batches } = this.setup
    if (!spec.patience) return false
    const { unit, count } = spec.patience
    return step - this.patience.soFar.step >= (unit === "epochs" ? count * batches.perEpoch : count)
  }

  private bestReport(): Pick<EndEvent, "best"> {
    const { spec, heldBack } = this.setup
    const { value, step } = this.best.soFar
    if (spec.keepBest === null || value === null) return {}
    const metric = `${heldBack ? `${heldBack.part}_` : ""}${spec.keepBest.metric}`
    return { best: { metric, value, step } }
  }

  /** Says once of each metric that it is no number. */
  private noteNaN(values: Readonly<Record<string, number>>, step: number): void {
    for (const [name, value] of Object.entries(values)) {
      if (!Number.isNaN(value) || this.noted.has(name)) continue
      this.noted.add(name)
      const kept = name === watchedName(this.setup.spec.keepBest, values)
      const consequence = kept ? ": no checkpoint is kept as the best by it" : ""
      this.setup.onEvent({ event: "note", message: `warning: ${name} is NaN at step ${step}${consequence}` })
    }
  }

  private async evaluate(step: number, epoch: number): Promise<HeldBackMetrics> {
    const { heldBack } = this.setup
    if (!heldBack) return {}
    const values = await heldBack.evaluator.run(step, epoch)
    return Object.fromEntries(
      Object.entries(values).map(([name, value]) => [`${heldBack.part}_${name}`, value]),
    )
  }

  /** Waits for everything submitted and checks its losses. */
  private async settle(): Promise<void> {
    await this.finishReport()
    await this.waitForPrevious()
    const { first, fetch } = this.takeHistory()
    await this.checked(first, await fetch())
  }

  private get history(): History {
    return this.histories[this.filling]
  }

  /** Starts to fetch the history so far; recording goes on in the other one. */
  private takeHistory(own: OwnStep = "none"): { first: number; fetch: () => Promise<Scalars[]> } {
    const first = this.unread
    this.unread += this.history.length - (own === "taken back" ? 1 : 0)
    const fetch = this.history.download()
    this.filling = this.filling === 0 ? 1 : 0
    return { first, fetch }
  }

  private async checked(first: number, results: Scalars[], own: OwnStep = "none"): Promise<Scalars[]> {
    const bad = results.findIndex((scalars) => !isFiniteLoss(scalars))
    const last = results.slice(0, bad < 0 ? undefined : bad).slice(-LOSSES_KEPT)
    this.losses = [...this.losses, ...last.map((scalars) => reported(scalars).loss)].slice(-LOSSES_KEPT)
    if (bad >= 0) await this.stopNonFinite(first + bad, results[bad]!)
    const made = own === "taken back" ? results.slice(0, -1) : results
    made.forEach((scalars, i) => this.count(this.means, first + i, scalars))
    return results
  }

  /** Means begin after a report, which has the losses of its own step where it runs that. */
  private count(means: Means, step: number, scalars: Scalars): void {
    const { schedule, batches } = this.setup
    if (schedule.isReport(schedule.ownStep ? step - 1 : step)) means.clear()
    means.add(scalars, batches.at(step).B)
  }

  private async stopNonFinite(badStep: number, scalars: Scalars): Promise<never> {
    const loss = lossNames(scalars)
      .map((name) => scalars[name]!)
      .find((value) => !Number.isFinite(value))
    throw await explainLoss(this.rerun, badStep, loss ?? NaN)
  }

  /** Stops the run where slots are not finite before step `step`, however good its loss looks. */
  private async requireFinite(step: number, names: readonly string[]): Promise<void> {
    if (names.length > 0) throw await explainState(this.rerun, this.check, step, names)
  }

  private get rerun(): Rerun {
    return {
      program: this.setup.step,
      steps: this.steps,
      state: this.setup.state,
      good: this.snapshots[this.good]!,
      goodStep: this.goodStep,
      parametersOf: async (step) => {
        await this.ready(step)
        return this.parametersOf(step)
      },
      epochOf: (step) => this.setup.batches.at(step).epoch,
      losses: this.losses,
      fields: () => fieldRanges(this.setup.loaded, this.setup.spec, this.setup.data),
    }
  }

  private takeSnapshot(index: number): void {
    const recorder = this.setup.loaded.device.record()
    this.setup.state.recordSave(recorder, this.snapshots[index]!)
    recorder.submit()
  }

  private async saveLast(): Promise<void> {
    await this.settle()
    // The last update may have spoilt the parameters before a loss could show it: the checkpoint before is the good one.
    await this.requireFinite(this.step, await this.check.now())
    await this.save("last", await this.setup.state.read(), this.step)
  }

  private async save(kind: CheckpointKind, slots: SlotBytes, step: number): Promise<void> {
    const { loaded, store, onEvent } = this.setup
    if (!store) return
    const bytes = encodeCheckpoint(loaded.bundle.manifest, slots, this.position(step))
    const path = await store.save(kind, bytes, { step, keep: this.setup.spec.keepLast ?? 1 })
    onEvent({ event: "checkpoint", kind, path, step })
  }

  /** The state of the run in a checkpoint of `step`. */
  position(step: number): Position {
    const { spec, batches, seed, fold } = this.setup
    return {
      train: spec.name,
      step,
      epoch: Math.floor(step / batches.perEpoch),
      seed,
      batch: batches.size,
      rows: batches.rows,
      best: this.best.soFar.value,
      best_step: this.best.soFar.step,
      patience: this.patience.soFar,
      means: this.means.saved,
      fold,
    }
  }
}
