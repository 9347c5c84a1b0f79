/** cli/predictions: the predictions of one output as a NumPy array, rows first: its numbers, or the probabilities of its classes.
 *  The format: numpy.lib.format, version 1.0. */
import { isClasses, type Prediction } from "../../../runtime/node.js"
import { EXIT, Failure } from "../failure.js"
import type { OutFile } from "../out-file.js"
import type { Chunk } from "./columns.js"

/** Has room for any number of rows, so that they may be counted at the end. */
const HEADER_BYTES = 256

const TYPES = {
  f16: "<f4",
  f32: "<f4",
  f64: "<f8",
  i32: "<i4",
  u32: "<u4",
  bool: "<u4",
} as const

interface Array {
  readonly dtype: keyof typeof TYPES
  readonly shape: readonly number[]
  readonly values: Float64Array | Float32Array | Int32Array | Uint32Array
}

export class NpyWriter {
  private rows = 0
  private of: Pick<Array, "dtype" | "shape"> | undefined

  constructor(private readonly file: OutFile) {}

  add({ outputs, kept, rows }: Chunk): void {
    const array = arrayOf(outputs, kept.length > 0, rows)
    if (!this.of) this.file.append(new Uint8Array(HEADER_BYTES))
    this.of = array
    this.rows += rows
    const { buffer, byteOffset, byteLength } = array.values
    this.file.append(new Uint8Array(buffer, byteOffset, byteLength))
  }

  end(): void {
    if (this.of) this.file.write(0, header(TYPES[this.of.dtype], [this.rows, ...this.of.shape.slice(1)]))
  }
}

function arrayOf(outputs: Chunk["outputs"], keeps: boolean, rows: number): Array {
  const refuse = (why: string): never => {
    throw new Failure("usage", `a .npy file holds one array of numbers, and ${why}`, HELP, EXIT.usage)
  }
  const [only, ...more] = Object.values(outputs)
  if (only === undefined || more.length > 0) return refuse(`the model has ${more.length + 1} outputs`)
  if (keeps) return refuse("--keep passes columns on beside it")
  const array =
    numbersOf(only) ?? refuse("the loss does not say how the scores of classes become probabilities")
  return array.shape[0] === rows ? array : refuse("what the model gives has no rows")
}

const HELP = "name a .csv, .jsonl or .parquet file instead, or write what the model gives: `--raw`"

const numbersOf = (prediction: Prediction): Array | undefined =>
  isClasses(prediction) ? prediction.probabilities : prediction

function header(type: string, shape: readonly number[]): Uint8Array {
  const text = `{'descr': '${type}', 'fortran_order': False, 'shape': (${shape.join(", ")}${shape.length === 1 ? "," : ""}), }`
  const magic = [0x93, ...Buffer.from("NUMPY"), 1, 0, (HEADER_BYTES - 10) & 255, (HEADER_BYTES - 10) >> 8]
  const out = new Uint8Array(HEADER_BYTES).fill(32)
  out.set(magic)
  out.set(Buffer.from(text), magic.length)
  out[HEADER_BYTES - 1] = 10
  return out
}
