/** cli: which images a source names, in order.
 *  Not here: decoding them (decode-image.ts). */
import { existsSync, readdirSync, statSync, type Dirent } from "node:fs"
import { dirname, join } from "node:path"
import type { SourceSpec } from "../../../runtime/bundle/format.js"
import { parseCsv } from "../../../runtime/data/csv.js"
import type { Table } from "../../../runtime/data/table.js"
import { fileOnDisk } from "../../../runtime/disk.js"
import { RunError } from "../../../runtime/error.js"

export type ImageSource = Extract<SourceSpec, { readonly kind: "images" }>

export interface ImageFile {
  /** Its name in messages and in the column `file`. */
  readonly name: string
  readonly path: string
  /** The part of its path that is its class; undefined in a folder without folders. */
  readonly folder?: string
}

export interface ImageFiles {
  readonly files: readonly ImageFile[]
  /** The table that lists them, with a row for each. */
  readonly list?: Table
}

export const isImage = (path: string): boolean => /\.(png|jpe?g|webp)$/i.test(path)

export function imageFiles({ path, column, mixed }: ImageSource, place: string): ImageFiles {
  const found = column === null ? inFolder(path, place, mixed) : inList(path, place, column)
  if (found.files.length > 0) return found
  throw new RunError("data-empty", `${path} holds no images`, {
    help: statSync(place).isDirectory()
      ? "images are .png, .jpg, .jpeg and .webp files, in a folder for each class"
      : 'a table that lists images names the column of their paths: `images("list.csv", path: "file")`',
  })
}

/** Names and folders are in the order of their code units, on every machine. */
function inFolder(path: string, place: string, mixed = false): ImageFiles {
  if (!statSync(place).isDirectory()) return { files: isImage(place) ? [{ name: path, path: place }] : [] }
  const entries = entriesOf(place)
  const folders = entries.filter((entry) => entry.isDirectory())
  const files = entries.filter(isImageFile).map(({ name }) => ({ name, path: join(place, name) }))
  if (folders.length > 0 && files.length > 0 && !mixed)
    throw new RunError("data-image", `${path}/${files[0]!.name} is in no folder that would be its class`, {
      help: "move it into one of the folders beside it",
    })
  return { files: [...files, ...folders.flatMap(({ name }) => below(place, name, name))] }
}

function below(place: string, name: string, folder: string): ImageFile[] {
  return entriesOf(join(place, name)).flatMap((entry) => {
    const inner = `${name}/${entry.name}`
    if (entry.isDirectory()) return below(place, inner, folder)
    return isImageFile(entry) ? [{ name: inner, path: join(place, inner), folder }] : []
  })
}

const entriesOf = (folder: string): readonly Dirent[] =>
  readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => !name.startsWith("."))
    .sort((a, b) => (a.name < b.name ? -1 : 1))

const isImageFile = (entry: Dirent): boolean => !entry.isDirectory() && isImage(entry.name)

function inList(path: string, place: string, column: string): ImageFiles {
  const list = parseCsv(path, fileOnDisk(place), ",")
  const { distinct, codes } = list.texts(column)
  const folder = dirname(place)
  const files = Array.from(codes, (code, row): ImageFile => {
    const name = distinct[code]!
    const file = join(folder, name)
    if (name !== "" && existsSync(file)) return { name, path: file }
    throw new RunError("data-file", `${list.where(row, column)}: there is no file ${JSON.stringify(name)}`, {
      help: `paths are relative to the folder of ${path}`,
    })
  })
  return { files, list }
}
