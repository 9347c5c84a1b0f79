/** runtime/exec: everything that lives on between steps, as named tensors and as device-side copies.
 *  Not here: files (checkpoint/). */
import type { SlotSpec } from "../bundle/format.js"
import type { Memory, Recorder } from "../device/device.js"
import { RunError } from "../error.js"
import { nearest } from "../suggest.js"
import { checkNumbers } from "./check-numbers.js"
import type { LoadedBundle } from "./loaded-bundle.js"
import { product } from "./size.js"
import { decodeNumbers, encodeNumbers, type Numbers, type Tensor } from "./values.js"

/** A copy of all slots in device memory. */
export type Snapshot = ReadonlyMap<string, Memory>

/** Raw bytes of every slot, by name. */
export type SlotBytes = ReadonlyMap<string, Uint8Array>

export class State {
  private readonly arenas: ReadonlyMap<string, Memory>

  constructor(private readonly loaded: LoadedBundle) {
    this.arenas = new Map(loaded.slots.map(({ arena }) => [arena, loaded.arena(arena)]))
  }

  get slots(): readonly SlotSpec[] {
    return this.loaded.slots
  }

  get bytes(): number {
    return [...this.arenas.values()].reduce((sum, memory) => sum + memory.bytes, 0)
  }

  allocSnapshot(label: string): Snapshot {
    const { device } = this.loaded
    return new Map(
      [...this.arenas].map(([name, { bytes }]) => [name, device.alloc(`${label} of ${name}`, bytes)]),
    )
  }

  recordSave(recorder: Recorder, snapshot: Snapshot): void {
    for (const [name, memory] of this.arenas) recorder.copy(memory, 0, snapshot.get(name)!, 0, memory.bytes)
  }

  recordRestore(recorder: Recorder, snapshot: Snapshot): void {
    for (const [name, memory] of this.arenas) recorder.copy(snapshot.get(name)!, 0, memory, 0, memory.bytes)
  }

  /** The slots as they are now, or as they were when `from` was saved. */
  async read(from: Snapshot = this.arenas): Promise<SlotBytes> {
    const out = new Map<string, Uint8Array>()
    for (const [name, memory] of from) {
      const content = await this.loaded.device.read(memory, 0, memory.bytes)
      for (const slot of this.slots)
        if (slot.arena === name) out.set(slot.name, new Uint8Array(content, slot.offset, slotBytes(slot)))
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

  /** Throws where they are not what the slot holds. */
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
    const slot = this.slots.find((each) => each.name === name)
    if (slot) return slot
    const help = nearest(
      name,
      this.slots.map((each) => each.name),
    )
    throw new RunError(
      "unknown-name",
      `there is no parameter or state "${name}"`,
      help === undefined ? {} : { help },
    )
  }
}

const slotBytes = ({ dtype, shape }: SlotSpec): number => product(shape) * (dtype === "f16" ? 2 : 4)

function padded(bytes: Uint8Array): Uint8Array {
  if (bytes.byteLength % 4 === 0) return bytes
  const out = new Uint8Array(Math.ceil(bytes.byteLength / 4) * 4)
  out.set(bytes)
  return out
}
