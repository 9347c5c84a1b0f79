/** lower: one section -> nodes of a graph. Calls are opened; reads of slots become values.
 *  Assumes:    the section is typed and its values are numbered uniquely.
 *  Guarantees: statements keep their order, so a read gives the value of the last update before it.
 *  Not here:   which sections make up a graph (step.ts, lower.ts); which slots are written back (slots.ts). */
import { GraphBuild, renumbered } from "../ir/graph/build.js"
import type { Graph, ValueId } from "../ir/graph/types.js"
import type { ModelInput, ModelRegion, ModelStmt, ModelValue, Section } from "../ir/model/types.js"
import type { Value } from "../ops/op.js"
import { bug } from "../source/bug.js"
import type { SlotValues } from "./slots.js"

/** Adds a section's nodes. `input` gives the value of each of its inputs. Returns the results by name. */
export function flatten(
  g: GraphBuild,
  section: Section,
  slots: SlotValues,
  input: (input: ModelInput) => Value,
): ReadonlyMap<string, Value> {
  const values = new Map<ModelValue, Value>()
  for (const i of section.inputs) values.set(i.id, input(i))
  const value = (id: ModelValue): Value =>
    values.get(id) ?? bug(`model value ${id} is used before it is defined`)
  addStatements(g, section.body, slots, values, value)
  return new Map(section.results.map((r) => [r.name, value(r.value)]))
}

function addStatements(
  g: GraphBuild,
  body: readonly ModelStmt[],
  slots: Slots,
  values: Map<ModelValue, Value>,
  value: (id: ModelValue) => Value,
): void {
  for (const s of body) {
    switch (s.kind) {
      case "op": {
        const args = s.args.map(value)
        if (s.regions === undefined) values.set(s.id, g.at(s.origin).apply(s.op, args, s.attrs))
        else {
          const region = iterationOf(s.regions[0] ?? bug(`${s.op} has no region`), slots, value)
          values.set(s.id, g.at(s.origin).apply(s.op, [...args, ...region.captured], s.attrs, [region.graph]))
        }
        break
      }
      case "read":
        values.set(s.id, slots.read(s.slot))
        break
      case "update":
        slots.write(s.slot, value(s.value))
        break
      case "call":
        addStatements(g, s.body, slots, values, value)
        break
    }
  }
}

/** The uses of slots that statements may make. */
type Slots = Pick<SlotValues, "read" | "write">

/** The graph of one iteration of a loop, and the values from outside that it takes after its own parameters. */
function iterationOf(
  region: ModelRegion,
  slots: Slots,
  outside: (id: ModelValue) => Value,
): { graph: Graph; captured: readonly Value[] } {
  const g = new GraphBuild("iteration")
  const values = new Map<ModelValue, Value>()
  for (const p of region.params) {
    const scalar = p.name === "iteration" && p === region.params.at(-1)
    values.set(
      p.id,
      g.input(p.name, p.type, scalar ? { kind: "scalar", scalar: "iteration" } : { kind: "feed" }),
    )
  }
  const inside = new Map<ValueId, Value>()
  const captured: Value[] = []
  const capture = (outer: Value): Value => {
    const known = inside.get(outer.id)
    if (known !== undefined) return known
    const made = g.input(`of.${captured.length}`, outer.type)
    captured.push(outer)
    inside.set(outer.id, made)
    return made
  }
  const own: Slots = {
    read: (name) => capture(slots.read(name)),
    write: (name) => bug(`${name} is changed in a loop`),
  }
  const value = (id: ModelValue): Value => values.get(id) ?? capture(outside(id))
  addStatements(g, region.body, own, values, value)
  region.results.forEach((id, i) => g.output(`out.${i}`, value(id)))
  return { graph: renumbered(g.finish()), captured }
}
