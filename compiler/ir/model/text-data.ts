/** ir/model: data sets and training settings as text, and back. */
import { jsonText } from "../../source/visible.js"
import { printType } from "../tensor.js"
import {
  oneOf,
  originComment,
  parseName,
  parseOrigin,
  parseTypeAt,
  printName,
  printNumber,
} from "../text/notation.js"
import { parseRecord, printRecord } from "../text/record.js"
import type { Cursor } from "../text/scanner.js"
import type {
  Budget,
  ColumnSelection,
  Condition,
  DataSet,
  DataSource,
  Draw,
  Field,
  FieldStage,
  Split,
  Stored,
  TrainSettings,
  Watched,
  Windows,
} from "./types.js"

const quote: (text: string) => string = jsonText

export function printDataSet(set: DataSet): string {
  return [
    `data ${printName(set.name)} = ${printRecord(set.source)} {${originComment(set.origin)}`,
    ...set.fields.map((f) => `  ${printField(f)}`),
    ...(set.split ? [`  ${printRecord({ kind: "split", ...set.split })}`] : []),
    ...(set.windows ? [`  ${printRecord({ kind: "windows", ...set.windows })}`] : []),
    ...(set.where ? [`  where ${printRecord(set.where)}`] : []),
    ...(set.val ? [`  val = ${printRecord(set.val)}`] : []),
    ...(set.test ? [`  test = ${printRecord(set.test)}`] : []),
    "}",
  ].join("\n")
}

function printField(field: Field): string {
  const { columns } = field
  const selection = columns.kind === "all" ? "all" : `${columns.kind}(${columns.names.map(quote).join(", ")})`
  const window = field.window ? ` window ${field.window.from} to ${field.window.to}` : ""
  const stages = window + field.stages.map((s) => ` |> ${printRecord(s)}`).join("")
  const stored = field.stored ? ` stored ${field.stored.type} ${field.stored.values}` : ""
  return `field ${printName(field.name)}: ${printType(field.type)} = ${selection}${stages}${stored}${originComment(field.origin)}`
}

export function parseDataSet(c: Cursor): DataSet {
  c.expect("data")
  const name = parseName(c)
  c.expect("=")
  const source = parseRecord<DataSource>(c, SOURCES)
  c.expect("{")
  const origin = parseOrigin(c.comment())
  const fields: Field[] = []
  while (c.accept("field")) fields.push(parseField(c))
  const split = c.is("split") ? withoutKind(parseRecord<Split & { kind: "split" }>(c, { split: true })) : null
  const windows = c.is("windows")
    ? withoutKind(parseRecord<Windows & { kind: "windows" }>(c, { windows: true }))
    : null
  const where = c.accept("where") ? parseRecord<Condition>(c, { cell: true, all: true, any: true }) : null
  const part = (word: string): DataSource | null => {
    if (!c.accept(word)) return null
    c.expect("=")
    return parseRecord<DataSource>(c, SOURCES)
  }
  const [val, test] = [part("val"), part("test")]
  c.expect("}")
  return { name, source, fields, split, windows, where, val, test, origin }
}

const SOURCES: Readonly<Record<DataSource["kind"], true>> = {
  csv: true,
  jsonl: true,
  json: true,
  npz: true,
  parquet: true,
  images: true,
  text: true,
  idx: true,
  npy: true,
  array: true,
}
const STAGES: Readonly<Record<FieldStage["kind"], true>> = {
  standardize: true,
  minmax: true,
  scale: true,
  one_hot: true,
  classes: true,
  categories: true,
  slice: true,
  vocabulary: true,
  hash: true,
  date: true,
  fill: true,
  missing: true,
  clip: true,
  log: true,
  log1p: true,
  bins: true,
  tokens: true,
}

const withoutKind = <T extends { readonly kind: string }>({ kind: _, ...rest }: T): Omit<T, "kind"> => rest

const STORED_TYPES: readonly Stored["type"][] = ["u8", "i8", "u16", "i16"]
const STORED_VALUES: readonly Stored["values"][] = ["code", "one", "each"]

function parseField(c: Cursor): Field {
  const name = parseName(c)
  c.expect(":")
  const type = parseTypeAt(c)
  c.expect("=")
  const columns = parseColumns(c)
  const window = parseWindow(c)
  const stages: FieldStage[] = []
  while (c.accept("|>")) stages.push(parseRecord<FieldStage>(c, STAGES))
  const stored = c.accept("stored") && {
    stored: { type: oneOf(c, STORED_TYPES), values: oneOf(c, STORED_VALUES) },
  }
  return { name, type, columns, ...window, stages, ...stored, origin: parseOrigin(c.comment()) }
}

function parseWindow(c: Cursor): Pick<Field, "window"> {
  if (!c.accept("window")) return {}
  const from = c.integer()
  c.expect("to")
  return { window: { from, to: c.integer() } }
}

function parseColumns(c: Cursor): ColumnSelection {
  if (c.accept("all")) return { kind: "all" }
  const kind = c.accept("only") ? "only" : "except"
  if (kind === "except") c.expect("except")
  return { kind, names: c.list("(", ")", () => c.string()) }
}

type Every = TrainSettings["reportEvery"]
const printEvery = (e: Every | null): string => (e === null ? "none" : `${e.count} ${e.unit}`)
const printWatched = ({ better, metric }: Watched): string => `${better} ${quote(metric)}`
const orNone = (n: number | null): string => (n === null ? "none" : printNumber(n))

/** Every setting, on one line. */
export const printSettings = (s: TrainSettings): string =>
  [
    `batch ${orNone(s.batch)}`,
    `shuffle ${s.shuffle}`,
    `draw ${s.draw === null ? "none" : `${s.draw.by} ${quote(s.draw.column)}`}`,
    `drop_last ${s.dropLast}`,
    `seed ${s.seed}`,
    `duration ${printEvery(s.duration)}`,
    `report ${printEvery(s.reportEvery)}`,
    `checkpoint ${printEvery(s.checkpointEvery)}`,
    `patience ${s.patience === null ? "none" : `${printEvery(s.patience)} ${printWatched(s.patience)}`}`,
    `keep ${s.keepBest === null ? "none" : printWatched(s.keepBest)}`,
    `keep_last ${s.keepLast}`,
    `clip_norm ${orNone(s.clipNorm)}`,
    `clip_value ${orNone(s.clipValue)}`,
    `accumulate ${s.accumulate}`,
    `budget ${s.budget === null ? "none" : `${s.budget.bytes} at ${quote(s.budget.origin.at)}`}`,
  ].join(", ")

export function parseSettings(c: Cursor): TrainSettings {
  const named = <T>(name: string, read: () => T): T => {
    c.expect(name)
    const value = read()
    c.accept(",")
    return value
  }
  const orNull = <T>(read: () => T): T | null => (c.accept("none") ? null : read())
  const flag = (): boolean => {
    if (c.accept("true")) return true
    c.expect("false")
    return false
  }
  const every = (): Every => {
    const count = c.integer()
    if (c.accept("steps")) return { unit: "steps", count }
    c.expect("epochs")
    return { unit: "epochs", count }
  }
  const watched = (): Watched => {
    const isHigher = c.accept("higher")
    if (!isHigher) c.expect("lower")
    return { better: isHigher ? "higher" : "lower", metric: c.string() }
  }
  const draw = (): Draw => {
    const by = oneOf(c, ["weight", "balanced"] as const)
    return { by, column: c.string() }
  }
  const budget = (): Budget => {
    const bytes = c.integer()
    c.expect("at")
    return { bytes, origin: { at: c.string() } }
  }
  return {
    batch: named("batch", () => orNull(() => c.integer())),
    shuffle: named("shuffle", flag),
    draw: named("draw", () => orNull(draw)),
    dropLast: named("drop_last", flag),
    seed: named("seed", () => c.integer()),
    duration: named("duration", every),
    reportEvery: named("report", every),
    checkpointEvery: named("checkpoint", () => orNull(every)),
    patience: named("patience", () => orNull(() => ({ ...every(), ...watched() }))),
    keepBest: named("keep", () => orNull(watched)),
    keepLast: named("keep_last", () => c.integer()),
    clipNorm: named("clip_norm", () => orNull(() => c.number())),
    clipValue: named("clip_value", () => orNull(() => c.number())),
    accumulate: named("accumulate", () => c.integer()),
    budget: named("budget", () => orNull(budget)),
  }
}
