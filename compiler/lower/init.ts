/** lower: the program that gives every slot its first value.
 *  Guarantees: all slots of the model stand in the graph, in their order, each with an update; a first value may be made from
 *              that of another slot, whichever is declared first. */
import { GraphBuild } from "../ir/graph/build.js"
import type { Graph } from "../ir/graph/types.js"
import type { Model, ModelStmt, Slot } from "../ir/model/types.js"
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

/** What starts from the value of another slot, once more: for parameters that have come from elsewhere since. Averages are left out, which
 *  the runtime copies. Undefined where there is nothing of that kind. */
export function lowerStart(model: Model): Graph | undefined {
  const following = model.slots.filter(({ role, init }) => role !== "average" && readsSlots(init.body))
  if (following.length === 0) return undefined
  const g = new GraphBuild("start")
  const inputs = new GraphInputs(g, false, { at: "", by: "lower" })
  const values = new StartValues(g, model.slots, new Set(following.map(({ name }) => name)), inputs)
  for (const { name } of following) values.read(name)
  values.finish()
  return prune(g.finish())
}

const readsSlots = (body: readonly ModelStmt[]): boolean =>
  body.some((s) => s.kind === "read" || (s.kind === "call" && readsSlots(s.body)))

/** Those of `following` by their first values, the others as they are. */
class StartValues extends SlotValues {
  private readonly firsts = new Map<string, Value>()
  private readonly slots: ReadonlyMap<string, Slot>

  constructor(
    private readonly graph: GraphBuild,
    slots: readonly Slot[],
    private readonly following: ReadonlySet<string>,
    private readonly inputs: GraphInputs,
  ) {
    super(graph, slots)
    this.slots = new Map(slots.map((s) => [s.name, s]))
  }

  override read(name: string): Value {
    const slot = this.slots.get(name) ?? bug(`there is no slot ${name}`)
    if (!this.following.has(name)) return this.initial(name)
    const known = this.firsts.get(name)
    if (known !== undefined) return known
    const results = flatten(this.graph, slot.init, this, (i) => this.inputs.of(i))
    const value = [...results.values()][0] ?? bug(`${name} has no first value`)
    this.firsts.set(name, value)
    this.write(name, value)
    return value
  }
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
