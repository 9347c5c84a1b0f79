/** runtime/exec: everything that lives on between steps, as named tensors and as device-side copies.
 *  Not here: files (checkpoint/). */
import type { SlotSpec } from "../bundle/format.js"
import type { Memory, Recorder } from "../device/device.js"
import { RunError } from "../error.js"
import { named } from "../named.js"
import { checkNumbers } from "./check-numbers.js"
import type { LoadedBundle } from "./loaded-bundle.js"
import { product } from "./size.js"
import { decodeNumbers, encodeNumbers, type Numbers, type Tensor } from "./values.js"

/** A copy of all slots in device memory. */
export type Snapshot = Memory

/** Bytes in which slots lie. */
export interface StateRange {
  readonly arena: string
  readonly offset: number
  readonly bytes: number
}
interface Kept extends StateRange {
  /** Where they lie in a snapshot. */
  readonly at: number
}

/** Where slots lie, with others than their own between them. */
export function rangesOf(slots: readonly SlotSpec[]): readonly StateRange[] {
  const ranges: { arena: string; offset: number; bytes: number }[] = []
  for (const { arena, offset, bytes } of [...slots].sort((a, b) => a.offset - b.offset)) {
    const last = ranges.find((range) => range.arena === arena && offset - range.offset - range.bytes < NEAR)
    if (last) last.bytes = Math.max(last.bytes, offset + bytes - last.offset)
    else ranges.push({ arena, offset, bytes })
  }
  return ranges
}
/** Slots of another run take as many bytes at the least. */
const NEAR = 16

/** Raw bytes of every slot, by name. */
export type SlotBytes = ReadonlyMap<string, Uint8Array>

export class State {
  private readonly ranges: readonly Kept[]
  readonly bytes: number

  /** `own`: where others have slots in the same arenas; left out, the arenas are whole. */
  constructor(
    private readonly loaded: LoadedBundle,
    own?: readonly StateRange[],
  ) {
    const arenas = [...new Set(loaded.slots.map(({ arena }) => arena))]
    const ranges = own ?? arenas.map((arena) => ({ arena, offset: 0, bytes: loaded.arena(arena).bytes }))
    let at = 0
    this.ranges = ranges.map((range) => {
      const kept = { ...range, at }
      at += range.bytes
      return kept
    })
    this.bytes = at
  }

  get slots(): readonly SlotSpec[] {
    return this.loaded.slots
  }

  allocSnapshot(label: string): Snapshot {
    return this.loaded.device.alloc(`${label} of the state`, this.bytes)
  }

  recordSave(recorder: Recorder, snapshot: Snapshot): void {
    for (const { arena, offset, bytes, at } of this.ranges)
      recorder.copy(this.loaded.arena(arena), offset, snapshot, at, bytes)
  }

  recordRestore(recorder: Recorder, snapshot: Snapshot): void {
    for (const { arena, offset, bytes, at } of this.ranges)
      recorder.copy(snapshot, at, this.loaded.arena(arena), offset, bytes)
  }

  /** The slots as they are now, or as they were when `from` was saved. */
  async read(from?: Snapshot): Promise<SlotBytes> {
    const out = new Map<string, Uint8Array>()
    for (const { arena, offset, bytes, at } of this.ranges) {
      const { device } = this.loaded
      const content = await (from
        ? device.read(from, at, bytes)
        : device.read(this.loaded.arena(arena), offset, bytes))
      for (const slot of this.slots)
        if (slot.arena === arena && slot.offset >= offset && slot.offset < offset + bytes)
          out.set(slot.name, new Uint8Array(content, slot.offset - offset, slotBytes(slot)))
    }
    return out
  }

  /** Replaces all slots that `values` names; an average that it does not name becomes its parameter. */
  write(values: SlotBytes): void {
    for (const [name, bytes] of values) this.writeSlot(this.slot(name), bytes)
    for (const slot of this.slots) {
      if (slot.role !== "average" || values.has(slot.name)) continue
      const parameter = values.get(slot.name.slice(0, slot.name.lastIndexOf("/")))
      if (parameter) this.writeSlot(slot, parameter)
    }
  }

  private writeSlot({ arena, offset }: SlotSpec, bytes: Uint8Array): void {
    if (bytes.byteLength > 0) this.loaded.device.write(this.loaded.arena(arena), offset, padded(bytes))
  }

  async tensors(roles: readonly SlotSpec["role"][]): Promise<Map<string, Tensor>> {
    const bytes = await this.read()
    return new Map(
      this.slots
        .filter(({ role }) => roles.includes(role))
        .map(({ name, dtype, shape }) => {
          const copy = new Uint8Array(bytes.get(name)!).buffer
          return [name, { dtype, shape, values: decodeNumbers(dtype, copy, 0, product(shape)) }]
        }),
    )
  }

  /** Throws where their dtype or number is not that of the slot. */
  checkNumbers(name: string, numbers: Numbers): void {
    const { dtype, shape } = this.slot(name)
    checkNumbers(`"${name}"`, dtype, numbers)
    if (numbers.length !== product(shape))
      throw new RunError(
        "input-shape",
        `"${name}" is [${shape.join(", ")}], ${product(shape)} values, not ${numbers.length}`,
      )
  }

  setNumbers(name: string, numbers: Numbers): void {
    this.write(new Map([[name, encodeNumbers(this.slot(name).dtype, numbers)]]))
  }

  private slot(name: string): SlotSpec {
    return named(this.slots, name, (slot) => slot.name, `there is no parameter or state "${name}"`)
  }
}

const slotBytes = ({ dtype, shape }: SlotSpec): number => product(shape) * (dtype === "f16" ? 2 : 4)

function padded(bytes: Uint8Array): Uint8Array {
  if (bytes.byteLength % 4 === 0) return bytes
  const out = new Uint8Array(Math.ceil(bytes.byteLength / 4) * 4)
  out.set(bytes)
  return out
}
