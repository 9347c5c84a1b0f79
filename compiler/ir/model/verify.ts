/** ir/model: whether a Model is well formed. It guarantees, for every section:
 *   - each value is bound once, and before it is used (bodies of calls included, which are visible afterwards);
 *   - the recorded type of every operation is the one that its `infer` gives now;
 *   - reads and updates name a declared slot and agree with its type;
 *  and for the whole: slot names are unique; a first value has its slot's type; a loss is a result of the step, a scalar; an update
 *  or average gives a value of its parameter's type; step and evaluate have the same results, settings aside; a section's data is declared.
 *  Not here:   that the program is what its author meant. */
import { opDef, givenType } from "../../ops/index.js"
import type { Complaint } from "../complaint.js"
import { printType, sameType, type TensorType } from "../tensor.js"
import type { OpStmt } from "./statements.js"
import type { Model, ModelStmt, ModelValue, Section, TrainSection } from "./types.js"

/** All that is wrong; empty when the Model is well formed. */
export function verifyModel(model: Model): Complaint[] {
  const slots = new Map<string, TensorType>()
  const found: Complaint[] = []
  for (const slot of model.slots) {
    if (slots.has(slot.name))
      found.push({ where: `@${slot.name}`, message: "it is declared twice", of: slot })
    slots.set(slot.name, slot.type)
  }
  const section = (s: Section, where: string): Types => verifySection(s, where, slots, found)
  for (const slot of model.slots) {
    const types = section(slot.init, `the first value of @${slot.name}`)
    expectResult(slot.init, "value", slot.type, types, `the first value of @${slot.name}`, found)
  }
  for (const { model: name, section: s } of model.predicts) section(s, `predict ${name}`)
  for (const train of model.trains) verifyTrain(model, train, slots, section, found)
  return found
}

type Types = ReadonlyMap<ModelValue, TensorType>

function verifyTrain(
  model: Model,
  train: TrainSection,
  slots: ReadonlyMap<string, TensorType>,
  section: (s: Section, where: string) => Types,
  found: Complaint[],
): void {
  const where = `train ${train.name}`
  for (const name of train.data === null ? [] : [train.data, ...train.beside])
    if (!model.data.some((d) => d.name === name)) found.push({ where, message: `no data ${name}` })
  const step = section(train.step, `${where}, step`)
  section(train.evaluate, `${where}, evaluate`)
  const isSetting = ({ name }: Section["results"][number]): boolean => name.startsWith("setting.")
  const names = (s: Section): string =>
    s.results
      .filter((r) => !isSetting(r))
      .map((r) => r.name)
      .join(", ")
  if (names(train.step) !== names(train.evaluate))
    found.push({ where, message: `step gives ${names(train.step)}, evaluate gives ${names(train.evaluate)}` })
  for (const objective of train.objectives) {
    expectResult(
      train.step,
      objective.loss,
      { dtype: "f32", shape: [] },
      step,
      `${where}, ${objective.loss}`,
      found,
    )
    for (const update of objective.updates) {
      const place = `${where}, update of @${update.param}`
      const type = slots.get(update.param)
      const types = section(update.section, place)
      if (!type) found.push({ where: place, message: "there is no such slot" })
      else expectResult(update.section, "p", type, types, place, found)
    }
  }
  if (train.scaling !== null) {
    const place = `${where}, scaling`
    const types = section(train.scaling.section, place)
    expectResult(train.scaling.section, "p", { dtype: "f32", shape: [] }, types, place, found)
    if (!slots.has(train.scaling.param)) found.push({ where: place, message: "there is no such slot" })
  }
  for (const { param, slot, section: s } of [...train.averages, ...train.follows]) {
    const place = `${where}, average of @${param}`
    const type = slots.get(param)
    const types = section(s, place)
    if (!type || !slots.has(slot)) found.push({ where: place, message: "there is no such slot" })
    else expectResult(s, "average", type, types, place, found)
  }
  for (const { metric, value, at } of train.observed)
    if (!slots.has(value) || !slots.has(at))
      found.push({ where, message: `${metric} is observed in no slot` })
}

function expectResult(
  s: Section,
  name: string,
  type: TensorType,
  types: Types,
  where: string,
  found: Complaint[],
): void {
  const result = s.results.find((r) => r.name === name)
  const actual = result && types.get(result.value)
  if (!actual) found.push({ where, message: `there is no result \`${name}\``, of: s })
  else if (!sameType(actual, type))
    found.push({ where, message: `\`${name}\` is ${printType(actual)}, not ${printType(type)}`, of: result })
}

function verifySection(
  s: Section,
  where: string,
  slots: ReadonlyMap<string, TensorType>,
  found: Complaint[],
): Types {
  const types = new Map<ModelValue, TensorType>()
  /** The statement looked at. */
  let of: object = s
  const say = (message: string): void => void found.push({ where, message, of })
  const bind = (id: ModelValue, type: TensorType): void => {
    if (types.has(id)) say(`%${id} is bound twice`)
    types.set(id, type)
  }
  const use = (id: ModelValue): TensorType | undefined => {
    const type = types.get(id)
    if (!type) say(`%${id} is used before it is bound`)
    return type
  }
  const slotType = (name: string, type: TensorType | undefined): void => {
    const declared = slots.get(name)
    if (!declared) say(`there is no slot @${name}`)
    else if (type && !sameType(declared, type))
      say(`@${name} is ${printType(declared)}, not ${printType(type)}`)
  }
  const walk = (body: readonly ModelStmt[]): void => {
    for (const statement of body) {
      of = statement
      switch (statement.kind) {
        case "op":
          for (const message of wrongOp(statement, statement.args.map(use))) say(message)
          for (const region of statement.regions ?? []) {
            for (const p of region.params) bind(p.id, p.type)
            walk(region.body)
            of = statement
            region.results.forEach(use)
          }
          bind(statement.id, statement.type)
          break
        case "read":
          slotType(statement.slot, statement.type)
          bind(statement.id, statement.type)
          break
        case "update":
          slotType(statement.slot, use(statement.value))
          break
        case "call":
          statement.args.forEach(use)
          walk(statement.body)
          of = statement
          statement.results.forEach(use)
          break
      }
    }
  }
  for (const input of s.inputs) {
    of = input
    bind(input.id, input.type)
  }
  walk(s.body)
  for (const r of s.results) {
    of = r
    use(r.value)
  }
  return types
}

function wrongOp(s: OpStmt, args: readonly (TensorType | undefined)[]): readonly string[] {
  const def = opDef(s.op)
  const known = args.filter((a) => a !== undefined)
  if (known.length < args.length) return []
  const type = givenType(def, known, s.attrs)
  if (typeof type === "string") return [`%${s.id}: ${type}`]
  if (sameType(type, s.type)) return []
  return [`%${s.id} is recorded as ${printType(s.type)}, and \`${s.op}\` gives ${printType(type)}`]
}
