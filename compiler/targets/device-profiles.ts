/** targets: the published limits of real devices, for `nnc check --target`: whether a program fits a device that is not at hand.
 *  Kernels are those of the default target; only the limits differ.
 *  Not here:   the speed of these devices, and how much memory other programs leave there. */
import type { WebgpuLimits } from "../../runtime/bundle/format.js"
import type { TargetProfile } from "./target.js"
import { DEFAULT_TARGET } from "./webgpu-gpu.js"

export interface DeviceProfile {
  readonly name: string
  /** The devices that it stands for. */
  readonly devices: string
  readonly limits: WebgpuLimits
  /** Where the figures are published. */
  readonly source: string
}

const MiB = 2 ** 20
const GiB = 2 ** 30

/** https://www.w3.org/TR/webgpu/#limits */
const MINIMUM: WebgpuLimits = {
  maxBufferSize: 256 * MiB,
  maxStorageBufferBindingSize: 128 * MiB,
  maxStorageBuffersPerShaderStage: 8,
}

/** The steps to which Dawn, and so Chrome, rounds limits down (dawn/src/dawn/native/Limits.cpp). A binding is no larger than a buffer. */
const BUFFER_STEPS = [256 * MiB, GiB, 2 * GiB, 4 * GiB]
const BINDING_STEPS = [128 * MiB, GiB, 2 * GiB - 4, 4 * GiB - 4]
const roundedDown = (bytes: number, steps: readonly number[]): number =>
  steps.findLast((step) => step <= bytes) ?? 0

/** The limits in Chrome of a device with these limits in Vulkan. */
function inChrome(vulkan: {
  readonly maxStorageBufferRange: number
  /** The smaller one of it and `maxMemoryAllocationSize`. */
  readonly maxBufferSize: number
}): WebgpuLimits {
  const maxBufferSize = roundedDown(vulkan.maxBufferSize, BUFFER_STEPS)
  const binding = roundedDown(vulkan.maxStorageBufferRange, BINDING_STEPS)
  return {
    ...MINIMUM,
    maxBufferSize,
    maxStorageBufferBindingSize: Math.min(binding, maxBufferSize),
  }
}

const VULKAN_PROFILES = "github.com/KhronosGroup/Vulkan-Profiles at 9a121df3"

export const DEVICE_PROFILES: readonly DeviceProfile[] = [
  {
    name: "webgpu-minimum",
    devices: "every device with WebGPU",
    limits: MINIMUM,
    source: "the default limits of the WebGPU specification, https://www.w3.org/TR/webgpu/#limits",
  },
  {
    name: "phone-android",
    devices: "phones with Adreno, Mali and other GPUs, in Chrome",
    // The profile says nothing of buffers.
    limits: inChrome({ maxStorageBufferRange: 128 * MiB, maxBufferSize: 256 * MiB }),
    source: `${VULKAN_PROFILES}, Android/VP_ANDROID_vulkan_profile_2022.json: maxStorageBufferRange`,
  },
  {
    name: "phone-apple",
    devices: "iPhones since the A13 (GPU family Apple 6), in Safari",
    // It offers a tenth of `maxBufferLength`, but no less than this.
    limits: {
      maxBufferSize: 256 * MiB,
      maxStorageBufferBindingSize: 256 * MiB,
      maxStorageBuffersPerShaderStage: 44,
    },
    source:
      "github.com/WebKit/WebKit at 02cba9a8, Source/WebGPU/WebGPU/HardwareCapabilities.mm: maxBufferSize, apple6",
  },
  {
    name: "gpu-integrated",
    devices: "integrated GPUs of Intel (UHD 750 under Windows, HD 620 under Linux), in Chrome",
    // The least of the two is the UHD 750.
    limits: inChrome({ maxStorageBufferRange: 1_073_741_820, maxBufferSize: 4_294_901_760 }),
    source: `${VULKAN_PROFILES}, LunarG/VP_LUNARG_desktop_baseline_2026/vp_gpuinfo_intel_r__uhd_graphics_750_*`,
  },
  {
    name: "gpu-apple",
    devices: "Macs since the M1, in Safari",
    limits: { maxBufferSize: GiB, maxStorageBufferBindingSize: GiB, maxStorageBuffersPerShaderStage: 44 },
    source:
      "github.com/WebKit/WebKit at 02cba9a8, Source/WebGPU/WebGPU/HardwareCapabilities.mm: maxBufferSize, apple7",
  },
  {
    name: "gpu-discrete",
    devices: "discrete GPUs (Radeon RX 5700, GeForce GTX 1650 and later ones), in Chrome",
    // The least of the two is the Radeon.
    limits: inChrome({ maxStorageBufferRange: 4_294_967_295, maxBufferSize: 2 * GiB }),
    source: `${VULKAN_PROFILES}, LunarG/VP_LUNARG_desktop_baseline_2026/vp_gpuinfo_amd_radeon_rx_5700_*`,
  },
]

/** The target with the limits of an adapter, which offers no less than the minimum. */
export const withLimits = (target: TargetProfile, limits: WebgpuLimits): TargetProfile => ({
  ...target,
  maxBindingBytes: limits.maxStorageBufferBindingSize,
  maxBufferBytes: limits.maxBufferSize,
})

/** The target that a profile stands for. */
export const targetOfProfile = ({ name, limits }: DeviceProfile): TargetProfile => ({
  ...withLimits(DEFAULT_TARGET, limits),
  name,
})
