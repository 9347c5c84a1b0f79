/** check: the data sets that a train section reads, and their fields as names in its body: by their own names, and of several sets also
 *  as `labelled.x`, which is the only name of a field where two sets have one called so.
 *  Not here:   checking the sections of data sets (data/). */
import type { DataDecl, FieldDecl, Name, TrainDecl } from "../ir/ast/types.js"
import { joined, nameBeside } from "../ir/model/section-data.js"
import type { DataSet, Field, Section } from "../ir/model/types.js"
import { BATCH, tensorType } from "../ir/tensor.js"
import { topEnv, type Cx, type Env } from "./env.js"
import { complain, meantName } from "./report.js"
import type { ModuleScope } from "./resolve.js"
import { addInput, newSection, usedValues } from "./section.js"
import * as v from "./values.js"
import type { Value } from "./values.js"

/** The first one leads. */
export type ReadSets = readonly ReadSet[]
interface ReadSet {
  /** The names in the head of the train section. */
  readonly at: Name
  readonly decl: DataDecl
  readonly set: DataSet
}

/** A field, by its name in the section. */
export interface ReadField {
  readonly field: Field
  readonly decl: FieldDecl
}

/** Finds the sets that a train section names; undefined where a name stands for no data set, or for one with mistakes. */
export function readSetsOf(
  cx: Cx,
  module: ModuleScope,
  decl: TrainDecl,
  dataSets: ReadonlyMap<DataDecl, DataSet>,
): ReadSets | undefined {
  const names = decl.data ? [decl.data, ...decl.beside] : []
  const sets: ReadSet[] = []
  for (const [i, at] of names.entries()) {
    const first = names.slice(0, i).find(({ text }) => text === at.text)
    if (first) {
      refuseTwice(cx, module, at, first)
      continue
    }
    const data = dataNamed(cx, module, at, names)
    const set = data && dataSets.get(data)
    if (!set) return undefined
    sets.push({ at, decl: data, set })
  }
  return sets
}

/** The sets as if they were one. */
export function joinedSet([lead, ...beside]: ReadSets): DataSet | undefined {
  return (
    lead &&
    joined(
      lead.set,
      beside.map(({ set }) => set),
    )
  )
}

const nameIn = (sets: ReadSets, { decl }: ReadSet, field: string): string =>
  decl === sets[0]?.decl ? field : nameBeside(decl.name.text, field)

export function fieldRead(sets: ReadSets, name: string): ReadField | undefined {
  for (const read of sets)
    for (const decl of read.decl.fields)
      if (nameIn(sets, read, decl.name.text) === name) {
        const field = read.set.fields.find((each) => each.name === decl.name.text)
        return field && { field, decl }
      }
  return undefined
}

/** Puts the fields in sight. */
export function bindFields(env: Env, sets: ReadSets): void {
  const owners = new Map<string, string[]>()
  for (const { decl } of sets)
    for (const { name } of decl.fields)
      owners.set(name.text, [...(owners.get(name.text) ?? []), decl.name.text])
  for (const read of sets) {
    const fields = new Map(
      read.decl.fields.map(({ name: { text } }): [string, Value] => {
        const field = read.set.fields.find(({ name }) => name === text)
        // The mistakes of the other fields have been reported where they are declared.
        return [text, field ? batchOf(env, field, nameIn(sets, read, text)) : v.ERROR]
      }),
    )
    const bind = (name: string, value: Value): void =>
      void env.scope.names.set(name, { value, span: read.at.span, kind: "argument" })
    for (const [name, value] of fields) {
      const owning = owners.get(name) ?? []
      bind(name, owning.length > 1 ? { kind: "clash", name, sets: owning } : value)
    }
    if (sets.length > 1) bind(read.decl.name.text, { kind: "fields", set: read.decl.name.text, fields })
  }
}

/** The warnings about doubtful pairs know the last stage of a field, like a function. */
function batchOf(env: Env, { type, stages }: Field, name: string): Value {
  const input = addInput(env.section, name, tensorType(type.dtype, [BATCH, ...type.shape]), {
    kind: "data",
    field: name,
  })
  const last = stages.at(-1)
  return last && input.kind === "tensor" ? { ...input, madeBy: last.kind } : input
}

function dataNamed(cx: Cx, module: ModuleScope, at: Name, listed: readonly Name[]): DataDecl | undefined {
  const global = module.names.get(at.text)
  if (global?.kind === "data" && global.decl.kind === "data") return global.decl
  const all = [...module.names].flatMap(([name, g]) =>
    g.kind === "data" && g.decl.kind === "data" && !listed.some(({ text }) => text === name)
      ? [{ name, decl: g.decl }]
      : [],
  )
  const known = all.map(({ name }) => name)
  complain(topEnv(cx, module, newSection(true)), {
    code: "data-unknown",
    message: `there is no data \`${at.text}\``,
    span: at.span,
    label: global ? "not a `data` declaration" : "not declared",
    ...(meantName(at.text, at.span, known) ?? {
      help:
        known.length > 0
          ? `declared are ${known.join(", ")}`
          : 'declare it: `data name = csv("...") { ... }`',
    }),
  })
  // The only one there is will be meant, and the rest is checked with its fields.
  return all.length === 1 ? all[0]!.decl : undefined
}

function refuseTwice(cx: Cx, module: ModuleScope, at: Name, first: Name): void {
  const { file, start, end } = at.span
  const comma = /\s*,\s*$/.exec(file.text.slice(0, start))
  complain(topEnv(cx, module, newSection(true)), {
    code: "data-twice",
    message: `\`${at.text}\` is read already`,
    span: at.span,
    label: "the second of this name",
    related: [{ span: first.span, text: "gives its rows here" }],
    help: "a step takes rows of each set once; leave it out",
    ...(comma && { fix: { span: { file, start: comma.index, end }, replacement: "" } }),
  })
}

/** Notes which fields of each set a section reads. */
export function noteUsedFields(env: Env, sets: ReadSets, ...sections: readonly Section[]): void {
  const names = new Set<string>()
  for (const { body, inputs, results } of sections) {
    const values = usedValues(body)
    for (const r of results) values.add(r.value)
    for (const { source, id, name } of inputs) if (source.kind === "data" && values.has(id)) names.add(name)
  }
  for (const read of sets) {
    const { used } = env.cx.fields.get(read.decl) ?? { used: new Set<string>() }
    for (const { name } of read.decl.fields) if (names.has(nameIn(sets, read, name.text))) used.add(name.text)
    env.cx.fields.set(read.decl, { env, used })
  }
}

/** Warns of fields that no section reads, in data sets that sections train on. */
export function warnOfUnusedFields({ fields }: Cx): void {
  for (const [data, { env, used }] of fields)
    for (const field of data.fields)
      if (!used.has(field.name.text))
        complain(env, {
          severity: "warning",
          code: "field-unused",
          message: `the field \`${field.name.text}\` of \`${data.name.text}\` is never used`,
          span: field.name.span,
          label: "read from the data, and then by nothing",
          help: "use it in the train section, or remove it",
        })
}
