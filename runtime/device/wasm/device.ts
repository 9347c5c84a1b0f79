/** runtime/device/wasm: a Device over the bundle's WebAssembly module: one linear memory, commands run when submitted.
 *  Assumes:    the module was compiled from the same plan as the kernels that are asked for.
 *  Guarantees: the bits do not depend on the number of threads. A failure makes every later awaited call throw.
 *  Not here:   where the module and the threads come from (open.ts). */
import { PARAMETER_STRIDE } from "../../bundle/format.js"
import { COMMAND, COMMAND_WORDS, HEAP_START } from "../../bundle/wasm.js"
import { reasonOf, RunError } from "../../error.js"
import { CALLS_PER_SUBMIT, MOST_IN_PROCESS } from "../device.js"
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
} from "../device.js"
import { Allocator } from "./allocator.js"
import { type Loaded, PAGE, type WasmSource } from "./module.js"
import type { ThreadPool } from "./thread-pool.js"

const PARAMETER_BLOCKS = 4096
/** Commands handed to the module at once. */
const COMMANDS = 8192
/** Operations below which dividing a dispatch costs more than it saves: waking and meeting take a few microseconds. */
export const WORTH_DIVIDING = 60_000
/** A vector some of whose lanes are wanted may reach beyond the last buffer. */
const SLACK = 64
/** Timers and signals get their turn this often. */
const BREATH_MS = 20

class WasmMemory implements Memory {
  constructor(
    private readonly device: WasmDevice,
    readonly at: number,
    readonly bytes: number,
  ) {}
  free(): void {
    this.device.release(this)
  }
}

class BoundWasmKernel implements BoundKernel {
  constructor(
    readonly kernel: string,
    readonly index: number,
    readonly args: number,
    /** Operations of one workgroup. */
    readonly work: number,
  ) {}
}

export class WasmDevice implements Device {
  private readonly allocator: Allocator
  private readonly kernels: ReadonlyMap<string, { readonly index: number; readonly work: number }>
  private parameters: number
  private blocks = PARAMETER_BLOCKS
  private readonly commands: number
  private bytes: Uint8Array
  private words: Int32Array
  private pool: ThreadPool | undefined
  private failure: RunError | undefined
  private lastBreath = performance.now()
  private closed = false

  constructor(
    private readonly loaded: Loaded,
    source: WasmSource,
    readonly info: DeviceInfo,
  ) {
    this.bytes = new Uint8Array(loaded.memory.buffer)
    this.words = new Int32Array(loaded.memory.buffer)
    this.kernels = new Map(source.code.kernels.map(({ name, work }, index) => [name, { index, work }]))
    this.allocator = new Allocator(HEAP_START, (end) => this.growTo(end))
    this.parameters = this.allocator.take(PARAMETER_BLOCKS * PARAMETER_STRIDE)
    this.commands = this.allocator.take(COMMANDS * COMMAND_WORDS * 4)
    loaded.exports.scratch.value = this.allocator.take(source.code.scratch)
  }

  readonly room: DataRoom = { buffer: MOST_IN_PROCESS, all: MOST_IN_PROCESS }

  get parameterBlocks(): number {
    return this.blocks
  }
  reserveBlocks(perCall: number): void {
    const wanted = perCall * CALLS_PER_SUBMIT
    if (wanted <= this.blocks) return
    this.allocator.give(this.parameters, this.blocks * PARAMETER_STRIDE)
    this.parameters = this.allocator.take(wanted * PARAMETER_STRIDE)
    this.blocks = wanted
  }

  /** Memory of its own for another thread. */
  takeScratch(bytes: number): number {
    return this.allocator.take(bytes)
  }
  /** From now on dispatches may be divided. */
  join(pool: ThreadPool): void {
    this.pool = pool
  }

  alloc(label: string, bytes: number): Memory {
    const size = Math.max(16, Math.ceil(bytes / 16) * 16)
    try {
      const memory = new WasmMemory(this, this.allocator.take(size), size)
      this.bytes.fill(0, memory.at, memory.at + size)
      return memory
    } catch (caught) {
      if (!(caught instanceof RangeError)) throw caught
      const [used, wanted] = [this.bytes.byteLength, size].map((n) => `${(n / 1024 / 1024).toFixed(1)} MiB`)
      throw new RunError(
        "device-limits",
        `${label} takes ${wanted}, but WebAssembly memory, ${used} now, cannot grow by that much`,
        { exit: 3, help: "it ends at 4 GiB: use a smaller batch or less data, or a WebGPU device" },
      )
    }
  }
  release(memory: WasmMemory): void {
    this.allocator.give(memory.at, memory.bytes)
  }

  write(memory: Memory, offset: number, bytes: Uint8Array): void {
    this.bytes.set(bytes, place(memory, offset, bytes.byteLength))
  }
  async read(memory: Memory, offset: number, bytes: number): Promise<ArrayBuffer> {
    this.check()
    return this.copyOut(memory, offset, bytes)
  }
  download(memory: Memory, offset: number, bytes: number): () => Promise<ArrayBuffer> {
    const content = this.copyOut(memory, offset, bytes)
    return async () => {
      await this.breathe()
      this.check()
      return content
    }
  }

  async prepare(kernels: readonly KernelSource[]): Promise<void> {
    const missing = kernels.find(({ spec }) => !this.kernels.has(spec.name))
    if (missing)
      throw new RunError("bundle-corrupt", `the WebAssembly module has no kernel ${missing.spec.name}`)
  }

  bind(kernel: string, ranges: readonly BoundRange[]): BoundKernel {
    const known = this.kernels.get(kernel)
    if (!known) throw new Error(`kernel ${kernel} is bound before it is prepared`)
    const args = this.allocator.take(ranges.length * 4)
    ranges.forEach(
      ({ memory, offset, bytes }, i) => (this.words[args / 4 + i] = place(memory, offset, bytes)),
    )
    return new BoundWasmKernel(kernel, known.index, args, known.work)
  }

  writeParameters(blocks: Uint8Array<ArrayBuffer>): void {
    this.bytes.set(blocks, this.parameters)
  }

  record(): Recorder {
    return new WasmRecorder(this, this.parameters, this.pool !== undefined)
  }

  /** Runs the commands of a recorder. */
  run(list: Int32Array, count: number, divided: boolean): void {
    this.check()
    const { run } = this.loaded.exports
    const pool = divided ? this.pool : undefined
    for (let first = 0; first < count; first += COMMANDS) {
      const piece = Math.min(COMMANDS, count - first)
      this.words.set(list.subarray(first * COMMAND_WORDS, (first + piece) * COMMAND_WORDS), this.commands / 4)
      try {
        if (run(this.commands, piece, pool?.size ?? 1) !== 0) this.fail("a thread of the run died")
      } catch (caught) {
        this.fail(reasonOf(caught))
      }
      if (this.failure) return
    }
  }

  fence(): () => Promise<void> {
    return async () => {
      await this.breathe()
      this.check()
    }
  }

  close(): void {
    if (this.closed) return
    this.closed = true
    this.pool?.end()
  }

  private check(): void {
    const death = this.pool?.failure()
    if (death !== undefined) this.fail(`a thread died: ${death}`)
    if (this.failure) throw this.failure
  }
  private fail(reason: string): void {
    this.failure ??= new RunError("device-lost", `the WebAssembly device stopped: ${reason}`, {
      exit: 3,
      help: "`--resume` continues from the last checkpoint",
    })
  }

  /** Commands run when they are submitted, so nothing is left to wait for; but other tasks of this thread are. */
  private async breathe(): Promise<void> {
    if (performance.now() - this.lastBreath < BREATH_MS) return
    await nextTask()
    this.lastBreath = performance.now()
  }

  private copyOut(memory: Memory, offset: number, bytes: number): ArrayBuffer {
    const at = place(memory, offset, bytes)
    const out = new Uint8Array(bytes)
    out.set(this.bytes.subarray(at, at + bytes))
    return out.buffer
  }

  private growTo(end: number): void {
    const { memory } = this.loaded
    const missing = Math.ceil((end + SLACK - memory.buffer.byteLength) / PAGE)
    if (missing <= 0) return
    // By a quarter at least, so that many small pieces do not grow it one page at a time.
    const more = Math.ceil(memory.buffer.byteLength / PAGE / 4)
    try {
      memory.grow(Math.max(missing, more))
    } catch {
      memory.grow(missing)
    }
    this.bytes = new Uint8Array(memory.buffer)
    this.words = new Int32Array(memory.buffer)
  }
}

class WasmRecorder implements Recorder {
  private list = new Int32Array(64 * COMMAND_WORDS)
  private count = 0
  private divided = false

  constructor(
    private readonly device: WasmDevice,
    private readonly parameters: number,
    private readonly pool: boolean,
  ) {}

  dispatch(bound: BoundKernel, [x, y, z]: Grid, block: number): void {
    if (!(bound instanceof BoundWasmKernel))
      throw new Error(`the call of ${bound.kernel} belongs to another device`)
    const groups = x * y * z
    const divide = this.pool && groups > 1 && groups * bound.work >= WORTH_DIVIDING
    if (divide) this.divided = true
    const at = this.next()
    const { list } = this
    list[at] = divide ? COMMAND.split : COMMAND.dispatch
    list[at + 1] = bound.index
    list[at + 2] = bound.args
    list[at + 3] = this.parameters + block * PARAMETER_STRIDE
    list[at + 4] = groups
  }

  copy(from: Memory, fromOffset: number, to: Memory, toOffset: number, bytes: number): void {
    const at = this.next()
    const { list } = this
    list[at] = COMMAND.copy
    list[at + 1] = place(from, fromOffset, bytes)
    list[at + 2] = place(to, toOffset, bytes)
    list[at + 3] = bytes
  }

  submit(): void {
    this.device.run(this.list, this.count, this.divided)
  }

  private next(): number {
    const at = this.count++ * COMMAND_WORDS
    if (at + COMMAND_WORDS > this.list.length) {
      const larger = new Int32Array(this.list.length * 2)
      larger.set(this.list)
      this.list = larger
    }
    return at
  }
}

/** The address of a range; a range outside its memory is our mistake. */
function place(memory: Memory, offset: number, bytes: number): number {
  if (!(memory instanceof WasmMemory)) throw new Error("the memory belongs to another device")
  if (offset < 0 || offset + bytes > memory.bytes)
    throw new Error(`bytes ${offset} to ${offset + bytes} of a memory of ${memory.bytes}`)
  return memory.at + offset
}

/** A page uses no timer: nested ones wait 4 ms, and a second in a tab that is not shown. */
const nextTask = (): Promise<void> =>
  new Promise((resolve) => {
    if (typeof setImmediate === "function") {
      setImmediate(resolve)
      return
    }
    const { port1, port2 } = new MessageChannel()
    port2.onmessage = () => {
      port2.close()
      resolve()
    }
    port1.postMessage(null)
  })
