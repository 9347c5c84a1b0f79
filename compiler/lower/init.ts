/** lower: the program that gives every slot its first value.
 *  Guarantees: all slots of the model stand in the graph, in their order, each with an update; a first value may be made from
 *              that of another slot, whichever is declared first. */
import { GraphBuild } from "../ir/graph/build.js"
import type { Graph } from "../ir/graph/types.js"
import type { Model, Slot } from "../ir/model/types.js"
import type { Value } from "../ops/op.js"
import { bug } from "../source/bug.js"
import { flatten } from "./flatten.js"
import { GraphInputs } from "./inputs.js"
import { prune } from "./prune.js"
import { SlotValues } from "./slots.js"

/** Every slot <- its first value. */
export function lowerInit(model: Model): Graph {
  const g = new GraphBuild("init")
  const inputs = new GraphInputs(g, false, { at: "", by: "lower" })
  const values = new InitialValues(g, model.slots, inputs)
  for (const slot of model.slots) values.first(slot.name)
  values.finish()
  return prune(g.finish(), { keepSlots: true })
}

/** First values on demand: one may start from another (`state average = weight`), whichever is declared first. */
class InitialValues extends SlotValues {
  private readonly open = new Set<string>()
  private readonly sections: ReadonlyMap<string, Slot>
  private readonly firsts = new Map<string, Value>()

  constructor(
    private readonly graph: GraphBuild,
    slots: readonly Slot[],
    private readonly inputs: GraphInputs,
  ) {
    super(graph, slots)
    this.sections = new Map(slots.map((s) => [s.name, s]))
    for (const slot of slots) this.initial(slot.name)
  }

  override read(name: string): Value {
    return this.first(name)
  }

  first(name: string): Value {
    const known = this.firsts.get(name)
    if (known !== undefined) return known
    const slot = this.sections.get(name) ?? bug(`there is no slot ${name}`)
    if (this.open.has(name)) bug(`the first value of ${name} depends on itself`)
    this.open.add(name)
    const results = flatten(this.graph, slot.init, this, (i) => this.inputs.of(i))
    const value = [...results.values()][0] ?? bug(`${name} has no first value`)
    this.firsts.set(name, value)
    this.write(name, value)
    return value
  }
}
