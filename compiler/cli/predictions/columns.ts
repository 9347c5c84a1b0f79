/** cli/predictions: the predictions of some rows -> columns, each with a number of values per row.
 *  Guarantees: no two columns have one name.
 *  Not here:   how columns are written (text.ts, npy.ts, parquet.ts). */
import { isClasses, type Prediction, type Table } from "../../../runtime/node.js"
import { EXIT, Failure } from "../failure.js"

export interface OutColumn {
  readonly name: string
  /** Values in a row. */
  readonly width: number
  readonly type: "text" | "f32" | "f64" | "i32" | "u32"
  at(row: number, place: number): Cell
}
export type Cell = number | string

/** Some rows, one after another. */
export interface Chunk {
  readonly rows: number
  /** Columns that are passed on, as they stand in the file. */
  readonly kept: readonly OutColumn[]
  readonly outputs: Readonly<Record<string, Prediction>>
}

/** The kept columns of some rows of a table. */
export function keptColumns(table: Table, rows: Uint32Array, names: readonly string[]): OutColumn[] {
  return names.map((name) => {
    const { distinct, codes, width } = table.texts(name)
    return { name, width, type: "text", at: (row, place) => distinct[codes[rows[row]! * width + place]!]! }
  })
}

/** The kept columns, then the predictions: a class, and after it the probability of each, as `output.NAME`. */
export function columnsOf({ rows, kept, outputs }: Chunk): readonly OutColumn[] {
  const predicted = Object.entries(outputs).flatMap(([name, prediction]): OutColumn[] =>
    isClasses(prediction)
      ? [
          { name, ...valuesOf(prediction.shape, prediction.classes, rows) },
          ...(prediction.probabilities
            ? probabilitiesOf(name, prediction.names, prediction.probabilities)
            : []),
        ]
      : [{ name, ...valuesOf(prediction.shape, prediction.values, rows) }],
  )
  const columns = [...kept, ...predicted]
  const twice = columns.find(({ name }, i) => columns.findIndex((each) => each.name === name) < i)
  if (twice && kept.some(({ name }) => name === twice.name))
    throw new Failure(
      "usage",
      `--keep ${twice.name}: a predicted column has that name`,
      undefined,
      EXIT.usage,
    )
  return columns
}

type Values = Pick<OutColumn, "width" | "type" | "at">

function typeOf(values: ArrayLike<Cell>): OutColumn["type"] {
  if (values instanceof Float32Array) return "f32"
  if (values instanceof Float64Array) return "f64"
  if (values instanceof Uint32Array) return "u32"
  return values instanceof Int32Array || typeof values[0] === "number" ? "i32" : "text"
}

/** The values of each row; an output without an axis of rows is the same in each. */
function valuesOf(shape: readonly number[], values: ArrayLike<Cell>, rows: number): Values {
  const byRow = shape[0] === rows
  const width = sizeOf(byRow ? shape.slice(1) : shape)
  return {
    width,
    type: typeOf(values),
    at: byRow ? (row, place) => values[row * width + place]! : (_, place) => values[place]!,
  }
}

function probabilitiesOf(
  name: string,
  classes: readonly Cell[],
  { shape, values }: { readonly shape: readonly number[]; readonly values: ArrayLike<number> },
): OutColumn[] {
  const count = classes.length
  const width = sizeOf(shape.slice(1)) / count
  return classes.map((named, c) => ({
    name: `${name}.${named}`,
    width,
    type: "f32",
    at: (row, place) => values[(row * width + place) * count + c]!,
  }))
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)
