// Arrays in files, as the reference cases keep them: NumPy (.npy) and safetensors. Written apart from the runtime's own
// readers, so that both cannot be wrong together.

import { readFileSync, writeFileSync } from "node:fs"

export type DType = "float32" | "int32"
export interface NdArray {
  readonly dtype: DType
  readonly shape: readonly number[]
  readonly data: Float32Array | Int32Array
}

export const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)

export function readNpy(path: string): NdArray {
  const bytes = readFileSync(path)
  const length = bytes.readUInt16LE(8)
  const header = bytes.toString("latin1", 10, 10 + length)
  const descr = /'descr': '([^']*)'/.exec(header)?.[1]
  const sizes = /'shape': \(([^)]*)\)/.exec(header)?.[1] ?? ""
  if (!/'fortran_order': False/.test(header)) throw new Error(`${path}: not in C order`)
  const shape = sizes
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map(Number)
  const data = bytes.buffer.slice(
    bytes.byteOffset + 10 + length,
    bytes.byteOffset + 10 + length + 4 * count(shape),
  )
  if (descr === "<f4") return { dtype: "float32", shape, data: new Float32Array(data) }
  if (descr === "<i4") return { dtype: "int32", shape, data: new Int32Array(data) }
  throw new Error(`${path}: element type ${descr} is not one of the format`)
}

export function writeNpy(path: string, { dtype, shape, data }: NdArray): void {
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(", ")
  const descr = dtype === "float32" ? "<f4" : "<i4"
  const header = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${sizes}), }`
  const length = Math.ceil((header.length + 11) / 64) * 64 - 10
  const head = Buffer.alloc(10)
  head.write("\x93NUMPY\x01\x00", "latin1")
  head.writeUInt16LE(length, 8)
  const padded = `${header.padEnd(length - 1)}\n`
  const body = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  writeFileSync(path, Buffer.concat([head, Buffer.from(padded, "latin1"), body]))
}

export type Tensors = ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: Float32Array }>

export function readSafetensors(path: string): Tensors {
  const bytes = readFileSync(path)
  const length = Number(bytes.readBigUInt64LE(0))
  const header = JSON.parse(bytes.toString("utf8", 8, 8 + length)) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >
  const start = bytes.byteOffset + 8 + length
  return new Map(
    Object.entries(header)
      .filter(([name]) => name !== "__metadata__")
      .map(
        ([
          name,
          {
            dtype,
            shape,
            data_offsets: [from, to],
          },
        ]) => {
          if (dtype !== "F32") throw new Error(`${path}: ${name} is ${dtype}, not F32`)
          return [name, { shape, data: new Float32Array(bytes.buffer.slice(start + from, start + to)) }]
        },
      ),
  )
}
