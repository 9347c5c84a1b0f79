/** runtime/exec: rows that the host reads from their files again and again. */
import type { RowGather } from "../data/gather.js"
import type { Device } from "../device/device.js"
import type { RowStore } from "./staged.js"

export const streamedStore = (device: Device, from: RowGather): RowStore => ({
  async fetch(numbers) {
    const { fields, done } = await from.gather(numbers)
    return (stage) => {
      for (const { name, bytes } of fields) if (bytes.byteLength > 0) device.write(stage.get(name)!, 0, bytes)
      done()
    }
  },
})
