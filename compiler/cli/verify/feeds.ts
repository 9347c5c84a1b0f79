/** cli: inputs for the models of a program when two implementations are compared, and arrays in the form in which files hold them. */
import { programsOf } from "../../../runtime/bundle/builds.js"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import {
  decodeTensors,
  STORED_TYPES,
  type StoredTensor,
  type TensorFile,
} from "../../../runtime/checkpoint/safetensors.js"
import type { Bundle } from "../../../runtime/node.js"
import type { Model, PredictSection, TrainSection } from "../../ir/model/types.js"
import { evalDim } from "../../ir/tensor.js"

/** By input, as a file holds them; and how many rows there are. */
export interface Feeds {
  readonly rows: number
  readonly inputs: ReadonlyMap<string, StoredTensor>
}
const ROWS = 5

/** For every model, inputs of a few rows: those of training where they have the names and types of its fields, else drawn. */
export function feedsFor(
  { predicts }: Model,
  { manifest }: Bundle,
  folder: string,
  train: TrainSection,
): ReadonlyMap<string, Feeds> {
  const rows =
    train.data === null
      ? new Map<string, StoredTensor>()
      : stored(join(folder, "data", `${train.data}.safetensors`))
  return new Map(
    predicts
      .filter(({ model }) => manifest.predicts.some((p) => p.model === model))
      .map((predict) => {
        const { program } = manifest.predicts.find((p) => p.model === predict.model)!
        // Where a model mixes the rows of a batch, it makes a difference how many those are.
        const most = programsOf(manifest).find(({ name }) => name === program)?.maxBatch ?? ROWS
        const count = Math.min(ROWS, most)
        return [predict.model, { rows: count, inputs: inputsOf(predict, rows, count) }] as const
      }),
  )
}
export const stored = (path: string): ReadonlyMap<string, StoredTensor> =>
  decodeTensors(path, readFileSync(path)).tensors

function inputsOf(
  { section }: PredictSection,
  rows: ReadonlyMap<string, StoredTensor>,
  count: number,
): Feeds["inputs"] {
  return new Map(
    section.inputs.flatMap(({ name, type, source }) => {
      if (source.kind !== "feed") return []
      const shape = type.shape.map((d) => evalDim(d, { B: count, R: count }))
      const elements = shape.reduce((a, b) => a * b, 1)
      const dtype = STORED_TYPES[type.dtype]
      const given = rows.get(`train/${name}`)
      const isSame = given?.dtype === dtype && given.shape.slice(1).join() === shape.slice(1).join()
      if (isSame && given.shape[0]! >= shape[0]!)
        return [
          [name, { dtype, shape, bytes: Uint8Array.from(given.bytes.subarray(0, elements * 4)) }] as const,
        ]
      // The same numbers every time.
      const drawn = Array.from({ length: elements }, (_, i) => Math.sin(1.3 * i + 0.7))
      const values =
        type.dtype === "f32" ? Float32Array.from(drawn) : Int32Array.from(drawn, (v) => (v > 0 ? 1 : 0))
      return [[name, { dtype, shape, bytes: new Uint8Array(values.buffer) }] as const]
    }),
  )
}
export const numbers = (tensor: StoredTensor): Float32Array | Int32Array | Uint8Array | Uint32Array => {
  // A `Buffer` slices without a copy.
  const bytes = Uint8Array.from(tensor.bytes)
  switch (tensor.dtype) {
    case "F32":
      return new Float32Array(bytes.buffer)
    case "I32":
      return new Int32Array(bytes.buffer)
    case "U32":
      return new Uint32Array(bytes.buffer)
    default:
      return bytes
  }
}
export const asFile = (feeds: ReadonlyMap<string, Feeds>): TensorFile => ({
  tensors: new Map(
    [...feeds].flatMap(([model, { inputs }]) =>
      [...inputs].map(([name, tensor]) => [`${model}/${name}`, tensor] as const),
    ),
  ),
  metadata: {
    rows: JSON.stringify(Object.fromEntries([...feeds].map(([model, { rows }]) => [model, rows]))),
  },
})
