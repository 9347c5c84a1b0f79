/** runtime/device: opens the GPU in Node, through npm `webgpu` (Dawn).
 *  Guarantees: takes an adapter that Dawn finds by itself first, then a software driver that lies elsewhere (discover.ts); never silent:
 *  the device's info names the adapter. */
import { reasonOf, RunError } from "../error.js"
import type { WebgpuRequirements } from "../bundle/format.js"
import type { AdapterInfo } from "../host.js"
import type { Device } from "./device.js"
import { softwareDriverFiles } from "./discover.js"
import { describe, openAdapter } from "./open-adapter.js"
import { quietWait } from "./quiet-wait.js"

export async function openNodeDevice(needs: WebgpuRequirements): Promise<Device> {
  return openAdapter(await findAdapter(), needs, quietWait)
}

/** The device that `openNodeDevice` would open. */
export async function probeNodeDevice(): Promise<AdapterInfo> {
  return describe(await findAdapter())
}

/** Kept once it has given an adapter: Dawn's devices end with the object that `create` returned, and each new one asks all
 *  drivers again, which print their warnings again. */
let working: GPU | undefined

async function findAdapter(): Promise<GPUAdapter> {
  const create = await loadWebgpu()
  const found = await request(working ?? create([]))
  if (found) return found
  const driver = softwareDriverFiles()
  if (driver !== undefined) {
    process.env["VK_DRIVER_FILES"] = driver
    const software = await request(create([]))
    if (software) return software
  }
  throw new RunError("no-adapter", "no WebGPU adapter was found on this machine", {
    exit: 3,
    help:
      "`nnc doctor` says what is missing. Without a GPU, a software driver is enough: on Debian or Ubuntu " +
      "`apt-get install mesa-vulkan-drivers libvulkan1` (Mesa 25 or later), or any Chromium with libvulkan1",
  })
}

async function request(gpu: GPU): Promise<GPUAdapter | undefined> {
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" })
  if (adapter) working = gpu
  return adapter ?? undefined
}

async function loadWebgpu(): Promise<(options: string[]) => GPU> {
  try {
    return (await import("webgpu")).create
  } catch (caught) {
    throw new RunError("no-adapter", `npm package "webgpu" cannot be loaded: ${reasonOf(caught)}`, {
      exit: 3,
      help: "`npm install webgpu` next to the bundle",
      cause: caught,
    })
  }
}
