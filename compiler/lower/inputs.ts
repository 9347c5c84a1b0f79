/** lower: the graph inputs behind the inputs of sections: fields of the data set, tensors that the caller feeds, run-time scalars.
 *  Guarantees: one graph input for each field and scalar, however many sections ask for it. A field of the batch, [B, ...], is
 *              gathered from all rows, [R, ...], by the numbers of this batch's rows. Where rows are stored as codes, their values
 *              are found after that. */
import type { GraphBuild } from "../ir/graph/build.js"
import { SCALAR_TYPES, type ScalarName } from "../ir/graph/types.js"
import type { DataSet, Field, ModelInput, Stored } from "../ir/model/types.js"
import type { Origin } from "../ir/origin.js"
import { DATA_ROWS, isStatic, numel, scalarType, type TensorType, tensorType } from "../ir/tensor.js"
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
    /** Whose fields are read. */
    private readonly data?: DataSet,
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
    const { stored } = this.declared(field) ?? {}
    const batch = stored
      ? this.decoded(field, input.type, stored)
      : this.batchOf(field, tensorType(input.type.dtype, input.type.shape.slice(1)))
    this.fields.set(field, batch)
    return batch
  }

  private declared(field: string): Field | undefined {
    return this.data?.fields.find(({ name }) => name === field)
  }

  /** `row`: the type of one row as it is stored. */
  private batchOf(field: string, { dtype, shape }: TensorType): Value {
    const rows = this.batchRows()
    const type = tensorType(dtype, [DATA_ROWS, ...shape])
    const source = this.g.input(field, type, { kind: "data", field }, this.origin)
    return this.g.at(this.origin).apply("take", [source, rows], { axis: 0 })
  }

  /** `type`: of the batch. */
  private decoded(field: string, { dtype, shape }: TensorType, { type, values }: Stored): Value {
    const count = numel(shape.slice(1))
    if (!isStatic(count)) bug(`a row of ${field} has no fixed size`)
    const bits = CODE_BITS[type]
    const words = tensorType("u32", [Math.ceil((count * bits) / 32)])
    const g = this.g.at(this.origin)
    const flat = g.apply("unpack", [this.batchOf(field, words)], { bits, count })
    if (values === "code") return g.apply("reshape", [g.apply("cast", [flat], { dtype })], { shape })
    const each = values === "each" ? count : 1
    const name = `${field}/values`
    const list = this.g.input(
      name,
      tensorType(dtype, [2 ** bits * each]),
      { kind: "data", field: name },
      this.origin,
    )
    const at =
      each === 1 ? flat : g.binary("add", g.binary("mul", flat, g.constant(each, "i32")), places(g, each))
    return g.apply("reshape", [g.apply("take", [list, at], { axis: 0 })], { shape })
  }

  private batchRows(): Value {
    if (this.rows === undefined) {
      const scalars = [this.scalar("seed"), this.scalar("epoch"), this.scalar("start")]
      this.rows = this.g.at(this.origin).apply("batch_rows", scalars, { shuffle: this.shuffle })
    }
    return this.rows
  }
}

const CODE_BITS: Readonly<Record<Stored["type"], number>> = { u8: 8, i8: 8, u16: 16, i16: 16 }

const places = (g: GraphBuild, count: number): Value =>
  g.apply("iota", [], { shape: [count], axis: 0, dtype: "i32" })
