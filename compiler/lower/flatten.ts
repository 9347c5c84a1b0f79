/** lower: one section -> nodes of a graph. Calls are opened; reads of slots become values.
 *  Assumes:    the section is typed and its values are numbered uniquely.
 *  Guarantees: statements keep their order, so a read gives what the last update before it wrote.
 *  Not here:   which sections make up a graph (step.ts, lower.ts); which slots are written back (slots.ts). */
import type { GraphBuild } from "../ir/graph/build.js"
import type { ModelInput, ModelStmt, ModelValue, Section } from "../ir/model/types.js"
import type { Value } from "../ops/op.js"
import { bug } from "../source/bug.js"
import type { SlotValues } from "./slots.js"

/** Adds a section's nodes. `input` says what stands for each of its inputs. The results come back by name. */
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
  slots: SlotValues,
  values: Map<ModelValue, Value>,
  value: (id: ModelValue) => Value,
): void {
  for (const s of body) {
    switch (s.kind) {
      case "op": {
        if (s.regions !== undefined) bug(`${s.op} has a region, which lowering does not open yet`)
        const made = g.at(s.origin).apply(s.op, s.args.map(value), s.attrs)
        values.set(s.id, made)
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
