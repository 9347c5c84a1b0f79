/** compiler: what the device a program is compiled for guarantees. Stages ask it; none names a device. */

export interface TargetProfile {
  readonly name: string
  /** Storage buffers one kernel may bind. */
  readonly maxStorageBuffersPerStage: number
  readonly maxBindingBytes: number
  readonly maxBufferBytes: number
  readonly maxWorkgroupsPerDimension: number
  /** Invocations of one workgroup. */
  readonly maxInvocations: number
  /** Bytes of workgroup memory. */
  readonly maxWorkgroupMemory: number
  /** Bytes that the offset of a binding is a multiple of. */
  readonly minStorageOffsetAlignment: number
  /** Four elements may be loaded from and stored to any place, and a buffer be accessed by one and by four. */
  readonly anyVectors: boolean
  /** Invocations of a workgroup run in subgroups that can combine values without memory. */
  readonly subgroups: boolean
  /** For the cost model: software adapters run invocations one after another on few cores. */
  readonly deviceClass: "software" | "gpu" | "wasm"
  /** Invocations of the one workgroup that is to run all of a program; absent when kernels have the whole device. */
  readonly oneWorkgroup?: number
}

const MiB = 1024 * 1024

/** What WebGPU guarantees everywhere. */
export const DEFAULT_TARGET: TargetProfile = {
  name: "webgpu-default",
  maxStorageBuffersPerStage: 8,
  maxBindingBytes: 128 * MiB,
  maxBufferBytes: 256 * MiB,
  maxWorkgroupsPerDimension: 65535,
  maxInvocations: 256,
  maxWorkgroupMemory: 16384,
  minStorageOffsetAlignment: 256,
  anyVectors: false,
  subgroups: false,
  deviceClass: "gpu",
}

/** The same with the feature `subgroups`. */
export const SUBGROUP_TARGET: TargetProfile = { ...DEFAULT_TARGET, name: "webgpu-subgroups", subgroups: true }

/** One linear memory of 32-bit addresses, loops instead of workgroups. */
export const WASM_TARGET: TargetProfile = {
  name: "wasm",
  maxStorageBuffersPerStage: 32,
  // Of the memory as a whole there is a limit, which codegen/wasm checks.
  maxBindingBytes: 2 ** 50,
  maxBufferBytes: 2 ** 50,
  maxWorkgroupsPerDimension: 2 ** 30,
  maxInvocations: 256,
  maxWorkgroupMemory: 1024 * 1024,
  minStorageOffsetAlignment: 64,
  anyVectors: true,
  subgroups: false,
  deviceClass: "wasm",
}

/** The same limits for an adapter emulated on the CPU: few cores, each invocation run to its end. */
export const SOFTWARE_TARGET: TargetProfile = {
  ...DEFAULT_TARGET,
  name: "webgpu-software",
  deviceClass: "software",
}

/** The kinds of WebGPU adapters that code is made for, besides the default: a GPU of which nothing else is known. */
export const WEBGPU_VARIANTS: readonly TargetProfile[] = [SUBGROUP_TARGET, SOFTWARE_TARGET]
