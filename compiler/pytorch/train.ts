/** pytorch: the parts of a training run besides its network: optimizers, averages, first values, settings.
 *  Guarantees: parameters that an optimizer updates in the same way share one function. */
import type { ParameterAverage, ParameterUpdate, Section, Slot, TrainSection } from "../ir/model/types.js"
import { bug } from "../source/bug.js"
import { TORCH_DTYPES } from "./ops/pointwise.js"
import { made, type Term } from "./ops/spelling.js"
import { type Program, returning } from "./program.js"
import { atom, type Code, indented, Names, quoted, tuple } from "./python.js"

/** Functions of one kind, by their text. */
class Functions {
  private readonly named = new Map<string, { readonly name: string; readonly text: string }>()

  constructor(private readonly names: Names) {}

  add(wanted: string, params: readonly string[], lines: readonly string[]): string {
    const key = [params.join(", "), ...lines].join("\n")
    const known = this.named.get(key)
    if (known) return known.name
    const name = this.names.fresh(wanted)
    this.named.set(key, { name, text: [`def ${name}(${params.join(", ")}):`, ...indented(lines)].join("\n") })
    return name
  }
  get texts(): readonly string[] {
    return [...this.named.values()].map(({ text }) => text)
  }
}

export interface Optimizers {
  readonly functions: readonly string[]
  /** For each objective, parameters by the function that moves them. */
  readonly objectives: readonly { readonly loss: string; readonly updates: readonly Moved[] }[]
  readonly averages: readonly Moved[]
  readonly follows: readonly { readonly by: string; readonly slot: string; readonly leader: string }[]
  /** Results of the step that optimizers read. */
  readonly settings: readonly string[]
}
export interface Moved {
  readonly by: string
  readonly params: string[]
}

export function optimizersOf(
  program: Program,
  train: TrainSection,
  optimizerName: (k: number) => string,
): Optimizers {
  const names = new Names(["Training", "PROGRAM"])
  const functions = new Functions(names)
  const settings = [
    ...new Set(
      train.objectives.flatMap(({ updates }) =>
        updates.flatMap(({ section }) =>
          section.inputs.flatMap(({ source }) => (source.kind === "step" ? [source.result] : [])),
        ),
      ),
    ),
  ]
  const objectives = train.objectives.map(({ loss, updates }, k) => ({
    loss,
    updates: grouped(updates, (u) =>
      functions.add(optimizerName(k), ["p", "g", "state", "step", "settings"], update(program, u, settings)),
    ),
  }))
  const averages = grouped(train.averages, (a) =>
    functions.add("average", ["average", "p", "step"], average(program, a)),
  )
  const follows = train.follows.map((f) => ({
    by: functions.add("follow", ["average", "p", "step"], average(program, f)),
    slot: f.slot,
    leader: f.param,
  }))
  return { functions: functions.texts, objectives, averages, follows, settings }
}

function grouped<T extends { readonly param: string }>(
  all: readonly T[],
  functionOf: (each: T) => string,
): Moved[] {
  const groups = new Map<string, string[]>()
  for (const each of all) {
    const by = functionOf(each)
    groups.set(by, [...(groups.get(by) ?? []), each.param])
  }
  return [...groups].map(([by, params]) => ({ by, params }))
}

const scalarStep: Term = { code: atom("step"), dtype: "i32", shape: [], held: [], scalar: true }

function update(
  program: Program,
  { param, section }: ParameterUpdate,
  settings: readonly string[],
): string[] {
  const key = (slot: string): Code => {
    if (slot.startsWith(`${param}/`)) return atom(`state[${quoted(slot.slice(param.length + 1))}]`)
    return slot === param ? atom("p") : bug(`an optimizer reads ${slot}`)
  }
  const { lines, results } = program.free(
    section,
    new Names(["p", "g", "state", "step", "settings"]),
    { read: key, update: (slot, value) => `${key(slot).text} = ${value.text}`, scalar: (name) => atom(name) },
    (name, source, type) => {
      if (source.kind === "scalar") return source.scalar === "step" ? scalarStep : undefined
      if (source.kind === "step") return made(atom(`settings[${settings.indexOf(source.result)}]`), type)
      return made(atom(name), type)
    },
  )
  return returning(lines, [results[0]!.code.text])
}

function average(program: Program, { section }: ParameterAverage): string[] {
  const { lines, results } = program.free(
    section,
    new Names(["average", "p", "step"]),
    {
      read: () => bug("an average reads a slot"),
      update: () => bug("an average changes a slot"),
      scalar: (name) => atom(name),
    },
    (name, source, type) => (source.kind === "scalar" ? scalarStep : made(atom(name), type)),
  )
  return returning(lines, [results[0]!.code.text])
}

/** The slot in which the gradients of a parameter are added up. */
export const gradientSum = (param: string): string => `${param}/grad_sum`

/** `initial_values`: the first values of all slots, in their order; `accumulated`: parameters whose gradients are summed up. */
export function initialValues(
  program: Program,
  slots: readonly Slot[],
  accumulated: readonly string[],
): readonly string[] {
  const byName = new Map(slots.map((s) => [s.name, s]))
  const done = new Set<string>()
  const lines: string[] = []
  const names = new Names(["values"])
  const write = (slot: Slot): void => {
    if (done.has(slot.name)) return
    done.add(slot.name)
    for (const read of readsIn(slot.init)) write(byName.get(read) ?? bug(`there is no slot ${read}`))
    const { lines: own, results } = program.free(
      slot.init,
      names,
      {
        read: (name) => atom(`values[${quoted(name)}]`),
        update: () => bug("a first value changes a slot"),
        scalar: (name) => atom(`draws.${name}`),
      },
      () => undefined,
    )
    const result = results[0] ?? bug(`${slot.name} has no first value`)
    const tensor = result.isNumber ? numberOf(result.code.text, slot) : result.code.text
    lines.push(...own, `values[${quoted(slot.name)}] = ${tensor}`)
  }
  slots.forEach(write)
  for (const param of accumulated)
    lines.push(`values[${quoted(gradientSum(param))}] = torch.zeros_like(values[${quoted(param)}])`)
  return [
    "def initial_values():",
    ...indented([
      '"""First values of parameters and states, and of what optimizers keep, by name."""',
      "values = {}",
      ...lines,
      "return values",
    ]),
  ]
}
const numberOf = (text: string, { type }: Slot): string =>
  `torch.tensor(${text}${type.dtype === "f32" ? "" : `, dtype=${TORCH_DTYPES[type.dtype]}`})`

function readsIn(section: Section): string[] {
  const found: string[] = []
  const walk = (body: Section["body"]): void => {
    for (const s of body) {
      if (s.kind === "read") found.push(s.slot)
      if (s.kind === "call") walk(s.body)
    }
  }
  walk(section.body)
  return found
}

export const every = (each: { readonly unit: string; readonly count: number } | null): string =>
  each === null ? "None" : tuple([quoted(each.unit), String(each.count)])
