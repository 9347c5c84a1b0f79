/** runtime/batched: one device as several devices, for runs that go through one program in step with each other.
 *  Assumes:    kernels compute all runs at once, each at its own offsets (compiler/batching), and all runs submit the same work in order.
 *  Guarantees: every run sees a device of its own. Work that all runs submit is done once, for all; work that one run submits alone, as
 *              when it looks for the cause of a NaN, leaves the states of the others unchanged.
 *  How:        requests of runs are queued, until all runs wait for something. Work that is the same at the head of all queues then
 *              goes to the device, and the runs whose results are there go on. */
import { RunError } from "../error.js"
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
} from "../device/device.js"
import type { Snapshot, State } from "../exec/state.js"

/** Something that a run asked for, which is done in the order in which it asked. */
interface Order {
  /** Undefined: work for all runs at once. */
  readonly alone?: () => void
  readonly work?: Work
  isDone: boolean
}
interface Work {
  readonly parameters: Uint8Array<ArrayBuffer>
  readonly commands: readonly Command[]
}
type Command =
  | { readonly kind: "dispatch"; readonly call: BoundKernel; readonly grid: Grid; readonly block: number }
  | {
      readonly kind: "copy"
      readonly from: Memory
      readonly fromOffset: number
      readonly to: Memory
      readonly toOffset: number
      readonly bytes: number
    }

interface Waiting {
  readonly run: RunDevice
  readonly order: Order
  readonly goOn: () => void
  readonly fail: (reason: unknown) => void
}

interface Kept {
  readonly state: State
  copy: Snapshot | undefined
}

export class BatchedDevice {
  private readonly runs: readonly RunDevice[]
  private readonly live: Set<RunDevice>
  private readonly calls = new Map<string, BoundKernel>()
  private readonly numbers = new Map<Memory, number>()
  private waiting: Waiting[] = []
  private states: readonly Kept[] = []

  constructor(
    readonly device: Device,
    count: number,
  ) {
    this.runs = Array.from({ length: count }, (_, number) => new RunDevice(this, number))
    this.live = new Set(this.runs)
  }

  of(run: number): Device {
    return this.runs[run]!
  }

  /** The states of the runs. */
  keep(states: readonly State[]): void {
    this.states = states.map((state) => ({ state, copy: undefined }))
  }

  /** The same call for all runs, whose kernels bind the same. */
  bind(kernel: string, ranges: readonly BoundRange[]): BoundKernel {
    const key = ranges.map(({ memory, offset, bytes }) => `${this.numberOf(memory)}+${offset}:${bytes}`)
    const name = `${kernel} ${key.join()}`
    const known = this.calls.get(name)
    if (known) return known
    const call = this.device.bind(kernel, ranges)
    this.calls.set(name, call)
    return call
  }

  /** Resolves when the order was carried out. */
  done(run: RunDevice, order: Order): Promise<void> {
    if (order.isDone) return Promise.resolve()
    return new Promise((resolve, reject) => {
      this.waiting.push({ run, order, goOn: resolve, fail: reject })
      this.proceed()
    })
  }

  /** The run is over. */
  leave(run: RunDevice): void {
    if (!this.live.delete(run)) return
    if (this.live.size === 0) this.device.close()
    else this.proceed()
  }

  private numberOf(memory: Memory): number {
    const number = this.numbers.get(memory) ?? this.numbers.size
    this.numbers.set(memory, number)
    return number
  }

  /** Once all wait: at least one goes on. */
  private proceed(): void {
    const waits = new Set(this.waiting.map(({ run }) => run))
    for (const run of this.live) if (!waits.has(run)) return
    try {
      this.carryOut()
      while (!this.waiting.some(({ order }) => order.isDone)) this.carryOutApart()
    } catch (caught) {
      for (const { fail } of this.waiting.splice(0)) fail(caught)
      return
    }
    const ready = this.waiting.filter(({ order }) => order.isDone)
    this.waiting = this.waiting.filter(({ order }) => !order.isDone)
    for (const { goOn } of ready) goOn()
  }

  /** Carries out the requests of single runs, and work that all of them submit. */
  private carryOut(): void {
    const all = [...this.live]
    for (;;) {
      for (const run of all) run.carryOutAlone()
      const heads = all.flatMap((run) => run.head ?? [])
      if (heads.length < all.length || !heads.every((each) => isSame(each.work!, heads[0]!.work!))) return
      this.submit(all, heads)
    }
  }

  /** The work that the fewest hand in: who looks for the cause of a NaN does so before the others go on. */
  private carryOutApart(): void {
    const groups: RunDevice[][] = []
    for (const run of this.live) {
      if (!run.head) continue
      const same = groups.find(([first]) => isSame(first!.head!.work!, run.head!.work!))
      if (same) same.push(run)
      else groups.push([run])
    }
    const least = groups.reduce((a, b) => (b.length < a.length ? b : a))
    this.submit(
      least,
      least.map((run) => run.head!),
    )
    for (const run of least) run.carryOutAlone()
  }

  private submit(runs: readonly RunDevice[], orders: readonly Order[]): void {
    const works = orders.map(({ work }) => work!)
    const others = [...this.live].filter((run) => !runs.includes(run))
    const recorder = this.device.record()
    for (const { number } of others) this.recordCopies(recorder, number, "save")
    works[0]!.commands.forEach((first, i) => {
      if (first.kind === "dispatch") return recorder.dispatch(first.call, first.grid, first.block)
      for (const { commands } of works) {
        const command = commands[i]!
        if (command.kind === "copy")
          recorder.copy(command.from, command.fromOffset, command.to, command.toOffset, command.bytes)
      }
    })
    for (const { number } of others) this.recordCopies(recorder, number, "restore")
    this.device.writeParameters(works[0]!.parameters)
    recorder.submit()
    for (const run of runs) run.take()
  }

  private recordCopies(recorder: Recorder, run: number, what: "save" | "restore"): void {
    const kept = this.states[run]!
    const copy = (kept.copy ??= this.device.alloc("a state set aside", kept.state.bytes))
    if (what === "save") kept.state.recordSave(recorder, copy)
    else kept.state.recordRestore(recorder, copy)
  }
}

/** Copies may go between other places. */
function isSame(a: Work, b: Work): boolean {
  return (
    a === b ||
    (a.commands.length === b.commands.length &&
      a.parameters.length === b.parameters.length &&
      a.parameters.every((byte, i) => byte === b.parameters[i]) &&
      a.commands.every((x, i) => {
        const y = b.commands[i]!
        if (x.kind === "copy" || y.kind === "copy") return x.kind === y.kind
        return x.call === y.call && x.block === y.block && x.grid.every((size, axis) => size === y.grid[axis])
      }))
  )
}

class RunMemory implements Memory {
  constructor(
    private readonly run: RunDevice,
    readonly memory: Memory,
  ) {}
  get bytes(): number {
    return this.memory.bytes
  }
  free(): void {
    this.run.order(() => this.memory.free())
  }
}

const real = (memory: Memory): Memory => (memory instanceof RunMemory ? memory.memory : memory)

class RunDevice implements Device {
  private readonly orders: Order[] = []
  private parameters: Uint8Array<ArrayBuffer> = new Uint8Array(0)

  constructor(
    private readonly all: BatchedDevice,
    readonly number: number,
  ) {}

  get info(): DeviceInfo {
    return this.all.device.info
  }
  get room(): DataRoom {
    return this.all.device.room
  }
  get parameterBlocks(): number {
    return this.all.device.parameterBlocks
  }
  reserveBlocks(): void {}
  async prepare(_kernels: readonly KernelSource[]): Promise<void> {}

  alloc(label: string, bytes: number): Memory {
    return new RunMemory(this, this.all.device.alloc(label, bytes))
  }
  bind(kernel: string, ranges: readonly BoundRange[]): BoundKernel {
    return this.all.bind(
      kernel,
      ranges.map((range) => ({ ...range, memory: real(range.memory) })),
    )
  }
  write(memory: Memory, offset: number, bytes: Uint8Array<ArrayBuffer>): void {
    const copy = bytes.slice()
    this.order(() => this.all.device.write(real(memory), offset, copy))
  }
  async read(memory: Memory, offset: number, bytes: number): Promise<ArrayBuffer> {
    return this.download(memory, offset, bytes)()
  }
  download(memory: Memory, offset: number, bytes: number): () => Promise<ArrayBuffer> {
    return this.later(() => this.all.device.download(real(memory), offset, bytes))
  }
  fence(): () => Promise<void> {
    return this.later(() => this.all.device.fence())
  }
  writeParameters(blocks: Uint8Array<ArrayBuffer>): void {
    this.parameters = blocks.slice()
  }
  record(): Recorder {
    const commands: Command[] = []
    return {
      dispatch: (call, grid, block) => void commands.push({ kind: "dispatch", call, grid, block }),
      copy: (from, fromOffset, to, toOffset, bytes) =>
        void commands.push({ kind: "copy", from: real(from), fromOffset, to: real(to), toOffset, bytes }),
      submit: () => void this.orders.push({ work: { parameters: this.parameters, commands }, isDone: false }),
    }
  }
  close(): void {
    this.all.leave(this)
  }

  order(alone: () => void): Order {
    const order = { alone, isDone: false }
    this.orders.push(order)
    return order
  }

  /** Up to the next work. */
  carryOutAlone(): void {
    for (let next = this.orders[0]; next?.alone; next = this.orders[0]) {
      next.alone()
      this.take()
    }
  }
  /** The next work; undefined where there is none. */
  get head(): Order | undefined {
    return this.orders[0]
  }
  take(): void {
    this.orders.shift()!.isDone = true
  }

  private later<T>(ask: () => () => Promise<T>): () => Promise<T> {
    let wait: (() => Promise<T>) | undefined
    const order = this.order(() => void (wait = ask()))
    return async () => {
      await this.all.done(this, order)
      if (wait === undefined) throw new RunError("device-lost", "the runs of the batch ended", { exit: 3 })
      return wait()
    }
  }
}
