/** cli/report: rows that a run did not train on, with the predictions of its model; pictures are shown as pictures. */
import type { Prediction, Samples } from "../../../runtime/node.js"
import { markup, type Markup } from "../markup.js"
import { png } from "../png.js"
import { numberText } from "../quantities.js"

const PARTS = { train: "trained on", val: "for validation", test: "for the test" } as const

export function samplesSection({ part, rows, model, inputs, outputs }: Samples): Markup {
  const head = [
    ...inputs.map(({ name }) => name),
    ...outputs.flatMap(({ name, truth }) => (truth ? ["is", "said to be"] : [name])),
  ]
  const body = Array.from({ length: rows }, (_, row) => {
    const given = inputs.map((field) => markup`<td>${inputText(field, row)}`)
    const said = outputs.flatMap(({ prediction, truth }) => {
      const own = truth && slice(truth, rows, row)
      const answer = predictionText(prediction, rows, row, own)
      return own ? [markup`<td>${listText(own)}`, answer] : [answer]
    })
    return markup`<tr>${[...given, ...said]}\n`
  })
  return markup`<h2>Samples</h2>
<p>${model} on rows ${PARTS[part]}.</p>
<table>
<tr>${head.map((name) => markup`<th>${name}`)}
${body}</table>
`
}

type Field = Samples["inputs"][number]

function inputText({ shape, values }: Field, row: number): Markup {
  const size = shape.reduce((a, b) => a * b, 1)
  const own = Array.from({ length: size }, (_, i) => values[row * size + i]!)
  const picture = pictureOf(shape, own)
  if (picture === undefined) return markup`${listText(own)}`
  const { width, height, pixels } = picture
  const data = Buffer.from(png(width, height, pixels)).toString("base64")
  return markup`<img class="sample" width="${width}" height="${height}" alt="" src="data:image/png;base64,${data}">`
}

/** The picture of an input shaped as one: channels of red, green and blue, or grey. */
function pictureOf(
  shape: readonly number[],
  values: readonly number[],
): { readonly width: number; readonly height: number; readonly pixels: Uint8Array } | undefined {
  const [channels, height, width] = shape.length === 2 ? [1, ...shape] : shape
  if (shape.length < 2 || shape.length > 3 || (channels !== 1 && channels !== 3)) return undefined
  if (height! < LEAST_SIDE || width! < LEAST_SIDE) return undefined
  // Colours from 0 to 1 are shown as they are, others from the darkest to the brightest.
  const [low, high] = [Math.min(0, ...values), Math.max(1, ...values)]
  const area = height! * width!
  const pixels = new Uint8Array(3 * area)
  for (let i = 0; i < area; i++)
    for (let c = 0; c < 3; c++) {
      const value = values[(channels === 1 ? 0 : c) * area + i]!
      pixels[3 * i + c] = Math.round((255 * (value - low)) / (high - low))
    }
  return { width: width!, height: height!, pixels }
}
const LEAST_SIDE = 8

function predictionText(
  prediction: Prediction,
  rows: number,
  row: number,
  truth: readonly unknown[] | undefined,
): Markup {
  if (!("classes" in prediction)) return markup`<td>${listText(slice([...prediction.values], rows, row))}`
  const { classes, names, probabilities } = prediction
  const own = slice(classes, rows, row)
  const [only] = own
  const p = probabilities?.values[row * names.length + names.indexOf(only!)]
  const likely = own.length > 1 || p === undefined ? "" : ` ${Math.round(100 * p)} %`
  const verdict = truth === undefined ? "" : own.every((name, i) => name === truth[i]) ? "right" : "wrong"
  return markup`<td class="${verdict}">${listText(own)}${likely}`
}

function slice<T>(list: readonly T[], rows: number, row: number): readonly T[] {
  const size = list.length / rows
  return list.slice(row * size, (row + 1) * size)
}

function listText(list: readonly unknown[]): string {
  const shown = list
    .slice(0, MOST_SHOWN)
    .map((item) => (typeof item === "number" ? numberText(item) : String(item)))
  return `${shown.join(", ")}${list.length > MOST_SHOWN ? ", ..." : ""}`
}
const MOST_SHOWN = 6
