/** runtime/exec: outputs (loss, metrics) of many calls of one program, kept on the device and read back at once.
 *  Assumes:    `recordCalls` follows the dispatches of its calls in the same recorder.
 *  Guarantees: one or few copies per call; nothing is read until `drain`. */
import type { BundleDType, OutputSpec } from "../bundle/format.js"
import type { Memory, Recorder } from "../device/device.js"
import type { Program } from "./program.js"
import { bytesOf, evalShape, product } from "./size.js"
import { decodeNumbers, type Values } from "./values.js"

/** Outputs of one number, by name. */
export type Scalars = Readonly<Record<string, number>>
/** Outputs of any fixed size, by name. */
export type Arrays = Readonly<Record<string, Values>>

export const isScalarOutput = ({ shape }: OutputSpec): boolean => shape.every((size) => size === 1)

interface Copy {
  readonly arena: string
  readonly offset: number
  readonly bytes: number
  /** Within an entry. */
  readonly at: number
}

const MAX_BYTES = 4 * 1024 * 1024
const MAX_ENTRIES = 16384
/** Outputs this near to each other are copied as one range. */
const NEAR = 1024

export class History {
  readonly capacity: number
  private readonly copies: readonly Copy[]
  private readonly fields: readonly {
    readonly name: string
    readonly dtype: BundleDType
    readonly at: number
    readonly elements: number
  }[]
  private readonly entryBytes: number
  private readonly memory: Memory
  private count = 0

  constructor(
    private readonly program: Program,
    entries: number,
    isKept: (output: OutputSpec) => boolean = isScalarOutput,
  ) {
    const kept = program.spec.outputs
      .filter(isKept)
      .map((output) => ({ ...output, elements: product(evalShape(output.shape, program.sizes(1))) }))
    const sorted = [...kept].sort((a, b) =>
      a.arena === b.arena ? a.offset - b.offset : a.arena < b.arena ? -1 : 1,
    )
    const copies: { arena: string; offset: number; bytes: number; at: number }[] = []
    const places = new Map<string, number>()
    let entryBytes = 0
    for (const { name, arena, offset, dtype, elements } of sorted) {
      const last = copies.at(-1)
      const end = offset + Math.ceil((elements * bytesOf(dtype)) / 4) * 4
      if (last?.arena === arena && offset - (last.offset + last.bytes) <= NEAR) {
        entryBytes += Math.max(0, end - last.offset - last.bytes)
        last.bytes = Math.max(last.bytes, end - last.offset)
        places.set(name, last.at + offset - last.offset)
      } else {
        copies.push({ arena, offset, bytes: end - offset, at: entryBytes })
        places.set(name, entryBytes)
        entryBytes += end - offset
      }
    }
    this.copies = copies
    this.fields = kept.map(({ name, dtype, elements }) => ({
      name,
      dtype,
      elements,
      at: places.get(name)!,
    }))
    this.entryBytes = Math.max(4, entryBytes)
    this.capacity = Math.max(1, Math.min(entries, MAX_ENTRIES, Math.floor(MAX_BYTES / this.entryBytes)))
    this.memory = program.loaded.device.alloc(
      `history of ${program.spec.name}`,
      this.capacity * this.entryBytes,
    )
  }

  get length(): number {
    return this.count
  }
  get full(): boolean {
    return this.count === this.capacity
  }

  /** Keeps the outputs of the last dispatch: of one call, or of as many as it made. */
  recordCalls(recorder: Recorder, calls: number): void {
    if (this.count + calls > this.capacity) throw new Error("the history is full")
    const base = this.count * this.entryBytes
    this.count += calls
    // Rows of many calls lie as entries do.
    const beyond = (calls - 1) * this.entryBytes
    for (const { arena, offset, bytes, at } of this.copies)
      recorder.copy(this.program.loaded.arena(arena), offset, this.memory, base + at, bytes + beyond)
  }

  /** All calls since the last drain, oldest first. */
  async drain(): Promise<Arrays[]> {
    const { count, entryBytes, fields } = this
    const bytes = await this.fetch()()
    return Array.from({ length: count }, (_, i) =>
      Object.fromEntries(
        fields.map(({ name, dtype, at, elements }) => [
          name,
          decodeNumbers(dtype, bytes, i * entryBytes + at, elements),
        ]),
      ),
    )
  }

  /** The first numbers of all outputs, fetched while more is submitted. Nothing may be recorded here until the result was called. */
  download(): () => Promise<Scalars[]> {
    const { count, entryBytes, fields } = this
    const fetch = this.fetch()
    return async () => {
      const bytes = await fetch()
      return Array.from({ length: count }, (_, i) =>
        Object.fromEntries(
          fields.map(({ name, dtype, at }) => [
            name,
            decodeNumbers(dtype, bytes, i * entryBytes + at, 1)[0]!,
          ]),
        ),
      )
    }
  }

  private fetch(): () => Promise<ArrayBuffer> {
    const { count, entryBytes } = this
    this.count = 0
    if (count === 0) return async () => new ArrayBuffer(0)
    return this.program.loaded.device.download(this.memory, 0, count * entryBytes)
  }

  free(): void {
    this.memory.free()
  }
}
