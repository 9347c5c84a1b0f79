/** runtime/device: opens the GPU of a browser page. */
import { RunError } from "../error.js"
import type { WebgpuRequirements } from "../bundle/format.js"
import type { AdapterInfo } from "../host.js"
import type { Device } from "./device.js"
import { describe, openAdapter } from "./open-adapter.js"

export async function openBrowserDevice(needs: WebgpuRequirements): Promise<Device> {
  return openAdapter(await findAdapter(), needs, (promise) => promise)
}

/** The device that `openBrowserDevice` would open. */
export async function probeBrowserDevice(): Promise<AdapterInfo> {
  return describe(await findAdapter())
}

async function findAdapter(): Promise<GPUAdapter> {
  const gpu: GPU | undefined = globalThis.navigator?.gpu
  const adapter = await gpu?.requestAdapter({ powerPreference: "high-performance" })
  if (adapter) return adapter
  throw new RunError("no-adapter", "this page has no WebGPU adapter", {
    exit: 3,
    help: gpu
      ? "the browser found no usable GPU"
      : "WebGPU needs a current browser and a page served over https or localhost",
  })
}
