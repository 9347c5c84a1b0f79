/** ir/model: the fields that a train section reads, by their names in it: those of the data set that leads by their own, those of the
 *  sets beside it as `set.field`.
 *  Guarantees: these are the names in graphs, kernels and bundles (`TrainSpec.beside`). */
import type { DataSet, Field, Model, TrainSection } from "./types.js"

/** The data of a train section as if it were one set: the fields of all sets, the rest of the leading one. */
export const joined = (data: DataSet, beside: readonly DataSet[]): DataSet => ({
  ...data,
  fields: [...data.fields, ...beside.flatMap(({ name, fields }) => fields.map((f) => asBeside(name, f)))],
})

/** The name of a field of a set beside the leading one. */
export const nameBeside = (set: string, field: string): string => `${set}.${field}`

const asBeside = (set: string, field: Field): Field => ({ ...field, name: nameBeside(set, field.name) })

/** Undefined for a section without data. */
export function sectionData(
  model: Pick<Model, "data">,
  { data, beside }: Pick<TrainSection, "data" | "beside">,
): DataSet | undefined {
  const named = (wanted: string): DataSet[] => model.data.filter(({ name }) => name === wanted)
  const [lead] = data === null ? [] : named(data)
  return lead && joined(lead, beside.flatMap(named))
}

/** The data set and the field in it of a name in a section. */
export function fieldPlace(data: string, name: string): { readonly data: string; readonly field: string } {
  const dot = name.indexOf(".")
  return dot < 0 ? { data, field: name } : { data: name.slice(0, dot), field: name.slice(dot + 1) }
}
