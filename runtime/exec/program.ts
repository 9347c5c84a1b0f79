/** runtime/exec: one program of the bundle, callable.
 *  Assumes:    the kernels of the loaded bundle are prepared; the data set it is bound to stays allocated.
 *  Guarantees: bind groups exist when the constructor returns; grids are computed once per distinct B.
 *  Not here:   parameter blocks (blocks.ts), which step comes next (train/). */
import type { DispatchSpec, OutputSpec, ProgramSpec, RangeSpec } from "../bundle/format.js"
import type { BoundRange, BoundKernel, Grid, Recorder } from "../device/device.js"
import { RunError } from "../error.js"
import { fieldOf, type DeviceData } from "./dataset.js"
import type { LoadedBundle } from "./loaded-bundle.js"
import { bytesOf, dataField, evalShape, evalSize, product, type SizeValues } from "./size.js"
import { decodeNumbers, encodeNumbers, type Numbers, type Tensor } from "./values.js"

export class Program {
  private readonly boundKernels: readonly BoundKernel[]
  private readonly grids = new Map<number, readonly Grid[]>()

  constructor(
    readonly loaded: LoadedBundle,
    readonly spec: ProgramSpec,
    readonly data: DeviceData | null,
  ) {
    this.boundKernels = spec.dispatches.map((dispatch) => this.bind(dispatch))
  }

  /** Rows of the data set it is bound to. */
  get rows(): number {
    return this.data?.rows ?? 0
  }

  /** How many parameter blocks a call needs: one for each iteration of its longest loop. */
  get iterations(): number {
    return tripCount(this.spec)
  }

  /** Records all dispatches, for `batch` rows and the parameters in `block` and, within loops, the blocks after it. */
  record(recorder: Recorder, batch: number, block: number): void {
    const grids = this.gridsFor(batch)
    let at = 0
    for (const { first, end, iterations } of this.spec.loops ?? []) {
      for (; at < first; at++) this.recordOne(recorder, grids, at, block)
      for (let iteration = 0; iteration < iterations; iteration++)
        for (let i = first; i < end; i++) this.recordOne(recorder, grids, i, block + iteration)
      at = end
    }
    for (; at < grids.length; at++) this.recordOne(recorder, grids, at, block)
  }

  /** Every dispatch in the order it runs, and whether that is its last time in this call. */
  *runOrder(): Generator<{ readonly dispatch: number; readonly iteration: number; readonly last: boolean }> {
    for (let at = 0; at < this.boundKernels.length;) {
      const loop = this.spec.loops?.find((l) => l.first === at)
      const [end, iterations] = [loop?.end ?? at + 1, loop?.iterations ?? 1]
      for (let iteration = 0; iteration < iterations; iteration++)
        for (let dispatch = at; dispatch < end; dispatch++)
          yield { dispatch, iteration, last: iteration === iterations - 1 }
      at = end
    }
  }

  /** Records dispatch number `index` alone. */
  recordDispatch(recorder: Recorder, index: number, batch: number, block: number): void {
    this.recordOne(recorder, this.gridsFor(batch), index, block)
  }

  /** Writes an input's value where the program reads it. */
  feed(name: string, numbers: Numbers): void {
    const input = this.spec.inputs.find((each) => each.name === name)
    if (input?.source.kind !== "feed")
      throw new RunError("input-shape", `program "${this.spec.name}" is not fed an input "${name}"`)
    const bytes = encodeNumbers(input.dtype, numbers)
    const { range } = input.source
    if (bytes.byteLength > Math.ceil(range.bytes / 4) * 4)
      throw new RunError(
        "input-shape",
        `input "${name}" has ${numbers.length} values, more than the program has room for`,
      )
    this.loaded.device.write(this.loaded.arena(range.arena), range.offset, bytes)
  }

  output(name: string): OutputSpec | undefined {
    return this.spec.outputs.find((output) => output.name === name)
  }

  async read(output: OutputSpec, batch: number): Promise<Tensor> {
    const shape = evalShape(output.shape, this.sizes(batch))
    const elements = product(shape)
    const bytes = elements * bytesOf(output.dtype)
    const data = await this.loaded.device.read(this.loaded.arena(output.arena), output.offset, bytes)
    return { dtype: output.dtype, shape, values: decodeNumbers(output.dtype, data, 0, elements) }
  }

  sizes(batch: number): SizeValues {
    return { B: batch, R: this.rows }
  }

  /** Where a range lies in memory. */
  locate(range: RangeSpec): BoundRange & { readonly key: string } {
    const field = dataField(range)
    if (field === undefined) {
      const { arena, offset, bytes } = range
      // A binding holds whole 4-byte words.
      const whole = Math.max(4, Math.ceil(bytes / 4) * 4)
      return { memory: this.loaded.arena(arena), offset, bytes: whole, key: `${arena}+${offset}:${whole}` }
    }
    const memory = fieldOf(this.data, field, this.spec.name)
    return { memory, offset: 0, bytes: memory.bytes, key: `${this.data?.id}.${field}` }
  }

  private recordOne(recorder: Recorder, grids: readonly Grid[], index: number, block: number): void {
    const grid = grids[index]!
    // Nothing to compute, as for an empty batch.
    if (grid[0] > 0 && grid[1] > 0 && grid[2] > 0) recorder.dispatch(this.boundKernels[index]!, grid, block)
  }

  private bind({ kernel, bindings }: DispatchSpec): BoundKernel {
    return this.loaded.bind(
      kernel,
      bindings.map((range) => this.locate(range)),
    )
  }

  private gridsFor(batch: number): readonly Grid[] {
    const known = this.grids.get(batch)
    if (known) return known
    if (batch > this.spec.maxBatch)
      throw new RunError(
        "too-many-rows",
        `program "${this.spec.name}" was compiled for at most ${this.spec.maxBatch} rows at once, not ${batch}`,
        { help: "compile again with the larger data set, or declare `batch`" },
      )
    const sizes = this.sizes(batch)
    const grids = this.spec.dispatches.map(({ grid: [x, y, z] }): Grid => [
      evalSize(x, sizes),
      evalSize(y, sizes),
      evalSize(z, sizes),
    ])
    this.grids.set(batch, grids)
    return grids
  }
}

/** The iterations of the longest loop; 1 without loops. */
export const tripCount = (spec: ProgramSpec): number =>
  (spec.loops ?? []).reduce((most, { iterations }) => Math.max(most, iterations), 1)
