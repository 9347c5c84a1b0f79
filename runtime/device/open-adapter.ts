/** runtime/device: a GPU object -> Device, the same in Node and in a browser page.
 *  Guarantees: asks for buffers as large as the adapter offers, as a data set's size is known only later, and for nothing else beyond what
 *  the bundle uses; the limits that WebGPU guarantees everywhere are enough for most. */
import { RunError } from "../error.js"
import type { Device, DeviceInfo, DeviceNeeds } from "./device.js"
import { mib, WebGpuDevice, type Waiter } from "./webgpu.js"

export async function openAdapter(adapter: GPUAdapter, needs: DeviceNeeds, wait: Waiter): Promise<Device> {
  const features = needs.features.filter(isFeature)
  const missing = features.filter((feature) => !adapter.features.has(feature))
  if (missing.length > 0)
    refuse(
      adapter,
      `it has no ${missing.join(", ")}, which this bundle was compiled to use`,
      missing.includes("shader-f16")
        ? "f16 and `precision mixed` need it; `--device wasm` runs them without"
        : "compile for a smaller device profile",
    )
  if (needs.largestBuffer > adapter.limits.maxBufferSize)
    refuse(
      adapter,
      `a buffer of ${mib(needs.largestBuffer)} is needed, it offers ${mib(adapter.limits.maxBufferSize)}`,
    )
  if (needs.largestBinding > adapter.limits.maxStorageBufferBindingSize) {
    const most = adapter.limits.maxStorageBufferBindingSize
    refuse(adapter, `a binding of ${mib(needs.largestBinding)} is needed, it offers ${mib(most)}`)
  }
  if (needs.storageBuffers > adapter.limits.maxStorageBuffersPerShaderStage) {
    const most = adapter.limits.maxStorageBuffersPerShaderStage
    refuse(adapter, `a kernel binds ${needs.storageBuffers} buffers, it allows ${most}`)
  }
  const requiredLimits = {
    maxBufferSize: adapter.limits.maxBufferSize,
    maxStorageBufferBindingSize: adapter.limits.maxStorageBufferBindingSize,
    maxStorageBuffersPerShaderStage: needs.storageBuffers,
  }
  const gpu = await adapter.requestDevice({ requiredLimits, requiredFeatures: features })
  return new WebGpuDevice(gpu, describe(adapter), wait)
}

export function describe(adapter: GPUAdapter): DeviceInfo {
  const { vendor, architecture, device, description, isFallbackAdapter } = adapter.info
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
  }
}

/** The features that kernels use where the adapter has them. */
const USABLE = ["shader-f16", "subgroups"] as const

const isFeature = (name: string): name is GPUFeatureName => /^[a-z0-9-]+$/.test(name)

const SMALLER = "compile for a smaller device profile, or use a smaller batch"

function refuse(adapter: GPUAdapter, why: string, help = SMALLER): never {
  throw new RunError("device-limits", `the adapter ${describe(adapter).adapter} is not enough: ${why}`, {
    exit: 3,
    help,
  })
}
