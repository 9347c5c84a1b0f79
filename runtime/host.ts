/** runtime: the differences between Node and a browser page, as one object handed to everything else.
 *  Implemented by node.ts and index.ts. */
import type { OpenFile } from "./data/load.js"
import type { WebgpuRequirements } from "./bundle/format.js"
import type { Device, DeviceInfo } from "./device/device.js"
import type { Offer } from "./device/requirements.js"
import type { ThreadHost } from "./device/wasm/open.js"

/** An adapter with its offer. */
export type AdapterInfo = DeviceInfo & Offer

export interface Host {
  /** A data file: an absolute path or URL, or one relative to the bundle. Throws when there is none. */
  readonly openFile: OpenFile
  /** Opens a WebGPU device. */
  readonly openDevice: (needs: WebgpuRequirements) => Promise<Device>
  /** The device that `openDevice` would open; throws `no-adapter`. */
  readonly probeDevice: () => Promise<AdapterInfo>
  /** False where a real GPU is out of the question, so that asking for one is spared. */
  readonly mayHaveGpu: () => boolean
  readonly threads: ThreadHost
  /** Milliseconds, for measuring. */
  readonly now: () => number
}
