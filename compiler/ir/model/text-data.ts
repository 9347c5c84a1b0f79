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
import type { Cursor } from "../text/scanner.js"
import type {
  Budget,
  ColumnSelection,
  DataSet,
  DataSource,
  Field,
  FieldStage,
  Stored,
  TrainSettings,
} from "./types.js"

const quote: (text: string) => string = jsonText

export function printDataSet(set: DataSet): string {
  return [
    `data ${printName(set.name)} = ${printSourceOf(set.source)} {${originComment(set.origin)}`,
    ...set.fields.map((f) => `  ${printField(f)}`),
    ...(set.split
      ? [
          `  split ${printNumber(set.split.train)} ${printNumber(set.split.test)} seed ${printNumber(set.split.seed)}`,
        ]
      : []),
    ...(set.test ? [`  test = ${printSourceOf(set.test)}`] : []),
    "}",
  ].join("\n")
}

function printSourceOf(source: DataSource): string {
  if (source.kind === "csv") return `csv(${quote(source.path)}, ${quote(source.delimiter)})`
  if (source.kind === "text")
    return `text(${quote(source.path)}, window ${source.window}, stride ${source.stride})`
  if ("path" in source) return `${source.kind}(${quote(source.path)})`
  if (source.kind === "array") {
    const columns = source.columns.map(
      (c) => `${printName(c.column)}: [${c.shape.join(", ")}] [${c.values.map(printNumber).join(", ")}]`,
    )
    return `array(${columns.join(", ")})`
  }
  return `${source.kind}(${source.files.map((f) => `${printName(f.column)}: ${quote(f.path)}`).join(", ")})`
}

function printField(field: Field): string {
  const { columns } = field
  const selection = columns.kind === "all" ? "all" : `${columns.kind}(${columns.names.map(quote).join(", ")})`
  const stages = field.stages.map((s) => ` ${printStage(s)}`).join("")
  const stored = field.stored ? ` stored ${field.stored.type} ${field.stored.values}` : ""
  const pieces = field.pieces ? ` pieces ${field.pieces.count} of ${field.pieces.rows}` : ""
  return `field ${printName(field.name)}: ${printType(field.type)} = ${selection}${stages}${stored}${pieces}${originComment(field.origin)}`
}

function printStage(stage: FieldStage): string {
  switch (stage.kind) {
    case "standardize":
    case "minmax":
      return stage.kind
    case "scale":
      return `scale(${printNumber(stage.by)})`
    case "one_hot":
      return `one_hot(${stage.classes})`
    case "classes":
    case "categories":
      return `${stage.kind}(${stage.count})`
    case "slice":
      return `slice(${stage.from}, ${stage.to})`
    case "vocabulary":
      return `vocabulary(${stage.size})`
  }
}

export function parseDataSet(c: Cursor): DataSet {
  c.expect("data")
  const name = parseName(c)
  c.expect("=")
  const source = parseSourceOf(c)
  c.expect("{")
  const origin = parseOrigin(c.comment())
  const fields: Field[] = []
  while (c.accept("field")) fields.push(parseField(c))
  let split: DataSet["split"] = null
  if (c.accept("split")) {
    const [train, test] = [c.number(), c.number()]
    c.expect("seed")
    split = { train, test, seed: c.number() }
  }
  let test: DataSource | null = null
  if (c.accept("test")) {
    c.expect("=")
    test = parseSourceOf(c)
  }
  c.expect("}")
  return { name, source, fields, split, test, origin }
}

function parseSourceOf(c: Cursor): DataSource {
  if (c.accept("csv")) {
    c.expect("(")
    const path = c.string()
    c.expect(",")
    const delimiter = c.string()
    c.expect(")")
    return { kind: "csv", path, delimiter }
  }
  for (const kind of ["jsonl", "npz"] as const)
    if (c.accept(kind)) {
      c.expect("(")
      const path = c.string()
      c.expect(")")
      return { kind, path }
    }
  if (c.accept("text")) {
    c.expect("(")
    const path = c.string()
    c.expect(",")
    c.expect("window")
    const window = c.integer()
    c.expect(",")
    c.expect("stride")
    const stride = c.integer()
    c.expect(")")
    return { kind: "text", path, window, stride }
  }
  if (c.accept("array")) {
    const columns = c.list("(", ")", () => {
      const column = parseName(c)
      c.expect(":")
      const shape = c.list("[", "]", () => c.integer())
      return { column, shape, values: c.list("[", "]", () => c.number()) }
    })
    return { kind: "array", columns }
  }
  const kind = c.accept("idx") ? "idx" : "npy"
  if (kind === "npy") c.expect("npy")
  const files = c.list("(", ")", () => {
    const column = parseName(c)
    c.expect(":")
    return { column, path: c.string() }
  })
  return { kind, files }
}

const STORED_TYPES: readonly Stored["type"][] = ["u8", "i8", "u16", "i16"]
const STORED_VALUES: readonly Stored["values"][] = ["code", "one", "each"]

function parseField(c: Cursor): Field {
  const name = parseName(c)
  c.expect(":")
  const type = parseTypeAt(c)
  c.expect("=")
  const columns = parseColumns(c)
  const stages: FieldStage[] = []
  for (let stage = parseStage(c); stage; stage = parseStage(c)) stages.push(stage)
  const stored = c.accept("stored") && {
    stored: { type: oneOf(c, STORED_TYPES), values: oneOf(c, STORED_VALUES) },
  }
  return { name, type, columns, stages, ...stored, ...parsePieces(c), origin: parseOrigin(c.comment()) }
}

function parsePieces(c: Cursor): Pick<Field, "pieces"> {
  if (!c.accept("pieces")) return {}
  const count = c.integer()
  c.expect("of")
  return { pieces: { rows: c.integer(), count } }
}

function parseColumns(c: Cursor): ColumnSelection {
  if (c.accept("all")) return { kind: "all" }
  const kind = c.accept("only") ? "only" : "except"
  if (kind === "except") c.expect("except")
  return { kind, names: c.list("(", ")", () => c.string()) }
}

function parseStage(c: Cursor): FieldStage | undefined {
  const argument = (): number => {
    c.expect("(")
    const n = c.number()
    c.expect(")")
    return n
  }
  if (c.accept("standardize")) return { kind: "standardize" }
  if (c.accept("minmax")) return { kind: "minmax" }
  if (c.accept("scale")) return { kind: "scale", by: argument() }
  if (c.accept("one_hot")) return { kind: "one_hot", classes: argument() }
  if (c.accept("classes")) return { kind: "classes", count: argument() }
  if (c.accept("categories")) return { kind: "categories", count: argument() }
  if (c.accept("vocabulary")) return { kind: "vocabulary", size: argument() }
  if (c.accept("slice")) {
    c.expect("(")
    const from = c.integer()
    c.expect(",")
    const to = c.integer()
    c.expect(")")
    return { kind: "slice", from, to }
  }
  return undefined
}

type Every = TrainSettings["reportEvery"]
const printEvery = (e: Every | null): string => (e === null ? "none" : `${e.count} ${e.unit}`)
const orNone = (n: number | null): string => (n === null ? "none" : printNumber(n))

/** Every setting, on one line. */
export const printSettings = (s: TrainSettings): string =>
  [
    `batch ${orNone(s.batch)}`,
    `shuffle ${s.shuffle}`,
    `drop_last ${s.dropLast}`,
    `seed ${s.seed}`,
    `duration ${printEvery(s.duration)}`,
    `report ${printEvery(s.reportEvery)}`,
    `checkpoint ${printEvery(s.checkpointEvery)}`,
    `keep ${s.keepBest === null ? "none" : `${s.keepBest.better} ${quote(s.keepBest.metric)}`}`,
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
  const keepBest = (): NonNullable<TrainSettings["keepBest"]> => {
    const isHigher = c.accept("higher")
    if (!isHigher) c.expect("lower")
    return { better: isHigher ? "higher" : "lower", metric: c.string() }
  }
  const budget = (): Budget => {
    const bytes = c.integer()
    c.expect("at")
    return { bytes, origin: { at: c.string() } }
  }
  return {
    batch: named("batch", () => orNull(() => c.integer())),
    shuffle: named("shuffle", flag),
    dropLast: named("drop_last", flag),
    seed: named("seed", () => c.integer()),
    duration: named("duration", every),
    reportEvery: named("report", every),
    checkpointEvery: named("checkpoint", () => orNull(every)),
    keepBest: named("keep", () => orNull(keepBest)),
    keepLast: named("keep_last", () => c.integer()),
    clipNorm: named("clip_norm", () => orNull(() => c.number())),
    clipValue: named("clip_value", () => orNull(() => c.number())),
    accumulate: named("accumulate", () => c.integer()),
    budget: named("budget", () => orNull(budget)),
  }
}
