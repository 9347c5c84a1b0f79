/** cli: the columns read from text files of data, kept for the user beside the compiled programs, by the content of the file.
 *  Guarantees: a copy is used only for a file of the same content (of a large one, known by its size and times), by the nnc that wrote it, and where nobody else may write; it is there whole or not at all; where nothing
 *              can be written, a file is still read once in a command.
 *  Not here:   reading them (runtime/data), compiled programs (compile-cache.ts). */
import { createHash } from "node:crypto"
import { closeSync, existsSync, openSync, readFileSync, utimesSync, writeFileSync, writeSync } from "node:fs"
import { basename, join, resolve } from "node:path"
import { bytesOf, type DataFile } from "../../runtime/data/file.js"
import { isEnough, type Jump, type Parsed } from "../../runtime/data/parsed.js"
import type { Column, Texts, Uses } from "../../runtime/data/table.js"
import { fileOnDisk } from "../../runtime/disk.js"
import { cacheFolder, compilerBuild, isOwn, shrink, succeeds, writeWhole } from "./cache-folder.js"
import { hashOfPath, LARGE, stampOf } from "./file-hash.js"
import { ReadingProgress } from "./reading-progress.js"

/** The bytes of a file from which on a copy is worth its room. */
const WORTH = 1 << 20
/** The most bytes of all copies together; the one not used for longest goes first. */
const MOST_BYTES = 8 * 2 ** 30

export class KeptTables {
  /** Read in this command and not yet asked for again. */
  private readonly read = new Map<string, Parsed>()

  constructor(
    /** Undefined: nothing is kept on disk. */
    private readonly folder: string | undefined,
    /** Tells this nnc from every other one. */
    private readonly build: string,
    private readonly mostBytes = MOST_BYTES,
    /** Bytes of a file from which on its content is known again by its size and times, not by reading it. */
    private readonly large = LARGE,
  ) {}

  /** A data file on disk that remembers the columns read from it. */
  readonly open = (path: string): DataFile => {
    const file = fileOnDisk(path)
    const progress = new ReadingProgress(basename(path), file.size)
    return {
      ...file,
      read(at, into) {
        progress.at(at)
        file.read(at, into)
      },
      remember: (how, uses, parse) => {
        try {
          return this.remember(path, file, how, uses, parse)
        } finally {
          progress.end()
        }
      },
    }
  }

  private remember(path: string, file: DataFile, how: string, uses: Uses, parse: () => Parsed): Parsed {
    const key = `${resolve(path)} ${how}`
    const known = this.read.get(key)
    this.read.delete(key)
    if (known && isEnough(known, uses)) return known
    const copy = this.folder === undefined || file.size < WORTH ? undefined : this.copyOf(path, file, how)
    const kept = copy === undefined ? undefined : readCopy(copy)
    if (kept && isEnough(kept, uses)) return kept
    const parsed = parse()
    if (copy === undefined || parsed.wrong.size > 0 || !this.write(copy, parsed)) this.read.set(key, parsed)
    return parsed
  }

  private copyOf(path: string, file: DataFile, how: string): string {
    const name = createHash("sha256")
      .update(JSON.stringify([this.build, this.contentOf(path, file), how]))
      .digest("hex")
    return join(this.folder!, name)
  }

  /** The hash of a file; that of a large one is noted, for as long as the file is not changed. */
  private contentOf(path: string, file: DataFile): string {
    if (file.size < this.large) return hashOfPath(path, file)
    const name = createHash("sha256")
      .update(`content of ${resolve(path)} ${stampOf(path)}`)
      .digest("hex")
    const note = join(this.folder!, name)
    const noted = existsSync(note) && isOwn(note) ? readFileSync(note, "utf8") : ""
    if (/^[0-9a-f]{64}$/.test(noted)) return noted
    const hash = hashOfPath(path, file)
    writeWhole(note, (aside) => writeFileSync(aside, hash))
    return hash
  }

  private write(copy: string, parsed: Parsed): boolean {
    const { folder, mostBytes } = this
    const written = writeWhole(copy, (aside) => writeCopy(aside, parsed))
    if (written && folder !== undefined) succeeds(() => shrink(folder, mostBytes))
    return written
  }
}

/** This user's. */
export function userTables(): KeptTables {
  const build = compilerBuild()
  return new KeptTables(build === undefined ? undefined : join(cacheFolder(), "tables"), build ?? "")
}

/** A copy begins with the length of its header in eight bytes; the arrays follow the header, each at a multiple of eight. */
interface Header {
  readonly names: readonly string[]
  readonly rows: number
  readonly jumps: readonly (readonly [row: number, line: number])[]
  readonly numbers: readonly {
    readonly name: string
    readonly shape: readonly number[]
    readonly count: number
  }[]
  readonly texts: readonly {
    readonly name: string
    readonly distinct: readonly string[]
    readonly width: number
    readonly count: number
  }[]
}

const aligned = (bytes: number): number => Math.ceil(bytes / 8) * 8

function writeCopy(path: string, { names, rows, jumps, numbers, texts }: Parsed): void {
  const header: Header = {
    names,
    rows,
    jumps: jumps.map(({ row, line }) => [row, line]),
    numbers: [...numbers].map(([name, { shape, values }]) => ({ name, shape, count: values.length })),
    texts: [...texts].map(([name, { distinct, width, codes }]) => ({
      name,
      distinct,
      width,
      count: codes.length,
    })),
  }
  const text = Buffer.from(JSON.stringify(header))
  const start = Buffer.alloc(8 + aligned(text.length))
  start.writeBigUInt64LE(BigInt(text.length))
  text.copy(start, 8)
  const file = openSync(path, "wx")
  try {
    writeAll(file, start)
    for (const { values } of numbers.values()) writeAll(file, Float64Array.from(values))
    for (const { codes } of texts.values()) {
      writeAll(file, codes)
      if (codes.length % 2 === 1) writeAll(file, new Uint32Array(1))
    }
  } finally {
    closeSync(file)
  }
}

function writeAll(file: number, { buffer, byteOffset, byteLength }: ArrayBufferView): void {
  for (let done = 0; done < byteLength;)
    done += writeSync(file, new Uint8Array(buffer, byteOffset + done, Math.min(byteLength - done, 2 ** 30)))
}

/** Undefined when there is none, or it is not whole. Numbers are read when they are asked for. */
function readCopy(path: string): Parsed | undefined {
  try {
    if (!isOwn(path)) return undefined
    const file = fileOnDisk(path)
    const length = Number(new DataView(bytesOf(file, 0, 8).buffer).getBigUint64(0, true))
    const header = JSON.parse(Buffer.from(bytesOf(file, 8, length)).toString()) as Header
    let at = 8 + aligned(length)
    const numbers = new Map<string, Column>()
    for (const { name, shape, count } of header.numbers) {
      numbers.set(name, storedColumn(file, at, { name, shape, count }))
      at += 8 * count
    }
    const texts = new Map<string, Texts>()
    for (const { name, distinct, width, count } of header.texts) {
      const from = at
      texts.set(name, {
        distinct,
        width,
        get codes() {
          return new Uint32Array(bytesOf(file, from, 4 * count).buffer)
        },
      })
      at += aligned(4 * count)
    }
    if (file.size !== at) return undefined
    const now = new Date()
    utimesSync(path, now, now)
    const jumps = header.jumps.map(([row, line]): Jump => ({ row, line }))
    return { names: header.names, rows: header.rows, jumps, numbers, texts, wrong: new Map() }
  } catch {
    return undefined
  }
}

function storedColumn(file: DataFile, at: number, { name, shape, count }: Header["numbers"][number]): Column {
  const piece = (from: number, to: number): Float64Array => {
    const values = new Float64Array(to - from)
    file.read(at + 8 * from, new Uint8Array(values.buffer))
    return values
  }
  return {
    name,
    shape,
    piece,
    count,
    inFile: { file, elements: { type: "f64", bigEndian: false, count, at } },
    get values() {
      return piece(0, count)
    },
  }
}
