/** cli/predictions: rows of columns as a Parquet file, a row group for each chunk, so that memory does not grow with the rows. Columns of
 *  several values in a row are `NAME.0`, `NAME.1`, ... */
import { ByteWriter, ParquetWriter, schemaFromColumnData } from "hyparquet-writer"
import type { OutFile } from "../out-file.js"
import { type Chunk, columnsOf, type OutColumn } from "./columns.js"
import { namesOf } from "./text.js"

/** `u32` has no type of its own there that all readers know. */
const TYPES = { text: "STRING", f32: "FLOAT", f64: "DOUBLE", i32: "INT32", u32: "INT64" } as const

export class ParquetFile {
  private writer: ParquetWriter | undefined
  private readonly bytes: AppendingWriter

  constructor(file: OutFile) {
    this.bytes = new AppendingWriter(file)
  }

  add(chunk: Chunk): void {
    const columnData = columnsOf(chunk).flatMap((column) => flat(column, chunk.rows))
    const { bytes } = this
    this.writer ??= new ParquetWriter({ writer: bytes, schema: schemaFromColumnData({ columnData }) })
    void this.writer.write({ columnData, rowGroupSize: chunk.rows })
  }

  end(): void {
    void this.writer?.finish()
  }
}

/** A writer whose bytes go to the file after every row group. */
class AppendingWriter extends ByteWriter {
  constructor(private readonly file: OutFile) {
    super()
  }
  flush(): void {
    this.file.append(new Uint8Array(this.buffer, 0, this.index))
    this.index = 0
  }
  override finish(): void {
    this.flush()
  }
}

function flat(column: OutColumn, rows: number) {
  const { type, at } = column
  return namesOf(column).map((name, place) => ({
    name,
    type: TYPES[type],
    nullable: false,
    data: Array.from({ length: rows }, (_, row) =>
      type === "u32" ? BigInt(at(row, place)) : at(row, place),
    ),
  }))
}
