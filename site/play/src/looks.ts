/** play: the drawings of a program, by the inputs and outputs of its model. */
import {
  classNames,
  decodeText,
  type FieldSpec,
  isClasses,
  loadTables,
  inMemory,
  type Manifest,
  type OpenFile,
  type Prediction,
  type PredictSpec,
  programsOf,
  type Session,
  type Table,
  type TableRows,
  tableOfRecords,
  vocabularyOf,
  encodeText,
} from "nnc/runtime/browser"
import type { FileMap, PlanePoint, View } from "./protocol.js"

/** Draws with the parameters that the session has now. */
export type Look = (session: Session) => Promise<View>

type Cells = Readonly<Record<string, unknown>>
interface Sample {
  readonly cells: Cells
  readonly actual: string | number
  readonly isHeldBack: boolean
}

/** Undefined where there is nothing to see. */
export async function lookOf(
  manifest: Manifest,
  session: Session,
  files: FileMap,
): Promise<Look | undefined> {
  const text = manifest.predicts.find((each) => isOfText(manifest, each))
  if (text) return writing(manifest, text)
  const drawing = manifest.predicts.find((each) => drawsFromNoise(manifest, each))
  if (drawing) return images(manifest, drawing)
  for (const predict of manifest.predicts) {
    const feed = predict.feeds[0]
    const target = feed?.targets?.[0]
    const inputs = feed?.inputs.map(({ data, field }) => fieldOf(manifest, data, field)) ?? []
    const aim = target && fieldOf(manifest, target.data, target.field)
    if (!target || !aim || inputs.includes(undefined)) continue
    const fields = inputs.filter((each) => each !== undefined)
    const samples = await samplesOf(manifest, target.data, fields, aim, session, predict.model, files)
    if (samples.length === 0) continue
    const [only] = fields
    const ask = (session: Session, rows: readonly Cells[]): Promise<Prediction> =>
      askFor(session, predict, target.output, rows)
    if (fields.length === 1 && only!.columns.length === 2 && isNumeric(only!))
      return plane(only!, aim, target.as.kind, samples, ask)
    if (fields.length === 1 && only!.columns.length === 1 && isNumeric(only!) && target.as.kind === "value")
      return curve(only!, samples, ask)
    const square = fields.length === 1 ? sidesOf(only!.shape) : undefined
    if (square && target.as.kind !== "value") return classified(square, only!, samples, ask)
    return target.as.kind === "value" && aim.columns.length === 1
      ? scatter(aim, samples, ask)
      : table(samples, ask)
  }
  return undefined
}

const fieldOf = (manifest: Manifest, data: string | null, field: string | null): FieldSpec | undefined =>
  manifest.data.find(({ name }) => name === data)?.fields.find(({ name }) => name === field)

const isNumeric = ({ stages }: FieldSpec): boolean =>
  stages.every(({ kind }) => kind !== "categories" && kind !== "hash" && kind !== "date" && kind !== "tokens")

const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)

interface Sides {
  readonly channels: number
  readonly height: number
  readonly width: number
}

/** The sides of a shape that can be drawn as a picture. */
function sidesOf(shape: readonly number[]): Sides | undefined {
  const [a = 0, b = 0, c = 0] = shape
  if (shape.length === 3 && (a === 1 || a === 3) && b >= 8 && c >= 8)
    return { channels: a, height: b, width: c }
  if (shape.length === 2 && a >= 8 && b >= 8) return { channels: 1, height: a, width: b }
  const side = Math.sqrt(product(shape))
  return shape.length === 1 && side >= 8 && Number.isInteger(side)
    ? { channels: 1, height: side, width: side }
    : undefined
}

async function askFor(
  session: Session,
  { model }: PredictSpec,
  output: string,
  rows: readonly Cells[],
): Promise<Prediction> {
  const asked = tableOfRecords("the rows", session.predictColumns(model), rows, session.predictUses(model))
  const all = await session.predictTable(model, asked)
  const found = all[output]
  if (found === undefined) throw new Error(`${model} gives no ${output}`)
  return found
}

type Ask = (session: Session, rows: readonly Cells[]) => Promise<Prediction>

/** Rows of the data, the held back ones first. */
async function samplesOf(
  manifest: Manifest,
  data: string,
  inputs: readonly FieldSpec[],
  aim: FieldSpec,
  session: Session,
  model: string,
  files: FileMap,
): Promise<readonly Sample[]> {
  const spec = manifest.data.find(({ name }) => name === data)
  if (spec === undefined || spec.windows) return []
  const open: OpenFile = async (path) => {
    const blob = files.get(path)
    if (blob === undefined) throw new Error(`${path} is not here`)
    return inMemory(new Uint8Array(await blob.arrayBuffer()))
  }
  const parts = await loadTables(spec, open, () => ({ numbers: true, texts: true, missing: true }))
  const uses = session.predictUses(model)
  const names = [...new Set(inputs.flatMap(({ columns }) => columns))]
  const of = ({ table, rows }: TableRows, isHeldBack: boolean, most: number): Sample[] =>
    [...rows.subarray(0, most)].map((row) => ({
      cells: Object.fromEntries(names.map((name) => [name, cellOf(table, name, row, uses(name).texts)])),
      actual: actualOf(table, aim, row),
      isHeldBack,
    }))
  const { test, val, train } = parts
  const held = test ?? val
  return [...(held ? of(held, true, 200) : []), ...of(train, false, held ? 600 : 800)]
}

function cellOf(table: Table, name: string, row: number, isText: boolean): unknown {
  if (isText) {
    const { distinct, codes, width } = table.texts(name)
    return distinct[codes[row * width]!]
  }
  const { values, shape, stride } = table.column(name)
  const width = product(shape)
  const at = row * (stride ?? width)
  if (width === 1 && Number.isNaN(values[at])) return null
  return width === 1 ? values[at] : Array.from(values.slice(at, at + width))
}

function actualOf(table: Table, { columns, stages }: FieldSpec, row: number): string | number {
  const [first] = stages
  const isText = first?.kind === "categories" || first?.kind === "hash"
  const cell = cellOf(table, columns[0]!, row, isText)
  return typeof cell === "string" ? cell : Number(Array.isArray(cell) ? cell[0] : cell)
}

/** How far each is of the second class where there are two, else the number of its class; and how many classes there are. */
function surfaceOf(
  prediction: Prediction,
  isBinary: boolean,
): { readonly values: Float32Array; readonly classes: number } {
  if (!isClasses(prediction)) {
    const raw = Float32Array.from(prediction.values)
    return {
      values: isBinary ? raw.map((score) => 1 / (1 + Math.exp(-score))) : raw,
      classes: isBinary ? 2 : 0,
    }
  }
  const { names, classes, probabilities } = prediction
  if (names.length === 2 && probabilities) {
    const per = probabilities.values.length / classes.length
    return {
      values: Float32Array.from(classes, (_, i) => probabilities.values[i * per + per - 1]!),
      classes: 2,
    }
  }
  return { values: Float32Array.from(classes, (name) => names.indexOf(name)), classes: names.length }
}

const SIZE = 56

function plane(input: FieldSpec, aim: FieldSpec, kind: string, samples: readonly Sample[], ask: Ask): Look {
  const [a, b] = input.columns as [string, string]
  const at = (sample: Sample): [number, number] => [Number(sample.cells[a]), Number(sample.cells[b])]
  const extent = extentOf(samples.map(at))
  const names =
    kind === "classes"
      ? classNames(aim, 1 + Math.max(...samples.map(({ actual }) => Number(actual) || 0), 1))
      : []
  const points = samples.map((sample): PlanePoint => {
    const [x, y] = at(sample)
    const place = names.findIndex((name) => String(name) === String(sample.actual))
    return { x, y, value: place < 0 ? Number(sample.actual) : place, isHeldBack: sample.isHeldBack }
  })
  const isBinary = points.every(({ value }) => value === 0 || value === 1)
  const [left, right, bottom, top] = extent
  const grid = Array.from({ length: SIZE * SIZE }, (_, i): Cells => ({
    [a]: left + ((right - left) * ((i % SIZE) + 0.5)) / SIZE,
    [b]: bottom + ((top - bottom) * (Math.floor(i / SIZE) + 0.5)) / SIZE,
  }))
  return async (session) => ({
    kind: "plane",
    title: `What the model says of every point of the plane (${a}, ${b})`,
    extent,
    size: SIZE,
    points,
    ...surfaceOf(await ask(session, grid), isBinary),
  })
}

function extentOf(points: readonly (readonly [number, number])[]): [number, number, number, number] {
  const range = (values: readonly number[]): [number, number] => {
    const [low, high] = [Math.min(...values), Math.max(...values)]
    const room = (high - low || 2) * 0.12
    return [low - room, high + room]
  }
  return [...range(points.map(([x]) => x)), ...range(points.map(([, y]) => y))]
}

function curve(input: FieldSpec, samples: readonly Sample[], ask: Ask): Look {
  const [name] = input.columns as [string]
  const points = samples.map(({ cells, actual }): [number, number] => [Number(cells[name]), Number(actual)])
  const [left, right] = extentOf(points)
  const xs = Array.from({ length: 120 }, (_, i) => left + ((right - left) * i) / 119)
  return async (session) => {
    const prediction = await ask(
      session,
      xs.map((x) => ({ [name]: x })),
    )
    const values = isClasses(prediction) ? [] : [...prediction.values]
    return {
      kind: "curve",
      title: "What the model says between and beyond the points",
      points,
      curve: xs.map((x, i) => [x, values[i] ?? 0] as const),
    }
  }
}

/** The rows held back, where there are any. */
const shownOf = (samples: readonly Sample[], most: number): readonly Sample[] => {
  const held = samples.filter(({ isHeldBack }) => isHeldBack)
  return (held.length > 0 ? held : samples).slice(0, most)
}

const held = (samples: readonly Sample[]): string =>
  samples[0]?.isHeldBack ? "rows held back from training" : "rows of the data"

function classified(sides: Sides, input: FieldSpec, all: readonly Sample[], ask: Ask): Look {
  const samples = shownOf(all, 40)
  const pixels = samples.map(({ cells }) => {
    const values = Float32Array.from(input.columns.flatMap((name) => cells[name] as number | number[]))
    const most = Math.max(...values, 1e-9)
    return values.map((value) => value / most)
  })
  return async (session) => {
    const prediction = await ask(
      session,
      samples.map(({ cells }) => cells),
    )
    const says = isClasses(prediction) ? prediction.classes : []
    const right = samples.filter(({ actual }, i) => String(actual) === String(says[i])).length
    return {
      kind: "images",
      title: `${right} of ${samples.length} ${held(samples)} are told right`,
      ...sides,
      images: samples.map(({ actual }, i) => ({
        pixels: pixels[i]!,
        says: String(says[i]),
        isRight: String(actual) === String(says[i]),
      })),
    }
  }
}

function scatter(aim: FieldSpec, all: readonly Sample[], ask: Ask): Look {
  const samples = shownOf(all, 200)
  return async (session) => {
    const prediction = await ask(
      session,
      samples.map(({ cells }) => cells),
    )
    const values = isClasses(prediction) ? [] : [...prediction.values]
    return {
      kind: "scatter",
      title: `${aim.columns[0] ?? "the value"}: as it was, and as the model says (${held(samples)})`,
      points: samples.map(({ actual }, i) => [Number(actual), values[i] ?? 0] as const),
    }
  }
}

function table(all: readonly Sample[], ask: Ask): Look {
  const samples = shownOf(all, 12)
  return async (session) => {
    const prediction = await ask(
      session,
      samples.map(({ cells }) => cells),
    )
    return {
      kind: "table",
      title: `Some ${held(samples)}`,
      rows: samples.map(({ actual }, i) => ({
        actual: String(actual),
        ...saidOf(prediction, i, samples.length),
      })),
    }
  }
}

function saidOf(
  prediction: Prediction,
  i: number,
  count: number,
): { readonly predicted: string; readonly probability?: number } {
  if (!isClasses(prediction)) {
    const per = prediction.values.length / count
    const value = prediction.values[i * per]!
    return per === 1 && prediction.dtype === "f32"
      ? { predicted: value > 0 ? "1" : "0", probability: 1 / (1 + Math.exp(-Math.abs(value))) }
      : { predicted: value.toPrecision(4) }
  }
  const { classes, names, probabilities } = prediction
  const name = classes[i]!
  if (!probabilities) return { predicted: String(name) }
  const per = probabilities.values.length / count
  const place = names.indexOf(name)
  const probability = per === 1 ? probabilities.values[i]! : probabilities.values[i * per + place]!
  return { predicted: String(name), probability: per === 1 && place === 0 ? 1 - probability : probability }
}

const isOfText = (manifest: Manifest, { feeds }: PredictSpec): boolean =>
  feeds.some(({ inputs }) =>
    inputs.some(({ data, field }) =>
      fieldOf(manifest, data, field)?.stages.some(({ kind }) => kind === "vocabulary"),
    ),
  )

/** A model whose output is a picture and whose one input is a few numbers that no data give. */
function drawsFromNoise(manifest: Manifest, { program, feeds }: PredictSpec): boolean {
  const spec = programsOf(manifest).find(({ name }) => name === program)
  const [input, ...others] = spec?.inputs.filter(({ source }) => source.kind === "feed") ?? []
  const output = spec?.outputs[0]
  if (!input || others.length > 0 || !output) return false
  const [from, to] = [input.shape.slice(1).map(Number), output.shape.slice(1).map(Number)]
  const isFed = feeds.some(({ inputs }) => inputs.some(({ field }) => field !== null))
  return !isFed && sidesOf(to) !== undefined && product(from) <= 64 && input.dtype === "f32"
}

function images(manifest: Manifest, { model, program }: PredictSpec): Look {
  const spec = programsOf(manifest).find(({ name }) => name === program)!
  const input = spec.inputs.find(({ source }) => source.kind === "feed")!
  const output = spec.outputs[0]!
  const sides = sidesOf(output.shape.slice(1).map(Number))!
  const [count, width] = [40, product(input.shape.slice(1).map(Number))]
  const noise = gaussians(count * width)
  return async (session) => {
    const all = await session.predict(model, { [input.name]: noise })
    const values = Float32Array.from(all[output.name]!.values)
    const isInk = values.every((value) => value >= 0 && value <= 1)
    const each = product(output.shape.slice(1).map(Number))
    return {
      kind: "images",
      title: `What ${model} draws from ${count} random points`,
      ...sides,
      images: Array.from({ length: count }, (_, i) => ({
        pixels: values
          .slice(i * each, (i + 1) * each)
          .map((value) => (isInk ? value : 1 / (1 + Math.exp(-value)))),
      })),
    }
  }
}

/** The same numbers every time, so that one picture is seen to change. */
function gaussians(count: number): Float32Array {
  let seed = 7
  const next = (): number => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
    return (seed + 1) / 4294967297
  }
  return Float32Array.from(
    { length: count },
    () => Math.sqrt(-2 * Math.log(next())) * Math.cos(2 * Math.PI * next()),
  )
}

const CHARACTERS = 160

function writing(manifest: Manifest, { model, program, feeds }: PredictSpec): Look {
  const spec = programsOf(manifest).find(({ name }) => name === program)!
  const fed = feeds[0]!.inputs[0]!
  const data = manifest.data.find(({ name }) => name === fed.data)!
  const window = product(fieldOf(manifest, fed.data, fed.field)!.shape)
  const vocabulary = vocabularyOf(data)
  const output = spec.outputs[0]!.name
  return async (session) => {
    let seed = 3
    const random = (): number => ((seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0), seed / 4294967296)
    const written = [...encodeText(vocabulary, vocabulary.includes("\n") ? "\n" : vocabulary.slice(0, 1))]
    for (let i = 0; i < CHARACTERS; i++) {
      const recent = written.slice(-window)
      const ids = new Int32Array(window)
      ids.set(recent)
      const { values } = (await session.predict(model, { [fed.name]: ids }))[output]!
      const count = values.length / window
      const scores = Array.from(values.slice((recent.length - 1) * count, recent.length * count)).slice(
        0,
        [...vocabulary].length,
      )
      const most = Math.max(...scores)
      const weights = scores.map((score) => Math.exp((score - most) / 0.8))
      let left = random() * weights.reduce((a, b) => a + b, 0)
      written.push(
        Math.max(
          0,
          weights.findIndex((weight) => (left -= weight) < 0),
        ),
      )
    }
    return {
      kind: "text",
      title: "What the model writes now",
      text: decodeText(vocabulary, written).trimStart(),
    }
  }
}
