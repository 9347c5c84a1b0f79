/** bundle: the TypeScript types of raw rows and predictions, from the fields of data sets.
 *  Not here:   the interfaces made of them (host-module.ts). */
import type {
  ConditionSpec,
  DataSpec,
  FieldSpec,
  PredictFeed,
  PredictSpec,
  SizeExpr,
} from "../../runtime/bundle/format.js"

/** How the runtime turns a prediction into values of a field's columns; undo: undefined where it leaves them as they are. */
export interface FieldMeaning {
  names(field: FieldSpec, count: number): readonly (string | number)[]
  undo(field: FieldSpec): unknown
}

type RowColumns = readonly { readonly name: string; readonly type: string }[]

/** The columns of a raw row; undefined when they are not the same in all train sections. */
export function rowColumns({ feeds }: PredictSpec, data: readonly DataSpec[]): RowColumns | undefined {
  const [first, ...others] = feeds.map((feed) => feedColumns(feed, data))
  return others.every((each) => JSON.stringify(each) === JSON.stringify(first)) ? first : undefined
}

/** Undefined when an input does not come from a data field, or comes from a text: a model that predicts from text has windows of its own, so it
 *  encodes them itself. */
function feedColumns({ inputs }: PredictFeed, data: readonly DataSpec[]): RowColumns | undefined {
  const found = new Map<string, string>()
  for (const { data: set, field } of inputs) {
    const spec = data.find(({ name }) => name === set)
    const of = spec?.fields.find(({ name }) => name === field)
    if (spec === undefined || of === undefined || spec.source.kind === "text") return undefined
    for (const name of of.columns) found.set(name, columnType(of, spec))
  }
  return [...found].map(([name, type]) => ({ name, type }))
}

/** A category is one of its names, or any where there is a number for others. A cell of a csv file is a number; a column of other sources may
 *  hold more, laid out flat. */
function columnType({ columns, shape, stages }: FieldSpec, { source }: DataSpec): string {
  const [first] = stages
  if (first?.kind === "categories") return first.unknown ? "string | null" : union(first.names)
  if (first?.kind === "hash" || first?.kind === "date" || first?.kind === "tokens") return "string | null"
  if (stages.some(({ kind }) => kind === "fill" || kind === "missing")) return "number | null"
  const isNumber = source.kind === "csv" || columns.length === shape.reduce((a, b) => a * b, 1)
  return isNumber ? "number" : "Numbers"
}

/** The type of an output for raw rows; a union where train sections disagree. */
export function predictionType(
  { feeds }: PredictSpec,
  output: string,
  data: readonly DataSpec[],
  meaning: FieldMeaning,
): string {
  const types = feeds.map(({ targets = [] }) => {
    const target = targets.find((each) => each.output === output)
    const set = data.find(({ name }) => name === target?.data)
    const field = set?.fields.find(({ name }) => name === target?.field)
    if (!target || !field) return "Tensor"
    const { as } = target
    if (as.kind === "value") return meaning.undo(field) ? "Values" : "Tensor"
    const names = meaning.names(field, as.kind === "binary" ? 2 : as.count)
    const all = names.length <= MOST_NAMES ? union(names) : "string | number"
    const known = as.kind === "binary" || as.scores !== "none" ? " & { readonly probabilities: Tensor }" : ""
    return `Classes<${all}>${known}`
  })
  return [...new Set(types)].join(" | ")
}

/** More are not written out. */
const MOST_NAMES = 200

export const union = (names: readonly (string | number)[]): string =>
  names.length === 0 ? "never" : names.map((name) => JSON.stringify(name)).join(" | ")

export const typeText = (dtype: string, shape: readonly SizeExpr[]): string =>
  shape.length === 0 ? dtype : `${dtype}[${shape.map(sizeText).join(", ")}]`

function sizeText(size: SizeExpr): string {
  if (typeof size === "number") return String(size)
  if (typeof size === "string") return size === "B" ? "rows" : "data rows"
  const [op, a, b] = size
  const sign = { add: "+", sub: "-", mul: "*", div: "/", min: "min", max: "max" }[op]
  return `${sizeText(a)} ${sign} ${sizeText(b)}`
}

/** The columns that fields, windows and conditions read, with their types. */
export function batchColumns(set: DataSpec): ReadonlyMap<string, string> {
  const { windows, where } = set
  const beside = [windows?.order, windows?.group, ...(where ? columnsIn(where) : [])]
  return new Map([
    ...beside.flatMap((name) => (name === undefined ? [] : [[name, "string | number | null"] as const])),
    ...set.fields.flatMap((field) => field.columns.map((name) => [name, columnType(field, set)] as const)),
  ])
}

const columnsIn = (condition: ConditionSpec): readonly string[] =>
  condition.kind === "cell" ? [condition.column] : condition.of.flatMap(columnsIn)
