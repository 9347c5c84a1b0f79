/** test: the training rows of a section as numbers, as the device holds them. */
import type { NdArray } from "../../compiler/ops/op.js"
import type { Manifest } from "../../runtime/bundle/format.js"
import { loadData } from "../../runtime/data/load.js"
import { product } from "../../runtime/exec/size.js"
import { decodeNumbers } from "../../runtime/exec/values.js"

export interface TrainingData {
  readonly rows: number
  /** By field. */
  readonly inputs: Readonly<Record<string, NdArray>>
}

/** Of data written in line; no rows where the section has none. */
export async function trainingData(manifest: Manifest, data: string | null): Promise<TrainingData> {
  const spec = manifest.data.find((d) => d.name === data)
  if (spec === undefined) return { rows: 0, inputs: {} }
  const { train } = await loadData(spec, () => Promise.reject(new Error("the data is in the program")))
  const inputs = train.fields.map(({ name, bytes }): [string, NdArray] => {
    const { dtype, shape } = spec.fields.find((f) => f.name === name)!
    const numbers = decodeNumbers(dtype, new Uint8Array(bytes).buffer, 0, train.rows * product(shape))
    return [name, { shape: [train.rows, ...shape], data: Float64Array.from(numbers) }]
  })
  return { rows: train.rows, inputs: Object.fromEntries(inputs) }
}
