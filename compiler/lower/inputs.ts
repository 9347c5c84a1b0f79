/** lower: what stands for the inputs of sections: fields of the data set, what the caller feeds, run-time scalars.
 *  Guarantees: one graph input for each field and scalar, however many sections ask for it. A field of the batch, [B, ...], is
 *              gathered from all rows, [R, ...], by the numbers of this batch's rows. */
import type { GraphBuild } from "../ir/graph/build.js"
import { SCALAR_TYPES, type ScalarName } from "../ir/graph/types.js"
import type { ModelInput } from "../ir/model/types.js"
import type { Origin } from "../ir/origin.js"
import { DATA_ROWS, scalarType, tensorType } from "../ir/tensor.js"
import type { Value } from "../ops/op.js"
import { bug } from "../source/bug.js"

export class GraphInputs {
  private readonly scalars = new Map<ScalarName, Value>()
  private readonly fields = new Map<string, Value>()
  private rows: Value | undefined

  constructor(
    private readonly g: GraphBuild,
    /** Whether the rows of the data set are visited in a random order. */
    private readonly shuffle: boolean,
    private readonly origin: Origin,
  ) {}

  /** The value of a section's input. */
  of(input: ModelInput): Value {
    switch (input.source.kind) {
      case "scalar":
        return this.scalar(input.source.scalar)
      case "data":
        return this.field(input, input.source.field)
      case "step":
        return bug(`${input.source.result} is a result of the step`)
      case "feed":
        return this.g.input(input.name, input.type, { kind: "feed" }, this.origin)
    }
  }

  scalar(name: ScalarName): Value {
    const known = this.scalars.get(name)
    if (known !== undefined) return known
    const type = scalarType(SCALAR_TYPES[name])
    const value = this.g.input(name, type, { kind: "scalar", scalar: name }, this.origin)
    this.scalars.set(name, value)
    return value
  }

  private field(input: ModelInput, field: string): Value {
    const known = this.fields.get(field)
    if (known !== undefined) return known
    const all = tensorType(input.type.dtype, [DATA_ROWS, ...input.type.shape.slice(1)])
    const source = this.g.input(field, all, { kind: "data", field }, this.origin)
    const batch = this.g.at(this.origin).apply("take", [source, this.batchRows()], { axis: 0 })
    this.fields.set(field, batch)
    return batch
  }

  private batchRows(): Value {
    if (this.rows === undefined) {
      const scalars = [this.scalar("seed"), this.scalar("epoch"), this.scalar("start")]
      this.rows = this.g.at(this.origin).apply("batch_rows", scalars, { shuffle: this.shuffle })
    }
    return this.rows
  }
}
