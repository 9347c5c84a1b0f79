/** cli: a parquet file -> a table, column by column. Numbers, truth values, texts, times (numbers of seconds since 1970, and ISO texts) and
 *  lists of numbers of one length are columns; others are refused where a field takes them. */
import { statSync } from "node:fs"
import type { AsyncBuffer, FileMetaData } from "hyparquet"
import type { SourceSpec } from "../../../runtime/bundle/format.js"
import { bytesOf, type DataFile } from "../../../runtime/data/file.js"
import { fileOnDisk } from "../../../runtime/disk.js"
import { reasonOf, RunError } from "../../../runtime/error.js"
import type { Converter } from "./converter.js"
import { ParquetColumn } from "./parquet-column.js"

type ParquetSource = Extract<SourceSpec, { readonly kind: "parquet" }>

export const parquet: Converter<ParquetSource> = {
  stamp(_, place) {
    const { size, mtimeMs } = statSync(place)
    return [size, mtimeMs]
  },
  dependsOn: (_, place) => [place],
  async convert({ path }, place, into, told) {
    const library = await import("hyparquet")
    const { compressors } = await import("hyparquet-compressors")
    const file = asyncBuffer(fileOnDisk(place))
    const metadata = await read(path, () => library.parquetMetadataAsync(file))
    const names = library.parquetSchema(metadata).children.map(({ element }) => element.name)
    const rows = Number(metadata.num_rows)
    if (rows === 0) throw new RunError("data-empty", `${path} holds no rows`)
    for (const [index, name] of names.entries()) {
      const column = new ParquetColumn(path, name)
      await eachGroup(metadata, async (rowStart, rowEnd) => {
        const read1 = library.parquetReadObjects({
          file,
          metadata,
          columns: [name],
          rowStart,
          rowEnd,
          compressors,
        })
        for (const record of await read(path, () => read1)) column.add(record[name])
      })
      column.end(into)
      told.progress(index + 1, names.length, "columns")
    }
    into.end(rows)
  },
}

const asyncBuffer = (file: DataFile): AsyncBuffer => ({
  byteLength: file.size,
  slice: (from, to = file.size) => bytesOf(file, from, to - from).buffer,
})

async function read<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (caught) {
    throw new RunError("data-format", `${path} cannot be read as parquet: ${reasonOf(caught)}`, {
      cause: caught,
    })
  }
}

async function eachGroup(
  { row_groups: groups }: FileMetaData,
  visit: (from: number, to: number) => Promise<void>,
): Promise<void> {
  let from = 0
  for (const { num_rows } of groups) {
    await visit(from, from + Number(num_rows))
    from += Number(num_rows)
  }
}
