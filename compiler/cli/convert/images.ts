/** cli: a folder of images, or a table of their paths -> a table. Some images are decoded at a time, and written in order. */
import { statSync } from "node:fs"
import { availableParallelism } from "node:os"
import { dirname } from "node:path"
import { reasonOf, RunError } from "../../../runtime/error.js"
import { TextColumn, type Table } from "../../../runtime/data/table.js"
import { imageDecoder, type Decode } from "./decode-image.js"
import { imageFiles, type ImageFile, type ImageSource } from "./image-files.js"
import type { Converter } from "./converter.js"
import type { TableWriter } from "./table-writer.js"

export const images: Converter<ImageSource> = {
  stamp(source, place) {
    const { shape, column, skipDamaged } = source
    const files = imageFiles(source, place).files.map(({ name, path }) => [name, ...timesOf(path)])
    return [shape, column, skipDamaged, column === null ? [] : timesOf(place), files]
  },
  dependsOn(source, place) {
    if (source.column === null) return [place]
    return [place, ...new Set(imageFiles(source, place).files.map(({ path }) => dirname(path)))]
  },
  async convert(source, place, into, told) {
    const { files, list } = imageFiles(source, place)
    const decode = await imageDecoder()
    const damaged = new Set<number>()
    into.startNumbers("image", source.shape, "u8")
    await eachDecoded(files, source, decode, (index, pixels) => {
      if (pixels) into.write(pixels)
      else damaged.add(index)
      told.progress(index + 1, files.length, "images")
    })
    const kept = files.flatMap((_, index) => (damaged.has(index) ? [] : [index]))
    if (kept.length === 0)
      throw new RunError("data-empty", `all ${files.length} images of ${source.path} are damaged`)
    addTexts(into, "file", kept, (index) => files[index]!.name)
    if (files.every(({ folder }) => folder !== undefined))
      addTexts(into, "folder", kept, (index) => files[index]!.folder!)
    if (list) addColumns(into, list, kept)
    into.end(kept.length, "file")
    if (damaged.size > 0)
      told.note(
        leftOut(
          source.path,
          [...damaged].map((index) => files[index]!.name),
        ),
      )
  },
}

function timesOf(path: string): readonly number[] {
  const { size, mtimeMs } = statSync(path)
  return [size, mtimeMs]
}

/** Images that are decoded while others wait to be written. */
const AHEAD = 4 * availableParallelism()

/** Decodes images in order; undefined for a damaged one that is to be skipped. */
async function eachDecoded(
  files: readonly ImageFile[],
  { path, shape, skipDamaged }: ImageSource,
  decode: Decode,
  visit: (index: number, pixels: Uint8Array | undefined) => void,
): Promise<void> {
  const start = (file: ImageFile): Promise<Uint8Array | RunError> =>
    decode(file.path, shape).catch((caught: unknown) => cannotRead(path, file, caught))
  const waiting: Promise<Uint8Array | RunError>[] = []
  for (let next = 0, index = 0; index < files.length; index++) {
    while (next < files.length && next < index + AHEAD) waiting.push(start(files[next++]!))
    const pixels = await waiting.shift()!
    if (pixels instanceof RunError && !skipDamaged) throw pixels
    visit(index, pixels instanceof RunError ? undefined : pixels)
  }
}

const cannotRead = (path: string, { name }: ImageFile, caught: unknown): RunError =>
  new RunError(
    "data-image",
    `${name === path ? name : `${path}: ${name}`} cannot be read: ${whyDamaged(reasonOf(caught).trim())}`,
    {
      help: 'repair or delete it, or leave such images out: `images("...", skip: "damaged")`',
      cause: caught,
    },
  )

/** The package keeps the warnings of its decoders to itself, and names only its own setting. */
const whyDamaged = (reason: string): string =>
  reason.includes("failOn") ? "its content is damaged or cut off" : reason

/** Names that a line has room for. */
const MOST_NAMES = 5

function leftOut(path: string, names: readonly string[]): string {
  const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : ""
  return `${path}: ${names.length} damaged ${names.length === 1 ? "image is" : "images are"} left out: ${names.slice(0, MOST_NAMES).join(", ")}${more}`
}

function addTexts(
  into: TableWriter,
  name: string,
  rows: readonly number[],
  textOf: (row: number) => string,
): void {
  const texts = new TextColumn()
  for (const row of rows) texts.add(textOf(row))
  into.addTexts(name, texts.texts())
}

/** Those of the list, as numbers too where they are. */
function addColumns(into: TableWriter, list: Table, rows: readonly number[]): void {
  for (const name of list.names) {
    if (name === "image" || name === "file") continue
    const { distinct, codes } = list.texts(name)
    addTexts(into, name, rows, (row) => distinct[codes[row]!]!)
    const values = numbersOf(list, name)
    if (!values) continue
    into.startNumbers(name, [], "f64")
    into.write(Float64Array.from(rows, (row) => values[row]!))
  }
}

function numbersOf(list: Table, name: string): ArrayLike<number> | undefined {
  try {
    return list.column(name).values
  } catch (caught) {
    if (caught instanceof RunError) return undefined
    throw caught
  }
}
