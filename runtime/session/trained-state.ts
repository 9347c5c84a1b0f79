/** runtime/session: the slots of a session, and the position in a run that their values belong to. The values come from initialisers, files of
 *  weights, a checkpoint, the caller, or training.
 *  Not here: slots on the device (exec/state.ts), which tensor of a file is for which slot (checkpoint/). */
import type { DeviceManifest } from "../bundle/format.js"
import { checkFold, encodeCheckpoint, type Checkpoint, type Position } from "../checkpoint/checkpoint.js"
import { takeGiven, type GivenWeights } from "../checkpoint/given.js"
import { takeDeclared, type TakenWeights } from "../checkpoint/weights.js"
import { RunError } from "../error.js"
import { callOnce } from "../exec/calls.js"
import type { LoadedBundle } from "../exec/loaded-bundle.js"
import { product } from "../exec/size.js"
import { State, type StateRange } from "../exec/state.js"
import type { Numbers, Tensor } from "../exec/values.js"
import { NOTHING_YET } from "../train/best.js"
import type { Progress } from "../train/trainer.js"
import type { DataSets } from "./data-sets.js"
import type { TrainOptions } from "./options.js"

/** The progress of a run that has not made a step. */
export const START: Progress = {
  step: 0,
  best: null,
  best_step: 0,
  patience: NOTHING_YET,
  means: { rows: 0, sums: {} },
}

export class TrainedState {
  readonly slots: State
  private initialised = false
  /** Parameters that a caller has set before files gave the others their first values. */
  private set: Map<string, Numbers> | undefined
  private at: Position | null = null

  /** `own`: where others have slots in the same arenas. */
  constructor(
    private readonly loaded: LoadedBundle,
    private readonly data: DataSets,
    own?: readonly StateRange[],
  ) {
    this.slots = new State(loaded, own)
  }

  /** null: no run has brought the slots to where they are. */
  get position(): Position | null {
    return this.at
  }
  /** A run has. */
  reached(position: Position): void {
    this.at = position
  }

  get parameterCount(): number {
    const params = this.slots.slots.filter(({ role }) => role === "param")
    return params.reduce((sum, { shape }) => sum + product(shape), 0)
  }

  /** First values, of which files give theirs to whatever waits next. */
  initialise(seed: number): void {
    this.startAnew(seed)
    if (this.manifest.weights) this.set = new Map()
  }

  /** First values where there are none yet. */
  async ensureInitialised(seed = this.defaultSeed): Promise<void> {
    const { set } = this
    if (this.initialised && set === undefined) return
    if (!this.initialised) this.startAnew(seed)
    this.set = undefined
    await this.takeWeights(seed)
    for (const [name, numbers] of set ?? []) this.slots.setNumbers(name, numbers)
  }

  /** Sets the state that a run starts from. `notes`: the values that files gave, for people. */
  async startFrom(
    { resume, init, keepParameters }: Pick<TrainOptions, "resume" | "init" | "keepParameters">,
    seed: number,
  ): Promise<{ readonly from: Progress; readonly notes: readonly string[] }> {
    if (resume && init)
      throw new RunError("bad-option", "both resume and init are given; a run goes on, or it starts anew")
    if (resume) {
      this.startAnew(seed)
      this.take(resume)
      return { from: resume.position ?? START, notes: [] }
    }
    if (keepParameters) {
      await this.ensureInitialised(seed)
      return { from: START, notes: [] }
    }
    this.startAnew(seed)
    return { from: START, notes: await this.takeWeights(seed, init) }
  }

  /** The slots of a checkpoint, and its place in a run. */
  take(checkpoint: Checkpoint): void {
    const { position, slots } = checkpoint
    const trained = this.manifest.trains.find(({ name }) => name === position?.train)
    if (trained) checkFold(checkpoint, this.data.foldOf(trained))
    if (!this.initialised) this.startAnew(position?.seed ?? 0)
    this.set = undefined
    this.slots.write(slots)
    this.at = position
  }

  /** Everything that is learned, or with `all` every slot. */
  async tensors(all: boolean): Promise<Map<string, Tensor>> {
    await this.ensureInitialised()
    return this.slots.tensors(all ? this.slots.slots.map(({ role }) => role) : ["param", "state"])
  }

  /** All of them, or none where one is refused. */
  setNumbers(values: Readonly<Record<string, Numbers>>): void {
    for (const [name, numbers] of Object.entries(values)) this.slots.checkNumbers(name, numbers)
    if (!this.initialised) this.initialise(this.defaultSeed)
    for (const [name, numbers] of Object.entries(values)) {
      this.slots.setNumbers(name, numbers)
      this.set?.set(name, numbers)
    }
  }

  /** All slots and the place in the run, as a safetensors file. */
  async encode(): Promise<Uint8Array<ArrayBuffer>> {
    // Values from files of weights may still wait to be read.
    await this.ensureInitialised()
    return encodeCheckpoint(this.manifest, await this.slots.read(), this.at)
  }

  /** Writes the values of initialisers, and none of files. */
  runInitialisers(seed: number): void {
    // Zero first: optimizer state starts at zero where no initialiser says otherwise.
    this.slots.write(new Map(this.slots.slots.map(({ name, bytes }) => [name, new Uint8Array(bytes)])))
    this.runOnSlots("init", seed)
  }

  private get manifest(): DeviceManifest {
    return this.loaded.bundle.manifest
  }
  private get defaultSeed(): number {
    return this.manifest.trains[0]?.seed ?? 0
  }

  private startAnew(seed: number): void {
    this.initialised = true
    this.set = undefined
    this.at = null
    this.runInitialisers(seed)
  }

  /** Replaces first values by those of files. */
  private async takeWeights(seed: number, init?: GivenWeights): Promise<readonly string[]> {
    const given = init && takeGiven(init, this.manifest)
    const declared = await takeDeclared(this.data.openFile, this.manifest, given?.slots ?? new Map())
    const all: readonly TakenWeights[] = [...declared, ...(given ? [given] : [])]
    const write = (): void => {
      for (const { slots } of all) this.slots.write(slots)
    }
    write()
    if (all.length > 0 && this.runOnSlots("start", seed)) write()
    return all.flatMap(({ notes }) => notes)
  }

  /** Whether there is such a program. */
  private runOnSlots(program: "init" | "start", seed: number): boolean {
    if (!this.loaded.has(program)) return false
    callOnce(this.loaded.program(program, null), { B: 1, R: 0, step: 0, epoch: 0, seed, start: 0 })
    return true
  }
}
