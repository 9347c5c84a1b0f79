/** bench: the data of the workloads, synthetic and the same every time, as .npy files.
 *  The generator and its order of draws are those of the peers, so that all see numbers of the same kind. */
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"

export const WORKLOADS = ["W1", "W2", "W3", "W4", "W5", "W6", "W7", "W8", "W9"] as const
export type Workload = (typeof WORKLOADS)[number]

/** Writes the columns of every workload into `folder`, which the programs read as `data/`. */
export function writeData(folder: string): void {
  mkdirSync(folder, { recursive: true })
  for (const workload of WORKLOADS)
    for (const [name, column] of Object.entries(columnsOf(workload)))
      writeFileSync(join(folder, `${workload.toLowerCase()}-${name}.npy`), npy(column))
}

interface Column {
  readonly shape: readonly number[]
  readonly values: Float32Array | Int32Array
}

function columnsOf(workload: Workload): Readonly<Record<string, Column>> {
  const draw = new Draw()
  switch (workload) {
    case "W1":
      return {
        x: { shape: [6, 2], values: Float32Array.of(0, 0, 0, 1, 1, 0, 1, 1, 0.9, 0.8, 0.1, 0.2) },
        y: { shape: [6, 1], values: Float32Array.of(0, 0, 0, 1, 1, 0) },
      }
    case "W2":
      return halfSpace(draw, 512, 30)
    case "W3":
      return argmaxClasses(draw, 1024, 784, 10)
    case "W4":
      return argmaxClasses(draw, 2048, 784, 10)
    case "W5":
      return argmaxClasses(draw, 512, 784, 10)
    case "W6":
      return windows(draw, 16, 64, 64)
    case "W7":
      return argmaxClasses(draw, 128, 3072, 10)
    case "W8":
      return windows(draw, 8, 256, 65)
    case "W9":
      return argmaxClasses(draw, 128, 6400, 10)
  }
}

/** Which side of a random plane. */
function halfSpace(draw: Draw, rows: number, width: number): Record<string, Column> {
  const w = draw.normals(width)
  const x = draw.normals(rows * width)
  const y = Float32Array.from({ length: rows }, (_, i) => {
    const side = w.reduce((sum, weight, j) => sum + weight * x[i * width + j]!, 0)
    return side > 0 ? 1 : 0
  })
  return { x: { shape: [rows, width], values: x }, y: { shape: [rows, 1], values: y } }
}

/** The largest of several random linear functions. */
function argmaxClasses(draw: Draw, rows: number, width: number, classes: number): Record<string, Column> {
  const w = draw.normals(width * classes)
  const x = draw.normals(rows * width)
  const y = Int32Array.from({ length: rows }, (_, i) => {
    const scores = Array.from({ length: classes }, (_, c) => {
      let score = 0
      for (let j = 0; j < width; j++) score += x[i * width + j]! * w[j * classes + c]!
      return score
    })
    return scores.indexOf(Math.max(...scores))
  })
  return { x: { shape: [rows, width], values: x }, y: { shape: [rows], values: y } }
}

/** Characters with a pattern and noise; the target is the next one. */
function windows(draw: Draw, rows: number, length: number, kinds: number): Record<string, Column> {
  const text = Int32Array.from(
    { length: rows * (length + 1) },
    (_, i) => (((i * 7) % 61) + Math.floor(draw.uniform() * 3)) % kinds,
  )
  const from = (shift: number): Int32Array =>
    Int32Array.from({ length: rows * length }, (_, i) => {
      return text[Math.floor(i / length) * (length + 1) + (i % length) + shift]!
    })
  return {
    ids: { shape: [rows, length], values: from(0) },
    next: { shape: [rows, length], values: from(1) },
  }
}

/** A linear congruential generator. */
class Draw {
  private seed = 12345
  uniform(): number {
    this.seed = (Math.imul(this.seed, 1664525) + 1013904223) >>> 0
    return this.seed / 4294967296
  }
  normals(count: number): Float32Array {
    return Float32Array.from({ length: count }, () => {
      return Math.sqrt(-2 * Math.log(this.uniform() + 1e-12)) * Math.cos(2 * Math.PI * this.uniform())
    })
  }
}

/** Format 1.0: magic, length of the header, header, values. */
function npy({ shape, values }: Column): Uint8Array {
  const descr = values instanceof Float32Array ? "<f4" : "<i4"
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(", ")
  const fields = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${sizes}), }`
  const header = fields.padEnd(Math.ceil((fields.length + 11) / 64) * 64 - 11) + "\n"
  const head = new Uint8Array(10 + header.length)
  head.set([0x93, ...new TextEncoder().encode("NUMPY"), 1, 0, header.length & 255, header.length >> 8])
  head.set(new TextEncoder().encode(header), 10)
  return Buffer.concat([head, new Uint8Array(values.buffer)])
}
