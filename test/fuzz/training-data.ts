/** test: the training rows of a section as numbers, as the device holds them. */
import type { NdArray } from "../../compiler/ops/op.js"
import type { Manifest } from "../../runtime/bundle/format.js"
import { applyField } from "../../runtime/data/apply.js"
import { loadTables } from "../../runtime/data/load.js"
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
  const { train } = await loadTables(spec, () => Promise.reject(new Error("the data is in the program")))
  const rows = train.rows.length
  const inputs = spec.fields.map((field): [string, NdArray] => {
    const { name, dtype, shape } = field
    const { bytes } = applyField(field, train.table, train.rows)
    const numbers = decodeNumbers(dtype, new Uint8Array(bytes).buffer, 0, rows * product(shape))
    return [name, { shape: [rows, ...shape], data: Float64Array.from(numbers) }]
  })
  return { rows, inputs: Object.fromEntries(inputs) }
}
