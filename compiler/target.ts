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
  /** For the cost model: software adapters run invocations one after another on few cores. */
  readonly deviceClass: "software" | "gpu"
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
  deviceClass: "gpu",
}

/** The same limits for an adapter emulated on the CPU: few cores, each invocation run to its end. */
export const SOFTWARE_TARGET: TargetProfile = {
  ...DEFAULT_TARGET,
  name: "webgpu-software",
  deviceClass: "software",
}
