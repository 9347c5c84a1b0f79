/** runtime/train: a program over any number of rows, in chunks of the largest batch its memory is laid out for.
 *  Guarantees: the last chunk has exactly the rows that are left.
 *  Not here:   turning raw rows into inputs (data/apply.ts). */
import type { InputSpec, PredictSpec } from "../bundle/format.js"
import { callOnce } from "../exec/calls.js"
import { checkNumbers } from "../exec/check-numbers.js"
import type { Program } from "../exec/program.js"
import { evalShape, product } from "../exec/size.js"
import type { Numbers, Tensor, Values } from "../exec/values.js"
import { checkBounds } from "../data/bounds.js"
import { RunError } from "../error.js"

/** Values by input name, rows one after another. */
export type Feeds = Readonly<Record<string, Numbers>>

export interface CallOptions {
  readonly step?: number
  readonly epoch?: number
  readonly seed?: number
  readonly start?: number
  /** For a program whose inputs do not say how many rows there are. */
  readonly batch?: number
  /** The number of rows of the data set that the program reads on the device; left out: all. */
  readonly rows?: number
}

/** Throws where they are no numbers of the inputs' types. `special`: NaN and infinities pass. */
export function checkFeeds({ spec }: Program, feeds: Feeds, special = false): void {
  for (const { name, dtype } of spec.inputs)
    if (Object.hasOwn(feeds, name)) checkNumbers(`input "${name}"`, dtype, feeds[name], special)
}

/** All outputs by name. */
export async function runProgram(
  program: Program,
  feeds: Feeds,
  options: CallOptions = {},
): Promise<Record<string, Tensor>> {
  const rows =
    rowsOf(program, feeds) ??
    options.batch ??
    (program.data ? Math.min(program.rows, program.spec.maxBatch) : 1)
  for (const { name, elements, bounds } of fedInputs(program))
    if (bounds)
      checkBounds(
        feeds[name]!,
        elements,
        bounds,
        (index) => `input "${name}", row ${Math.floor(index / elements) + 1}`,
      )
  const { maxBatch } = program.spec
  const pieces: Record<string, Tensor>[] = []
  for (let from = 0; from === 0 || from < rows; from += maxBatch) {
    const batch = Math.min(maxBatch, rows - from)
    for (const { name, width } of fedInputs(program)) {
      const values = feeds[name]!
      program.feed(name, width === null ? values : values.slice(from * width, (from + batch) * width))
    }
    pieces.push(await runOnce(program, batch, options))
  }
  return Object.fromEntries(
    program.spec.outputs.map(({ name, shape }) => [
      name,
      join(
        pieces.map((piece) => piece[name]!),
        shape[0] === "B",
      ),
    ]),
  )
}

async function runOnce(
  program: Program,
  batch: number,
  options: CallOptions,
): Promise<Record<string, Tensor>> {
  const { step = 0, epoch = 0, seed = 0, start = 0, rows = program.rows } = options
  callOnce(program, { B: batch, R: rows, step, epoch, seed, start })
  // All are asked for at once: the next call writes over them.
  const outputs = await Promise.all(
    program.spec.outputs.map(async (output) => [output.name, await program.read(output, batch)] as const),
  )
  return Object.fromEntries(outputs)
}

/** Inputs given by the caller. `width`: values per row; null when the input has no rows. */
function fedInputs({ spec }: Program): Fed[] {
  return spec.inputs
    .filter(({ source }) => source.kind === "feed")
    .map(({ name, shape, bounds }) => {
      const elements = product(evalShape(shape, { B: 1, R: 0 }))
      return { name, width: widthOf(shape), elements, bounds }
    })
}
/** Values per row; null where the size does not depend on the rows. */
function widthOf(shape: InputSpec["shape"]): number | null {
  const [one, two] = [1, 2].map((B) => product(evalShape(shape, { B, R: 0 })))
  return one === two ? null : one!
}
/** Inputs that the model declares and its program does not read. */
export const unreadInputs = ({ inputs }: PredictSpec, { spec }: Program): PredictSpec["inputs"] =>
  inputs.filter(({ name }) => !spec.inputs.some((read) => read.name === name))
/** The rows of inputs that nothing reads; undefined where none of them has rows. */
export function unreadRows(unread: PredictSpec["inputs"], feeds: Feeds): number | undefined {
  let rows: number | undefined
  for (const { name, shape } of unread) {
    const width = widthOf(shape)
    if (width === null || !feeds[name]) continue
    rows = countOf(name, feeds[name], width, rows)
  }
  return rows
}
/** The rows of an input, which are as many as `before` where that is known. */
function countOf(name: string, values: Numbers, width: number, before: number | undefined): number {
  const count = values.length / width
  if (!Number.isInteger(count) || count === 0)
    throw new RunError("input-shape", `input "${name}" has ${values.length} values; a row has ${width}`)
  if (before !== undefined && before !== count)
    throw new RunError("input-shape", `input "${name}" has ${count} rows, the inputs before it ${before}`)
  return count
}
interface Fed {
  readonly name: string
  readonly width: number | null
  readonly elements: number
  readonly bounds: InputSpec["bounds"]
}

function rowsOf(program: Program, feeds: Feeds): number | undefined {
  const inputs = fedInputs(program)
  const names = inputs.map(({ name }) => `"${name}"`).join(", ")
  for (const name of Object.keys(feeds))
    if (!inputs.some((input) => input.name === name))
      throw new RunError("input-shape", `"${program.spec.name}" has no input "${name}"`, {
        help: names === "" ? "it takes no inputs" : `its inputs are ${names}`,
      })
  let rows: number | undefined
  for (const { name, width, elements } of inputs) {
    const values = feeds[name]
    if (!values)
      throw new RunError("input-shape", `the input "${name}" is missing`, { help: `the inputs are ${names}` })
    if (width === null) {
      if (values.length === elements) continue
      throw new RunError("input-shape", `input "${name}" has ${values.length} values, it takes ${elements}`)
    }
    rows = countOf(name, values, width, rows)
  }
  return rows
}

/** Pieces along the first axis when that is the batch; otherwise the output of the last chunk. */
function join(pieces: readonly Tensor[], byRows: boolean): Tensor {
  const last = pieces.at(-1)!
  if (!byRows || pieces.length === 1) return last
  const rows = pieces.reduce((sum, { shape }) => sum + shape[0]!, 0)
  const values = emptyLike(
    last.values,
    pieces.reduce((sum, piece) => sum + piece.values.length, 0),
  )
  let at = 0
  for (const piece of pieces) {
    values.set(piece.values, at)
    at += piece.values.length
  }
  return { dtype: last.dtype, shape: [rows, ...last.shape.slice(1)], values }
}

function emptyLike(values: Values, length: number): Values {
  if (values instanceof Float32Array) return new Float32Array(length)
  return values instanceof Int32Array ? new Int32Array(length) : new Uint32Array(length)
}
