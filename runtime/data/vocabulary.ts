/** runtime/data: characters <-> numbers. A vocabulary is a text of different characters in the order of their code points; the
 *  number of a character is its place there.
 *  Not here: cutting texts into rows (text.ts). */
import type { DataSpec, FittedStage } from "../bundle/format.js"
import { RunError } from "../error.js"
import { codePoints } from "./text.js"

/** Calls back with the code points of every training row. */
type Walk = (visit: (block: { readonly values: Float64Array }) => void) => void

export function fitVocabulary(place: string, size: number, walk: Walk): FittedStage {
  const seen = new Set<number>()
  walk(({ values }) => values.forEach((value) => seen.add(value)))
  if (seen.size > size)
    throw new RunError(
      "data-vocabulary",
      `${place} has ${seen.size} different characters in its training rows, and vocabulary(${size}) numbers ${size}`,
      { help: `write vocabulary(${seen.size}), and ${seen.size} where the model counts them` },
    )
  const characters = [...seen]
    .sort((a, b) => a - b)
    .map((code) => String.fromCodePoint(code))
    .join("")
  return { kind: "vocabulary", size, characters }
}

/** Code points become numbers, in place. */
export function toVocabulary(
  characters: string,
  values: Float64Array,
  where: (index: number) => string,
): Float64Array {
  const numbers = numbersOf(characters)
  for (let j = 0; j < values.length; j++) {
    const number = numbers.get(values[j]!)
    if (number === undefined) unknown(values[j]!, where(j))
    values[j] = number
  }
  return values
}

/** The vocabulary of the first field of a data set that has one, for programs that read and write text. */
export function vocabularyOf(data: DataSpec): string {
  for (const { stages } of data.fields)
    for (const stage of stages) if (stage.kind === "vocabulary") return stage.characters
  throw new RunError("data-vocabulary", `no field of the data set "${data.name}" has a vocabulary`)
}

export function encodeText(vocabulary: string, text: string): Int32Array {
  const values = Float64Array.from(codePoints(text))
  return Int32Array.from(toVocabulary(vocabulary, values, () => "the text"))
}

export function decodeText(vocabulary: string, numbers: Iterable<number>): string {
  const characters = [...vocabulary]
  return [...numbers].map((number) => characters[number] ?? "\uFFFD").join("")
}

/** Rows come one at a time, all with the same few vocabularies. */
const cache = new Map<string, ReadonlyMap<number, number>>()

function numbersOf(characters: string): ReadonlyMap<number, number> {
  const known = cache.get(characters)
  if (known) return known
  const numbers = new Map([...codePoints(characters)].map((code, number) => [code, number]))
  cache.set(characters, numbers)
  return numbers
}

function unknown(code: number, where: string): never {
  const hex = code.toString(16).toUpperCase().padStart(4, "0")
  const shown = JSON.stringify(String.fromCodePoint(code))
  throw new RunError(
    "data-vocabulary",
    `${where}: the character ${shown} (U+${hex}) is not in the vocabulary`,
    {
      help: "the vocabulary holds the characters of the training rows: replace this one, or train on a text that has it",
    },
  )
}
