/** lower: the slots of a graph under construction, and the values they hold at this point of it.
 *  Guarantees: a slot stands in the graph from its first read or write on; `finish` returns each changed slot once. */
import type { GraphBuild } from "../ir/graph/build.js"
import type { ParameterAverage, Slot } from "../ir/model/types.js"
import type { Value } from "../ops/op.js"
import { bug } from "../source/bug.js"

export class SlotValues {
  private readonly declared: ReadonlyMap<string, Slot>
  private readonly atStart = new Map<string, Value>()
  private readonly now = new Map<string, Value>()

  constructor(
    private readonly g: GraphBuild,
    slots: readonly Slot[],
    /** Slots that are read in the place of others. */
    private readonly instead: ReadonlyMap<string, string> = new Map(),
  ) {
    this.declared = new Map(slots.map((s) => [s.name, s]))
  }

  /** The value after the writes so far. */
  read(name: string): Value {
    const read = this.instead.get(name) ?? name
    return this.now.get(read) ?? this.initial(read)
  }
  write(name: string, value: Value): void {
    this.initial(name)
    this.now.set(name, value)
  }
  /** The value at the start of the call, by which gradients are taken. */
  initial(name: string): Value {
    const known = this.atStart.get(name)
    if (known !== undefined) return known
    const slot = this.declared.get(name) ?? bug(`there is no slot ${name}`)
    const value = this.g.slot(slot.name, slot.type, slot.role, slot.origin)
    this.atStart.set(name, value)
    return value
  }
  /** Keeps the new values of parameters, averages and optimizer state only where `condition` holds. States are no part of an
   *  update, unless they follow others. */
  keepUnless(condition: Value, follows: readonly ParameterAverage[]): void {
    const following = new Set(follows.map(({ slot }) => slot))
    for (const [name, value] of this.now) {
      const role = this.declared.get(name)?.role
      if ((role === "state" && !following.has(name)) || role === "run") continue
      this.now.set(name, this.g.apply("where", [condition, value, this.initial(name)]))
    }
  }
  /** Makes the last value of every written slot its next one. */
  finish(): void {
    for (const [name, value] of this.now) {
      const slot = this.initial(name)
      if (value.id !== slot.id) this.g.update(slot, value)
    }
  }
}
