/** runtime/exec: rows of fields in device memory, read there by index.
 *  Not here: how rows came from files (data/), which of them are there (placed-rows.ts). */
import type { FieldRows } from "../data/apply.js"
import type { Device, Memory } from "../device/device.js"
import { RunError } from "../error.js"

/** The fields of some rows of a data set. */
export interface DeviceData {
  /** Tells data sets apart; programs are bound once for each. */
  readonly id: string
  readonly rows: number
  readonly fields: ReadonlyMap<string, Memory>
}

/** Rows that are in memory already. */
export function uploadData(
  device: Device,
  id: string,
  { rows, fields }: { readonly rows: number; readonly fields: readonly FieldRows[] },
): DeviceData {
  return { id, rows, fields: new Map(fields.map((field) => [field.name, upload(device, id, field)])) }
}

export function upload(device: Device, id: string, { name, bytes }: FieldRows): Memory {
  const memory = device.alloc(`${id}.${name}`, bytes.byteLength)
  if (bytes.byteLength > 0) device.write(memory, 0, bytes)
  return memory
}

export function fieldOf(data: DeviceData | null, field: string, program: string): Memory {
  const memory = data?.fields.get(field)
  if (memory) return memory
  throw new RunError(
    "unknown-name",
    `program "${program}" reads the data field "${field}", which is not loaded`,
    {
      help: data ? "the data set has no such field" : "load the data set of its train section first",
    },
  )
}
