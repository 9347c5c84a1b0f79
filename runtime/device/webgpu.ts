/** runtime/device: a Device over any GPUDevice, in Node and in a browser page.
 *  Assumes:    kernels use @group(0) @binding(0) for parameters and @group(1) for storage; entry point `main`.
 *  Guarantees: uncaptured errors and device loss end the run; nothing is created per dispatch.
 *  Not here:   finding the adapter and how to wait (node-gpu.ts, browser-gpu.ts). */
import { PARAMETER_STRIDE } from "../bundle/format.js"
import { reasonOf, RunError } from "../error.js"
import { CALLS_PER_SUBMIT, MOST_IN_PROCESS } from "./device.js"
import type {
  BoundRange,
  BoundKernel,
  DataRoom,
  Device,
  DeviceInfo,
  Grid,
  KernelSource,
  Memory,
  Recorder,
  TimedRecorder,
} from "./device.js"

/** Waits for a promise of the GPU without keeping the processor busy. */
export type Waiter = <T>(promise: Promise<T>) => Promise<T>

/** The values of GPUBufferUsage, GPUMapMode and GPUShaderStage, which Node has no globals for. */
const USAGE = {
  mapRead: 0x1,
  copySrc: 0x4,
  copyDst: 0x8,
  uniform: 0x40,
  storage: 0x80,
  queryResolve: 0x200,
} as const
const MAP_READ = 0x1
const COMPUTE_STAGE = 0x4

const PARAMETER_BLOCKS = 1024
/** The bytes that kernels may read from a block on, for the parameters of many calls: the largest uniform binding that WebGPU guarantees. */
const PARAMETER_WINDOW = 65536
/** A read-back goes through a staging buffer; larger ones go in pieces. */
const LARGEST_STAGING = 64 * 1024 * 1024

class GpuMemory implements Memory {
  constructor(
    readonly buffer: GPUBuffer,
    readonly bytes: number,
    private readonly owner: Set<GpuMemory>,
  ) {
    owner.add(this)
  }
  free(): void {
    this.owner.delete(this)
    this.buffer.destroy()
  }
}

class BoundGpuKernel implements BoundKernel {
  constructor(
    readonly kernel: string,
    readonly pipeline: GPUComputePipeline,
    readonly group: GPUBindGroup,
  ) {}
}

/** Where reads land before they are mapped. */
interface Staging {
  readonly buffer: GPUBuffer
  readonly bytes: number
}

interface Prepared {
  readonly pipeline: GPUComputePipeline
  readonly layout: GPUBindGroupLayout
}

export class WebGpuDevice implements Device {
  private readonly kernels = new Map<string, Prepared>()
  private readonly memories = new Set<GpuMemory>()
  private parameters: GPUBuffer
  private readonly parameterLayout: GPUBindGroupLayout
  private parameterGroup: GPUBindGroup
  private readonly idleStaging: Staging[] = []
  private failure: RunError | undefined
  private closed = false

  constructor(
    private readonly gpu: GPUDevice,
    readonly info: DeviceInfo,
    private readonly wait: Waiter,
  ) {
    gpu.addEventListener("uncapturederror", (event) => {
      this.failure ??= new RunError("device-error", `the device reported: ${event.error.message}`, {
        exit: 3,
      })
    })
    void gpu.lost.then(({ reason, message }) => {
      if (this.closed) return
      this.failure ??= new RunError(
        "device-lost",
        `the device was lost (${reason || "unknown"}): ${message}`,
        {
          exit: 3,
          help: "`--resume` continues from the last checkpoint",
        },
      )
    })
    this.parameterLayout = gpu.createBindGroupLayout({
      label: "parameters",
      entries: [
        {
          binding: 0,
          visibility: COMPUTE_STAGE,
          buffer: { type: "uniform", hasDynamicOffset: true, minBindingSize: PARAMETER_WINDOW },
        },
      ],
    })
    this.parameters = this.makeParameters(PARAMETER_BLOCKS)
    this.parameterGroup = this.groupOfParameters()
  }

  /** WebGPU does not say how much memory there is: two buffers of the largest size are taken to fit. The memory of a software adapter is the
   *  process's own. */
  get room(): DataRoom {
    const { maxBufferSize, maxStorageBufferBindingSize } = this.gpu.limits
    const all = this.info.software ? Math.min(2 * maxBufferSize, MOST_IN_PROCESS) : 2 * maxBufferSize
    return { buffer: Math.min(maxBufferSize, maxStorageBufferBindingSize), all }
  }

  get parameterBlocks(): number {
    return (this.parameters.size - PARAMETER_WINDOW) / PARAMETER_STRIDE
  }
  reserveBlocks(perCall: number): void {
    if (perCall * CALLS_PER_SUBMIT <= this.parameterBlocks) return
    this.parameters.destroy()
    this.parameters = this.makeParameters(perCall * CALLS_PER_SUBMIT)
    this.parameterGroup = this.groupOfParameters()
  }

  alloc(label: string, bytes: number): Memory {
    const size = Math.max(16, Math.ceil(bytes / 16) * 16)
    const { maxBufferSize } = this.gpu.limits
    if (size > maxBufferSize)
      throw new RunError(
        "device-limits",
        `${label} needs ${mib(size)}, the device's buffers hold ${mib(maxBufferSize)}`,
        {
          exit: 3,
        },
      )
    const usage = USAGE.storage | USAGE.copySrc | USAGE.copyDst
    return new GpuMemory(this.gpu.createBuffer({ label, size, usage }), size, this.memories)
  }

  write(memory: Memory, offset: number, bytes: Uint8Array<ArrayBuffer>): void {
    this.gpu.queue.writeBuffer(own(memory).buffer, offset, bytes)
  }

  async read(memory: Memory, offset: number, bytes: number): Promise<ArrayBuffer> {
    if (bytes <= LARGEST_STAGING) return this.download(memory, offset, bytes)()
    const out = new Uint8Array(bytes)
    for (let at = 0; at < bytes; at += LARGEST_STAGING) {
      const size = Math.min(LARGEST_STAGING, bytes - at)
      out.set(new Uint8Array(await this.download(memory, offset + at, size)()), at)
    }
    return out.buffer
  }

  download(memory: Memory, offset: number, bytes: number): () => Promise<ArrayBuffer> {
    // Copies move multiples of 4 bytes from multiples of 4.
    const size = Math.ceil(bytes / 4) * 4
    const staging = this.takeStaging(size)
    const encoder = this.gpu.createCommandEncoder()
    encoder.copyBufferToBuffer(own(memory).buffer, offset, staging.buffer, 0, size)
    this.gpu.queue.submit([encoder.finish()])
    const mapped = staging.buffer.mapAsync(MAP_READ, 0, size)
    // A download nobody waits for may fail with the device.
    mapped.catch(() => {})
    return async () => {
      await this.wait(mapped).catch((caught) => this.failMapping(caught))
      const copy = staging.buffer.getMappedRange(0, size).slice(0, bytes)
      staging.buffer.unmap()
      this.idleStaging.push(staging)
      this.check()
      return copy
    }
  }

  async prepare(kernels: readonly KernelSource[]): Promise<void> {
    const fresh = kernels.filter(({ spec }) => !this.kernels.has(spec.name))
    const layouts = new Map<string, GPUBindGroupLayout>()
    await this.wait(Promise.all(fresh.map((kernel) => this.prepareOne(kernel, layouts))))
    this.check()
  }

  bind(kernel: string, ranges: readonly BoundRange[]): BoundKernel {
    const prepared = this.kernels.get(kernel)
    if (!prepared) throw new Error(`kernel ${kernel} is bound before it is prepared`)
    const group = this.gpu.createBindGroup({
      label: kernel,
      layout: prepared.layout,
      entries: ranges.map(({ memory, offset, bytes }, binding) => ({
        binding,
        resource: { buffer: own(memory).buffer, offset, size: bytes },
      })),
    })
    return new BoundGpuKernel(kernel, prepared.pipeline, group)
  }

  writeParameters(blocks: Uint8Array<ArrayBuffer>): void {
    this.gpu.queue.writeBuffer(this.parameters, 0, blocks)
  }

  record(): Recorder {
    return new GpuRecorder(this.gpu, this.parameterGroup)
  }

  get recordTimed(): Device["recordTimed"] {
    if (!this.gpu.features.has("timestamp-query")) return undefined
    return () => new TimedGpuRecorder(this.gpu, this.parameterGroup, (buffer) => this.mapped(buffer))
  }

  fence(): () => Promise<void> {
    const reached = this.gpu.queue.onSubmittedWorkDone()
    // A fence nobody waits for may fail with the device; `check` has the reason.
    reached.catch(() => {})
    return async () => {
      await this.wait(reached).catch(() => {})
      this.check()
    }
  }

  close(): void {
    if (this.closed) return
    this.closed = true
    for (const memory of this.memories) memory.free()
    for (const { buffer } of this.idleStaging) buffer.destroy()
    this.parameters.destroy()
    this.gpu.destroy()
  }

  private makeParameters(blocks: number): GPUBuffer {
    const size = blocks * PARAMETER_STRIDE + PARAMETER_WINDOW
    return this.gpu.createBuffer({ label: "parameters", size, usage: USAGE.uniform | USAGE.copyDst })
  }
  private groupOfParameters(): GPUBindGroup {
    return this.gpu.createBindGroup({
      label: "parameters",
      layout: this.parameterLayout,
      entries: [{ binding: 0, resource: { buffer: this.parameters, size: PARAMETER_WINDOW } }],
    })
  }

  /** The content of a buffer that is for reading back, which is freed. */
  private async mapped(buffer: GPUBuffer): Promise<ArrayBuffer> {
    await this.wait(buffer.mapAsync(MAP_READ)).catch((caught) => this.failMapping(caught))
    const copy = buffer.getMappedRange().slice(0)
    buffer.destroy()
    this.check()
    return copy
  }

  private check(): void {
    if (this.failure) throw this.failure
  }

  private async failMapping(caught: unknown): Promise<never> {
    // Loss rejects the mapping first and names its reason in the next turn.
    await new Promise((resolve) => setTimeout(resolve, 0))
    throw this.failure ?? new RunError("device-lost", `reading back failed: ${reasonOf(caught)}`, { exit: 3 })
  }

  /** An idle buffer that is large enough, or a new one in place of the idle ones that are not. */
  private takeStaging(bytes: number): Staging {
    const fitting = this.idleStaging.findIndex((each) => each.bytes >= bytes)
    if (fitting >= 0) return this.idleStaging.splice(fitting, 1)[0]!
    for (const small of this.idleStaging.splice(0)) small.buffer.destroy()
    const size = Math.max(4096, bytes)
    const buffer = this.gpu.createBuffer({ label: "staging", size, usage: USAGE.mapRead | USAGE.copyDst })
    return { buffer, bytes: size }
  }

  private async prepareOne(
    { spec, wgsl }: KernelSource,
    layouts: Map<string, GPUBindGroupLayout>,
  ): Promise<void> {
    const key = spec.bindings.map(({ access }) => access).join()
    const layout = layouts.get(key) ?? this.storageLayout(spec.bindings.map(({ access }) => access))
    layouts.set(key, layout)
    this.gpu.pushErrorScope("validation")
    const module = this.gpu.createShaderModule({ label: spec.name, code: wgsl })
    const scope = this.gpu.popErrorScope()
    try {
      const pipeline = await this.gpu.createComputePipelineAsync({
        label: spec.name,
        layout: this.gpu.createPipelineLayout({ bindGroupLayouts: [this.parameterLayout, layout] }),
        compute: { module, entryPoint: "main" },
      })
      this.kernels.set(spec.name, { pipeline, layout })
      await scope
    } catch (caught) {
      const reason = (await scope)?.message ?? reasonOf(caught)
      const places = spec.origins.length > 0 ? ` (${spec.origins.join(", ")})` : ""
      throw new RunError("kernel-refused", `the device refuses kernel ${spec.name}${places}: ${reason}`, {
        exit: 3,
      })
    }
  }

  private storageLayout(accesses: readonly ("read" | "read_write")[]): GPUBindGroupLayout {
    return this.gpu.createBindGroupLayout({
      entries: accesses.map((access, binding) => ({
        binding,
        visibility: COMPUTE_STAGE,
        buffer: { type: access === "read" ? "read-only-storage" : "storage" },
      })),
    })
  }
}

class GpuRecorder implements Recorder {
  protected readonly encoder: GPUCommandEncoder
  private pass: GPUComputePassEncoder | undefined
  /** The pipeline of the open pass, since setting it again would cost a call into the driver. */
  private pipeline: GPUComputePipeline | undefined
  private block = -1
  private readonly offset = new Uint32Array(1)

  constructor(
    protected readonly gpu: GPUDevice,
    private readonly parameters: GPUBindGroup,
  ) {
    this.encoder = gpu.createCommandEncoder()
  }

  dispatch(bound: BoundKernel, [x, y, z]: Grid, block: number): void {
    if (!(bound instanceof BoundGpuKernel))
      throw new Error(`the bound kernel ${bound.kernel} belongs to another device`)
    this.pass ??= this.beginPass()
    if (this.pipeline !== bound.pipeline) {
      this.pipeline = bound.pipeline
      this.pass.setPipeline(bound.pipeline)
    }
    if (this.block !== block) {
      this.block = block
      this.offset[0] = block * PARAMETER_STRIDE
      this.pass.setBindGroup(0, this.parameters, this.offset, 0, 1)
    }
    this.pass.setBindGroup(1, bound.group)
    this.pass.dispatchWorkgroups(x, y, z)
  }

  copy(from: Memory, fromOffset: number, to: Memory, toOffset: number, bytes: number): void {
    this.endPass()
    this.encoder.copyBufferToBuffer(own(from).buffer, fromOffset, own(to).buffer, toOffset, bytes)
  }

  submit(): void {
    this.endPass()
    this.beforeSubmit()
    this.gpu.queue.submit([this.encoder.finish()])
  }

  protected beginPass(): GPUComputePassEncoder {
    return this.encoder.beginComputePass()
  }
  protected beforeSubmit(): void {}

  private endPass(): void {
    this.pass?.end()
    this.pass = undefined
    this.pipeline = undefined
    this.block = -1
  }
}

/** Two queries: the begin of the first pass, and the end of each pass, which overwrites that of the one before. */
class TimedGpuRecorder extends GpuRecorder implements TimedRecorder {
  private readonly queries: GPUQuerySet
  private readonly resolved: GPUBuffer
  private readonly staging: GPUBuffer
  private hasBegun = false

  constructor(
    gpu: GPUDevice,
    parameters: GPUBindGroup,
    private readonly read: (buffer: GPUBuffer) => Promise<ArrayBuffer>,
  ) {
    super(gpu, parameters)
    this.queries = gpu.createQuerySet({ type: "timestamp", count: 2 })
    const size = 2 * BigUint64Array.BYTES_PER_ELEMENT
    this.resolved = gpu.createBuffer({ size, usage: USAGE.queryResolve | USAGE.copySrc })
    this.staging = gpu.createBuffer({ size, usage: USAGE.mapRead | USAGE.copyDst })
  }

  async elapsed(): Promise<number> {
    const [began, ended] = new BigUint64Array(await this.read(this.staging))
    this.queries.destroy()
    this.resolved.destroy()
    return Number(ended! - began!) / 1e6
  }

  protected override beginPass(): GPUComputePassEncoder {
    const begin = this.hasBegun ? {} : { beginningOfPassWriteIndex: 0 }
    this.hasBegun = true
    const timestampWrites = { querySet: this.queries, ...begin, endOfPassWriteIndex: 1 }
    return this.encoder.beginComputePass({ timestampWrites })
  }
  protected override beforeSubmit(): void {
    this.encoder.resolveQuerySet(this.queries, 0, 2, this.resolved, 0)
    this.encoder.copyBufferToBuffer(this.resolved, 0, this.staging, 0, this.staging.size)
  }
}

function own(memory: Memory): GpuMemory {
  if (!(memory instanceof GpuMemory)) throw new Error("the memory belongs to another device")
  return memory
}

export const mib = (bytes: number): string => `${Math.ceil((bytes / 1024 / 1024) * 10) / 10} MiB`
