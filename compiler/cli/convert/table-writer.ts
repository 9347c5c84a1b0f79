/** cli: columns, one after another -> the file of a table (runtime/data/table-file.ts). Written columns are not kept in memory. */
import { closeSync, openSync, writeSync } from "node:fs"
import type { ElementType } from "../../../runtime/data/elements.js"
import {
  MAGIC,
  type StoredError,
  type StoredNumbers,
  type StoredTexts,
} from "../../../runtime/data/table-file.js"
import type { Texts } from "../../../runtime/data/table.js"

export class TableWriter {
  private readonly file: number
  private at = 0
  private readonly names = new Set<string>()
  private readonly numbers: StoredNumbers[] = []
  private readonly texts: StoredTexts[] = []
  private readonly wrong: StoredError[] = []

  /** `place`: the path of the source, for messages about the table. */
  constructor(
    path: string,
    private readonly place: string,
  ) {
    this.file = openSync(path, "wx", 0o600)
    this.write(Buffer.from(MAGIC))
  }

  /** Begins a column of numbers; `write` its rows then. */
  startNumbers(name: string, shape: readonly number[], type: ElementType): void {
    this.align()
    this.names.add(name)
    this.numbers.push({ name, shape, type, at: this.at })
  }

  write({ buffer, byteOffset, byteLength }: ArrayBufferView): void {
    for (let done = 0; done < byteLength;)
      done += writeSync(this.file, new Uint8Array(buffer, byteOffset + done, byteLength - done))
    this.at += byteLength
  }

  addTexts(name: string, { distinct, codes }: Texts): void {
    this.align()
    this.names.add(name)
    this.texts.push({ name, distinct, at: this.at })
    this.write(codes)
  }

  addWrong(error: StoredError): void {
    this.names.add(error.name)
    this.wrong.push(error)
  }

  /** `rowNames`: a column of texts that says which row is meant. */
  end(rows: number, rowNames?: string): void {
    this.align()
    const { place, names, numbers, texts, wrong } = this
    const header = {
      place,
      rows,
      names: [...names],
      ...(rowNames !== undefined && { rowNames }),
      numbers,
      texts,
      wrong,
    }
    const text = Buffer.from(JSON.stringify(header))
    const end = Buffer.alloc(8)
    end.writeBigUInt64LE(BigInt(text.length))
    this.write(Buffer.concat([text, end, Buffer.from(MAGIC)]))
  }

  close(): void {
    closeSync(this.file)
  }

  private align(): void {
    if (this.at % 8 > 0) this.write(new Uint8Array(8 - (this.at % 8)))
  }
}
