/** cli/predictions: where predictions go: stdout, or a file of the kind that its name ends in. */
import { extname } from "node:path"
import { print } from "../console.js"
import { EXIT, Failure } from "../failure.js"
import { OutFile } from "../out-file.js"
import type { Chunk } from "./columns.js"
import { NpyWriter } from "./npy.js"
import { ParquetFile } from "./parquet.js"
import { csvLines, jsonLines, type TextForm } from "./text.js"

export interface PredictionOut {
  add(chunk: Chunk): void
  /** All of them were added. */
  end(): void
  /** They will not be: nothing is left. */
  discard(): void
}

const FILES: Readonly<Record<string, (file: OutFile) => Pick<PredictionOut, "add" | "end">>> = {
  ".csv": (file) => linesTo(file, csvLines),
  ".jsonl": (file) => linesTo(file, jsonLines),
  ".npy": (file) => new NpyWriter(file),
  ".parquet": (file) => new ParquetFile(file),
}
const ENDINGS = Object.keys(FILES).join(", ")

export function toFile(path: string): PredictionOut {
  const kind = FILES[extname(path).toLowerCase()]
  if (!kind)
    throw new Failure(
      "usage",
      `predictions are written as ${ENDINGS}, and ${path} is none of them`,
      undefined,
      EXIT.usage,
    )
  const file = new OutFile(path)
  const writer = kind(file)
  return {
    add: (chunk) => writer.add(chunk),
    end() {
      writer.end()
      file.finish()
    },
    discard: () => file.discard(),
  }
}

export function toStdout(json: boolean): PredictionOut {
  const lines = (json ? jsonLines : csvLines)()
  return {
    add(chunk) {
      for (const line of lines(chunk)) print(line)
    },
    end() {},
    discard() {},
  }
}

function linesTo(file: OutFile, form: TextForm): Pick<PredictionOut, "add" | "end"> {
  const lines = form()
  return {
    add(chunk) {
      for (const piece of joined(lines(chunk))) file.append(Buffer.from(piece))
    },
    end() {},
  }
}

/** Lines, many at a time. */
function* joined(lines: Iterable<string>): Iterable<string> {
  let piece: string[] = []
  for (const line of lines) {
    piece.push(line, "\n")
    if (piece.length < PIECE) continue
    yield piece.join("")
    piece = []
  }
  yield piece.join("")
}

const PIECE = 2048
