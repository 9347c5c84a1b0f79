/** runtime/data: a field -> how its rows become bytes as device memory holds them. */
import type { FieldSpec } from "../bundle/format.js"
import { bytesOf, product } from "../exec/size.js"
import { applyField, type FieldRows } from "./apply.js"
import { packer, rowBytes } from "./stored.js"
import type { Table } from "./table.js"

export interface FieldEncoder {
  readonly name: string
  /** The bytes of one row. */
  readonly bytes: number
  /** Values beside the rows, the same for all. */
  readonly list: FieldRows | undefined
  /** Padded to whole words. They may be the table's own. */
  encode(table: Table, rows: Uint32Array): Uint8Array
}

export function encoderOf(field: FieldSpec): FieldEncoder {
  const { name, stored } = field
  const bytes = bytesOfRow(field)
  if (!stored) return { name, bytes, list: undefined, encode: (...of) => applyField(field, ...of).bytes }
  const { list, pack } = packer({ ...field, stored })
  return { name, bytes, list, encode: pack }
}

/** On the device. */
export const bytesOfRow = ({ shape, dtype, stored }: FieldSpec): number =>
  stored ? rowBytes(product(shape), stored.type) : product(shape) * bytesOf(dtype)
