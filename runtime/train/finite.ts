/** runtime/train: whether all that is kept from step to step is finite: the program `finite`, on the device.
 *  Guarantees: a check recorded before a step is of the state that the step starts from. */
import type { Recorder } from "../device/device.js"
import { ParameterBlocks } from "../exec/blocks.js"
import { recordCalls } from "../exec/calls.js"
import { History } from "../exec/history.js"
import type { LoadedBundle } from "../exec/loaded-bundle.js"
import type { Program } from "../exec/program.js"

/** It depends on nothing but the slots. */
const NOTHING = { B: 1, R: 0, step: 0, epoch: 0, seed: 0, start: 0 }

export class FiniteCheck {
  private readonly program: Program
  private readonly history: History

  constructor(private readonly loaded: LoadedBundle) {
    this.program = loaded.program("finite", null)
    this.history = new History(this.program, 1)
  }

  record(recorder: Recorder, blocks: ParameterBlocks): void {
    recordCalls(this.program, 1, () => NOTHING, { recorder, blocks, history: this.history })
  }

  /** The result of the recorded check: the names of slots that are not finite. */
  download(): () => Promise<readonly string[]> {
    const fetch = this.history.download()
    return async () => {
      const [flags] = await fetch()
      return Object.entries(flags ?? {}).flatMap(([name, flag]) => (flag === 0 ? [] : [name]))
    }
  }

  /** Checks the state as it is now. */
  async now(): Promise<readonly string[]> {
    const recorder = this.loaded.device.record()
    const blocks = new ParameterBlocks(this.loaded.device, this.program.iterations)
    this.record(recorder, blocks)
    blocks.flush()
    recorder.submit()
    return this.download()()
  }

  free(): void {
    this.history.free()
  }
}
