/** runtime/exec: parameter blocks, the seven words that tell one call, and one iteration of its loops, from the next. */
import { MULTI_STEP_STRIDE, MULTI_STEP_WORDS, PARAMETER_STRIDE, PARAMETER_WORDS } from "../bundle/format.js"
import type { Device } from "../device/device.js"

/** One call's parameters; the names are those of PARAMETER_WORDS, but `iteration`, of which a call has as many as its longest loop. */
export interface CallParameters {
  readonly B: number
  readonly R: number
  /** Updates made before. */
  readonly step: number
  readonly epoch: number
  readonly seed: number
  /** Place in the epoch of the batch's first row. */
  readonly start: number
}

/** Blocks filled on the host, written to the device once per submission. */
export class ParameterBlocks {
  private readonly words: Int32Array<ArrayBuffer>
  private count = 0

  constructor(
    private readonly device: Device,
    readonly capacity: number = device.parameterBlocks,
  ) {
    this.words = new Int32Array((capacity * PARAMETER_STRIDE) / 4)
  }

  get length(): number {
    return this.count
  }

  /** Whether a call with so many iterations fits. */
  hasRoom(iterations: number): boolean {
    return this.count + iterations <= this.capacity
  }

  /** Adds a block for each iteration, one after another, and gives the number of the first. */
  add(parameters: CallParameters, iterations: number): number {
    if (!this.hasRoom(iterations)) throw new Error("more parameter blocks than a submission holds")
    const first = this.count
    for (let iteration = 0; iteration < iterations; iteration++) {
      const base = (this.count++ * PARAMETER_STRIDE) / 4
      for (let i = 0; i < PARAMETER_WORDS.length; i++) {
        const word = PARAMETER_WORDS[i]!
        this.words[base + i] = word === "iteration" ? iteration : parameters[word]
      }
    }
    return first
  }

  /** Adds the parameters of calls that one dispatch makes, and gives the number of the block where they begin. */
  addCalls(calls: number, at: (index: number) => CallParameters): number {
    const taken = Math.ceil((calls * MULTI_STEP_STRIDE) / PARAMETER_STRIDE)
    if (!this.hasRoom(taken)) throw new Error("more parameter blocks than a submission holds")
    const first = this.count
    this.count += taken
    for (let index = 0; index < calls; index++) {
      const parameters = at(index)
      const base = (first * PARAMETER_STRIDE + index * MULTI_STEP_STRIDE) / 4
      for (let i = 0; i < MULTI_STEP_WORDS.length; i++) {
        const word = MULTI_STEP_WORDS[i]!
        this.words[base + i] = word === "calls" ? calls : word === "iteration" ? 0 : parameters[word]
      }
    }
    return first
  }

  /** Sends the blocks and starts anew. */
  flush(): void {
    this.device.writeParameters(new Uint8Array(this.words.buffer, 0, this.count * PARAMETER_STRIDE))
    this.count = 0
  }
}
