/** runtime/device: the whole surface of a backend: memory, kernels, recording, waiting.
 *  Assumes one user at a time. Guarantees: recorded work runs in the order of `submit`, and a `write` before work that is submitted
 *  after it; any failure of the device makes the next awaited call throw a RunError.
 *  Not here: the order of dispatches (exec/), which device is chosen (node-gpu.ts, browser-gpu.ts). */
import type { KernelSpec } from "../bundle/format.js"

/** The facts about a device that `start` events and `nnc doctor` show. */
export interface DeviceInfo {
  readonly device: "webgpu" | "wasm"
  readonly adapter: string
  readonly vendor: string
  readonly architecture: string
  /** Emulated on the CPU. */
  readonly software: boolean
  /** The features offered by the device that kernels may use. */
  readonly features: readonly string[]
  /** The target of the build that it runs: `webgpu-software`. */
  readonly kernels?: string
  /** The builds that come before that one in the bundle, and why the device does not run them; absent where there are none. */
  readonly passedOver?: readonly { readonly target: string; readonly why: string }[]
  /** Why this device was taken, when it was not asked for by name. */
  readonly why?: string
}

/** A piece of device memory. */
export interface Memory {
  readonly bytes: number
  free(): void
}
/** A kernel with its buffers bound: made once, dispatched many times. */
export interface BoundKernel {
  readonly kernel: string
}
export interface BoundRange {
  readonly memory: Memory
  readonly offset: number
  readonly bytes: number
}
export interface KernelSource {
  readonly spec: KernelSpec
  readonly wgsl: string
}
export type Grid = readonly [number, number, number]

/** Collects work for one submission. */
export interface Recorder {
  /** Runs `bound` on `grid` workgroups, with the parameter block number `block`. */
  dispatch(bound: BoundKernel, grid: Grid, block: number): void
  copy(from: Memory, fromOffset: number, to: Memory, toOffset: number, bytes: number): void
  submit(): void
}

/** A recorder whose dispatches the device times by its own clock. */
export interface TimedRecorder extends Recorder {
  /** Milliseconds from the begin of the first dispatch to the end of the last one, once they are done; after `submit`. */
  elapsed(): Promise<number>
}

/** How many calls one submission holds. A call with loops takes a parameter block for each iteration. */
export const CALLS_PER_SUBMIT = 4

/** Bytes of data that a process holds itself; of more rows those that are needed are read again and again, from files that the system
 *  keeps in memory as long as there is room. */
export const MOST_IN_PROCESS = 2 ** 29

/** Bytes that rows of data may take on a device. */
export interface DataRoom {
  /** The most bytes in one buffer. */
  readonly buffer: number
  /** All together. */
  readonly all: number
}

export interface Device {
  readonly info: DeviceInfo
  readonly room: DataRoom
  /** Zero-filled. `bytes` is rounded up to a multiple of 16. */
  alloc(label: string, bytes: number): Memory
  /** Offset and length are multiples of 4. */
  write(memory: Memory, offset: number, bytes: Uint8Array): void
  /** Waits for everything submitted before. */
  read(memory: Memory, offset: number, bytes: number): Promise<ArrayBuffer>
  /** The content after everything submitted before, fetched while more is submitted; call the result to have it. */
  download(memory: Memory, offset: number, bytes: number): () => Promise<ArrayBuffer>
  /** Compiles kernels, all at once. */
  prepare(kernels: readonly KernelSource[]): Promise<void>
  /** Binds a prepared kernel: a range per binding, in order. */
  bind(kernel: string, ranges: readonly BoundRange[]): BoundKernel
  /** How many parameter blocks one submission can use. */
  readonly parameterBlocks: number
  /** Makes room for calls of so many parameter blocks; before anything is recorded. */
  reserveBlocks(perCall: number): void
  /** PARAMETER_STRIDE bytes per block, for the next submission. */
  writeParameters(blocks: Uint8Array<ArrayBuffer>): void
  record(): Recorder
  /** Absent where the device has no clock of its own. */
  readonly recordTimed?: () => TimedRecorder
  /** Marks this place in the queue; call the result to wait until everything submitted before it is done. */
  fence(): () => Promise<void>
  /** Frees everything; the process can exit. */
  close(): void
}
