/** runtime/device: a GPU object -> Device, the same in Node and in a browser page.
 *  Guarantees: asks for buffers as large as the adapter offers, as a data set's size is known only later, and for nothing else beyond what
 *  the bundle uses; the limits that WebGPU guarantees everywhere are enough for most. */
import { RunError } from "../error.js"
import type { WebgpuRequirements } from "../bundle/format.js"
import type { AdapterInfo } from "../host.js"
import type { Device } from "./device.js"
import { type Obstacle, obstacleOn } from "./requirements.js"
import { WebGpuDevice, type Waiter } from "./webgpu.js"

export async function openAdapter(
  adapter: GPUAdapter,
  needs: WebgpuRequirements,
  wait: Waiter,
): Promise<Device> {
  const info = describe(adapter)
  const obstacle = obstacleOn(info, needs)
  if (obstacle) throw notEnough(info.adapter, obstacle)
  const { limits, ...described } = info
  const requiredLimits = {
    maxBufferSize: limits.maxBufferSize,
    maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
    maxStorageBuffersPerShaderStage: needs.limits.maxStorageBuffersPerShaderStage,
  }
  const gpu = await adapter.requestDevice({
    requiredLimits,
    requiredFeatures: [...needs.features.filter(isFeature), ...CLOCK.filter((f) => adapter.features.has(f))],
  })
  return new WebGpuDevice(gpu, described, wait)
}

export function describe(adapter: GPUAdapter): AdapterInfo {
  const { vendor, architecture, device, description, isFallbackAdapter } = adapter.info
  const { maxBufferSize, maxStorageBufferBindingSize, maxStorageBuffersPerShaderStage } = adapter.limits
  const software =
    isFallbackAdapter ||
    /software|swiftshader|llvmpipe|lavapipe/i.test(`${architecture} ${device} ${description}`)
  return {
    device: "webgpu",
    adapter: description || device || `${vendor} ${architecture}`.trim() || "unnamed",
    vendor,
    architecture,
    software,
    features: USABLE.filter((name) => adapter.features.has(name)),
    limits: { maxBufferSize, maxStorageBufferBindingSize, maxStorageBuffersPerShaderStage },
  }
}

/** The features that kernels use where the adapter has them. */
const USABLE = ["shader-f16", "subgroups"] as const

/** The feature with which `nnc tune` and `nnc profile` measure, where an adapter has it. */
const CLOCK = ["timestamp-query"] as const

const isFeature = (name: string): name is GPUFeatureName => /^[a-z0-9-]+$/.test(name)

export const notEnough = (adapter: string, { why, help }: Obstacle): RunError =>
  new RunError("device-limits", `the adapter ${adapter} is not enough: ${why}`, { exit: 3, help })
