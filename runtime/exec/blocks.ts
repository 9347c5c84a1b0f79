/** runtime/exec: parameter blocks, the seven words that tell one call, and one turn of its loops, from the next. */
import { MANY_STRIDE, MANY_WORDS, PARAMETER_STRIDE, PARAMETER_WORDS } from "../bundle/format.js"
import type { Device } from "../device/device.js"

/** One call's parameters; the names are those of PARAMETER_WORDS, but `turn`, of which a call has as many as its longest loop. */
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

  /** Whether a call with so many turns fits. */
  hasRoom(turns: number): boolean {
    return this.count + turns <= this.capacity
  }

  /** Adds a block for each turn, one after another, and gives the number of the first. */
  add(parameters: CallParameters, turns: number): number {
    if (!this.hasRoom(turns)) throw new Error("more parameter blocks than a submission holds")
    const first = this.count
    for (let turn = 0; turn < turns; turn++) {
      const base = (this.count++ * PARAMETER_STRIDE) / 4
      for (let i = 0; i < PARAMETER_WORDS.length; i++) {
        const word = PARAMETER_WORDS[i]!
        this.words[base + i] = word === "turn" ? turn : parameters[word]
      }
    }
    return first
  }

  /** Adds the parameters of calls that one dispatch makes, and gives the number of the block where they begin. */
  addMany(calls: number, at: (index: number) => CallParameters): number {
    const taken = Math.ceil((calls * MANY_STRIDE) / PARAMETER_STRIDE)
    if (!this.hasRoom(taken)) throw new Error("more parameter blocks than a submission holds")
    const first = this.count
    this.count += taken
    for (let index = 0; index < calls; index++) {
      const parameters = at(index)
      const base = (first * PARAMETER_STRIDE + index * MANY_STRIDE) / 4
      for (let i = 0; i < MANY_WORDS.length; i++) {
        const word = MANY_WORDS[i]!
        this.words[base + i] = word === "calls" ? calls : word === "turn" ? 0 : parameters[word]
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
