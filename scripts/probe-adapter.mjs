// Asks npm `webgpu` once for an adapter and prints its information as one line of JSON (null: none).
// A process of its own, because a broken driver can end the process that loads it.

import { create } from "webgpu"

const gpu = create([])
const adapter = await gpu.requestAdapter()
const info = adapter?.info
console.log(
  JSON.stringify(
    info
      ? {
          vendor: info.vendor,
          architecture: info.architecture,
          device: info.device,
          description: info.description,
        }
      : null,
  ),
)
