/** runtime/exec: rows that the host reads from their files again and again. */
import type { RowGather } from "../data/gather.js"
import type { Device } from "../device/device.js"
import type { PlacedRows } from "./placed-rows.js"
import { stagedRows, type StageSize } from "./staged.js"

export function streamedRows(device: Device, id: string, from: RowGather, size: StageSize): PlacedRows {
  const fetch = async (numbers: Uint32Array): ReturnType<Parameters<typeof stagedRows>[3]["fetch"]> => {
    const { fields, done } = await from.gather(numbers)
    return (stage) => {
      for (const { name, bytes } of fields) if (bytes.byteLength > 0) device.write(stage.get(name)!, 0, bytes)
      done()
    }
  }
  return stagedRows(device, id, from, { fetch }, size)
}
