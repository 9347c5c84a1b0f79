/** test: a whole program at random: data sets, models, layers, train sections. The same choices make the same program. */
import { Builder, type Limits, newFrame, type Rules } from "./build.js"
import type { Choices } from "./choices.js"
import { ACTIVATIONS, CHOICES, POINTWISE, PRODUCTS, RANDOM, REDUCTIONS } from "./rules-functions.js"
import { GATHERS, MOVEMENT } from "./rules-movement.js"
import { declareLayer, LANGUAGE } from "./rules-language.js"
import { ATTENTION, DENSE, NORMS, RECURRENT } from "./rules-layers.js"
import { AFTER, LOSS_VALUES, LOSSES, METRICS, OPTIMIZERS, SETTINGS } from "./rules-training.js"
import { CONVOLUTION_LAYERS, CONVOLUTIONS, POOLING } from "./rules-windows.js"
import type { Piece, Shape } from "./shapes.js"

/** Of functions, which may stand anywhere. */
const FUNCTION_RULES: Rules = {
  pointwise: POINTWISE,
  products: PRODUCTS,
  activations: ACTIVATIONS,
  reductions: REDUCTIONS,
  movement: MOVEMENT,
  choices: CHOICES,
  gathers: GATHERS,
  random: RANDOM,
  convolutions: CONVOLUTIONS,
  losses: LOSS_VALUES,
}
/** Of what owns parameters, too. */
export const RULES: Rules = {
  ...FUNCTION_RULES,
  dense: DENSE,
  attention: ATTENTION,
  language: LANGUAGE,
  norms: NORMS,
  layers: CONVOLUTION_LAYERS,
  pooling: POOLING,
  recurrent: RECURRENT,
}

/** Numbers that a program starts with, the same in every run. */
const PATTERN = `/// Numbers from -5/8 to 5/8 that look random.
fn pattern(like_shape: list, shift: int = 0) {
  var count = 1
  for size in like_shape { count = count * size }
  reshape(f32((indices(count) * 7 + shift) % 11) / 8 - 0.625, like_shape)
}`

export interface Program {
  readonly text: string
  /** Names of the rules that were used. */
  readonly used: readonly string[]
}

interface Field {
  readonly name: string
  /** Of one row. */
  readonly shape: readonly number[]
  /** Of classes: how many there are. */
  readonly classes: number | null
}
interface Data {
  readonly name: string
  readonly fields: readonly Field[]
  readonly rows: number
  readonly text: string
}
interface Model {
  readonly name: string
  readonly inputs: readonly { readonly shape: Shape; readonly classes: number | null }[]
  readonly result: Shape
  readonly text: string
  /** It goes after another one, and learns nothing by itself. */
  readonly follows?: true
}

export function randomProgram(choices: Choices, limits: Limits): Program {
  const b = new Builder(choices, RULES, limits, 5)
  const data = b.apart(() => (b.flip(8) ? null : dataSet(b)))
  const layers = Array.from({ length: b.pick([0, 0, 0, 1]) }, () => b.apart(() => declareLayer(b)))
  const models = Array.from({ length: b.pick([1, 1, 1, 2]) }, () => b.apart(() => model(b, data)))
  if (b.flip(6)) models.push(follower(b, models[0]!))
  const names = b.pick([[""], [""], [""], ["one", "two"]])
  const trains = names.map((name) => b.apart(() => train(b, name, data, models)))
  const parts = [...(data ? [data.text] : []), ...layers, ...models.map((m) => m.text), ...trains]
  const pattern = parts.some((text) => text.includes("pattern")) ? [PATTERN] : []
  return { text: [...pattern, ...parts].join("\n\n") + "\n", used: b.used }
}

const ROWS = [3, 5, 1, 2, 4, 7]

function dataSet(b: Builder): Data {
  const name = b.name("d")
  const rows = b.pick(ROWS)
  const fields = Array.from({ length: b.pick([1, 2, 3]) }, (_, i): Field => {
    const isClass = i > 0 && b.flip()
    const rank = isClass ? b.pick([0, 0, 1]) : b.pick([1, 2, 0, 3, 1, 4])
    const shape = b.shape(rank).map((d) => (isClass ? Math.min(d, 4) : d))
    const small = b.fits(["B", ...shape]) ? shape : shape.map(() => 2)
    return { name: b.name(isClass ? "k" : "u"), shape: small, classes: isClass ? b.pick([3, 2, 5, 7]) : null }
  })
  const columns = fields.map(({ name: field, shape, classes }, n) => {
    const size = shape.reduce((s, d) => s * d, 1)
    const values = Array.from({ length: rows }, (_, r) =>
      Array.from({ length: size }, (_, i) => number(r * size + i + n, classes)),
    )
    return `${field}: ${JSON.stringify(shape.length === 0 ? values.map((v) => v[0]) : values)}`
  })
  const declared = fields.map(
    ({ name: field, shape, classes }) =>
      `  ${field}: ${type(classes === null ? "f32" : "i32", shape)} = column("${field}")${classes === null ? (b.flip(4) ? b.pick([" |> scale(0.5)", " |> standardize"]) : "") : ` |> classes(${classes})`}`,
  )
  const split = rows > 3 && b.flip(4) ? ["  split train: 0.6, test: 0.4, seed: 3"] : []
  return {
    name,
    fields,
    rows,
    text: [`data ${name} = array(${columns.join(", ")}) {`, ...declared, ...split, "}"].join("\n"),
  }
}
/** Quarters from -1 to 1, with something that no quarter is now and then; or a class. */
function number(i: number, classes: number | null): number {
  const mixed = (i * 2654435761) >>> 8
  if (classes !== null) return mixed % classes
  return mixed % 5 === 0 ? ((mixed % 199) - 99) / 100 : ((mixed % 9) - 4) / 4
}
const type = (dtype: string, shape: Shape): string =>
  shape.length === 0 ? dtype : `${dtype}[${shape.join(", ")}]`

function model(b: Builder, data: Data | null): Model {
  const outer = b.frame
  b.frame = newFrame(true, data === null ? null : "B")
  const name = b.name("M")
  const inputs =
    data === null
      ? Array.from({ length: b.pick([1, 0, 2]) }, () => ({ shape: b.shape() as Shape, classes: null }))
      : data.fields.map((f) => ({ shape: ["B" as const, ...f.shape] as Shape, classes: f.classes }))
  const params = inputs.map(({ shape, classes }) => {
    const input = b.name("x")
    if (classes === null) b.frame.values.push({ text: input, shape })
    else b.frame.places.push({ text: input, shape, below: classes })
    return `${input}: ${type(classes === null ? "f32" : "i32", shape)}`
  })
  const result = b.valueShape()
  const value = b.expr(result)
  const learned = b.parameter(result, { moved: true })
  const last = b.pick([
    `(${value} * ${b.fit(learned, result)})`,
    `(${value} + ${learned.text})`,
    `(${value} - ${b.fit(learned, result)})`,
  ])
  const body = [...b.frame.body, last]
  b.frame = outer
  const text = `model ${name}(${params.join(", ")}) -> ${type("f32", result)} {\n${body.map((line) => `  ${line}`).join("\n")}\n}`
  return { name, inputs, result, text }
}

/** A model that no optimizer moves: it goes after another one. */
function follower(b: Builder, online: Model): Model {
  const name = b.name("F")
  const how = b.pick(Object.values(AFTER))(b)
  return { ...online, name, follows: true, text: `model ${name} follows ${online.name} by ${how}` }
}

function train(b: Builder, name: string, data: Data | null, models: readonly Model[]): string {
  const outer = b.frame
  const first = data?.fields.find((f) => f.classes === null)
  b.frame = newFrame(false, first === undefined ? null : `${first.name}.shape[0]`)
  for (const f of data?.fields ?? []) {
    const shape: Shape = ["B", ...f.shape]
    if (f.classes === null) b.frame.values.push({ text: f.name, shape })
    else b.frame.places.push({ text: f.name, shape, below: f.classes })
  }
  const predictions = models.map((m): Piece => {
    const given = m.inputs.map((input, i) => data?.fields[i]?.name ?? b.expr(input.shape))
    const called = b.name("y")
    b.frame.body.push(`let ${called} = ${m.name}(${given.join(", ")})`)
    return { text: called, shape: m.result }
  })
  const from = (piece: Piece) => (shape: Shape) => b.fit(piece, shape)
  const learning = predictions.filter((_, n) => models[n]!.follows === undefined)
  for (const piece of predictions) if (!learning.includes(piece)) b.frame.values.push(piece)
  const losses = b.flip(4) && learning.length > 1 ? learning : [b.pick(learning)]
  for (const piece of losses) {
    const rule = b.pick(Object.values(LOSSES))
    const loss = b.apart(() => rule(b, from(piece))) ?? `mean(${piece.text})`
    const optimizer = b.pick(Object.values(OPTIMIZERS))(b)
    const over = b.flip(6) ? ` over ${models[predictions.indexOf(piece)]!.name}` : ""
    b.frame.body.push(`minimize ${loss}${over} with ${optimizer}`)
  }
  for (let n = b.pick([0, 0, 1, 2]); n > 0; n--) {
    const metric = b.apart(() => b.pick(Object.values(METRICS))(b, from(b.pick(predictions))))
    if (metric !== undefined) b.frame.body.push(`report ${b.name("m")} = ${metric}`)
  }
  const body = [...b.frame.body, ...settings(b, data, name === "")]
  b.frame = outer
  const head = ["train", ...(name === "" ? [] : [name]), ...(data === null ? [] : ["on", data.name])].join(
    " ",
  )
  return `${head} {\n${body.map((line) => `  ${line}`).join("\n")}\n}`
}

function settings(b: Builder, data: Data | null, alone: boolean): readonly string[] {
  const made: string[] = []
  // An average of parameters that another section moves too is refused.
  const all = Object.entries(SETTINGS).flatMap(([name, rule]) => (name === "average" && !alone ? [] : [rule]))
  const [one] = b.flip(3) ? [b.pick(all)] : []
  if (one !== undefined) made.push(...one(b))
  if (data !== null) {
    const batch = b.pick([null, 2, 1, 3])
    if (batch !== null && batch <= data.rows) made.push(`batch ${batch}`)
    if (b.flip(3)) made.push("shuffle")
  }
  if (b.flip(3)) made.push(`seed ${b.below(5)}`)
  return [...made, "steps 3"]
}
