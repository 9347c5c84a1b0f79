/** runtime/data: NPY files (format 1.0 to 3.0, C order) -> Column. */
import { RunError } from "../error.js"
import { product } from "../exec/size.js"
import type { NumberArray } from "../exec/values.js"
import { emptyFile, truncated } from "./idx.js"
import type { Column } from "./table.js"

const MAGIC = "\u0093NUMPY"

/** By numpy's `descr`; little-endian. */
const TYPES: Readonly<
  Record<string, { readonly bytes: number; readonly read: (bytes: ArrayBuffer) => NumberArray }>
> = {
  "<f4": { bytes: 4, read: (bytes) => new Float32Array(bytes) },
  "<f8": { bytes: 8, read: (bytes) => new Float64Array(bytes) },
  "<i4": { bytes: 4, read: (bytes) => new Int32Array(bytes) },
  "<u4": { bytes: 4, read: (bytes) => new Uint32Array(bytes) },
  "<i8": { bytes: 8, read: (bytes) => Float64Array.from(new BigInt64Array(bytes), Number) },
  "<i2": { bytes: 2, read: (bytes) => new Int16Array(bytes) },
  "<u2": { bytes: 2, read: (bytes) => new Uint16Array(bytes) },
  "|i1": { bytes: 1, read: (bytes) => new Int8Array(bytes) },
  "|u1": { bytes: 1, read: (bytes) => new Uint8Array(bytes) },
  "|b1": { bytes: 1, read: (bytes) => new Uint8Array(bytes) },
}

export function parseNpy(place: string, name: string, file: Uint8Array): Column {
  const start = String.fromCharCode(...file.subarray(0, 6))
  if (file.length === 0) emptyFile(place)
  if (start !== MAGIC)
    throw new RunError("data-format", `${place} is not an NPY file: it does not start with \\x93NUMPY`, {
      help: start.startsWith("PK")
        ? "it is an archive, such as an .npz: save each of its arrays with numpy.save"
        : "write it with numpy.save",
    })
  if (file.length < 12) truncated(place, 12, file.length)
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  const major = file[6]!
  const headerAt = major === 1 ? 10 : 12
  const dataAt = headerAt + (major === 1 ? view.getUint16(8, true) : view.getUint32(8, true))
  if (file.length < dataAt) truncated(place, dataAt, file.length)
  const header = new TextDecoder().decode(file.subarray(headerAt, dataAt))
  const descr = /'descr':\s*'([^']+)'/.exec(header)?.[1] ?? "?"
  const type = TYPES[descr]
  if (!type)
    throw new RunError("data-format", `${place} holds elements of type ${descr}`, {
      help: `supported are ${Object.keys(TYPES).join(" ")}: convert with array.astype("float32")`,
    })
  if (/'fortran_order':\s*True/.test(header))
    throw new RunError("data-format", `${place} is in Fortran order`, {
      help: "save numpy.ascontiguousarray(array)",
    })
  const sizes = [...(/'shape':\s*\(([^)]*)\)/.exec(header)?.[1] ?? "").matchAll(/\d+/g)].map(([digits]) =>
    Number(digits),
  )
  if (sizes.length === 0) throw new RunError("data-format", `${place} holds a single number, not rows`)
  const expected = dataAt + product(sizes) * type.bytes
  if (file.length < expected) truncated(place, expected, file.length)
  return {
    name,
    shape: sizes.slice(1),
    values: type.read(new Uint8Array(file.subarray(dataAt, expected)).buffer),
  }
}
