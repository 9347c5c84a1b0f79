/** driver: the data sets of a model, read by the host, and the diagnostics about the program that their rows give rise to.
 *  Guarantees: a problem with data is shown at the part of the declaration that meets it.
 *  Not here:   files and formats (the host), laying out memory for the rows (sizes.ts). */
import type { DataSpec, DrawSpec } from "../../runtime/bundle/format.js"
import type { ValueRange } from "../check/doubts/ranges.js"
import type { RunLength } from "../check/run-length.js"
import type { DataDecl, Module, SettingStmt, TrainDecl } from "../ir/ast/types.js"
import { fieldBounds, type RowBounds } from "../ir/model/index-bounds.js"
import { fieldPlace } from "../ir/model/section-data.js"
import type { DataSet, Model, ModelStmt, ModelValue, Section, TrainSection } from "../ir/model/types.js"
import { evalShape, type Shape } from "../ir/tensor.js"
import type { DataRows } from "./sizes.js"
import type { Diagnostic, Diagnostics, Label } from "../source/diagnostic.js"
import type { CodePages } from "../source/codes.js"
import { spanText } from "../source/source.js"

/** The facts that reading a data set gives: the number of rows, and the fitted description. */
export interface DataFacts extends DataRows {
  readonly spec: DataSpec
  /** The ranges of the fields that were asked for. */
  readonly ranges?: ReadonlyMap<string, ValueRange>
}
export interface DataHost {
  /** Reads, splits and fits the data, or returns a diagnostic. */
  data(set: DataSet, about: DataContext): DataFacts | Diagnostic
}
export interface DataContext {
  /** Where the program uses fields as indices, and how far those may go. */
  readonly bounds: ReadonlyMap<string, RowBounds>
  /** Fields whose values are to be looked at. */
  readonly ranged: ReadonlySet<string>
  /** How train sections draw its rows. */
  readonly draws: readonly DrawSpec[]
  /** The place of a part of the declaration, for messages. */
  place(part: DataPart): Label | undefined
}
export type DataPart =
  { readonly field: string } | "source" | "val" | "test" | "split" | "windows" | "where" | "draw"

/** The facts by name of the data set. `modules`: the program and its imports. */
export function readData(
  model: Model,
  modules: readonly Module[],
  host: DataHost,
  diagnostics: Diagnostics,
  lengths: readonly RunLength[] = [],
): Map<string, DataFacts> {
  const declarations = modules.flatMap((module) => module.declarations)
  const trains = declarations.filter((d): d is TrainDecl => d.kind === "train")
  const facts = new Map<string, DataFacts>()
  for (const set of model.data) {
    const decl = declarations.find((d): d is DataDecl => d.kind === "data" && d.name.text === set.name)
    const found = host.data(set, {
      bounds: fieldBounds(model, set.name),
      ranged: new Set(
        lengths
          .flatMap((each) => each.ranges.map(({ field }) => rangePlace(each, field)))
          .flatMap((place) => (place?.data === set.name ? [place.field] : [])),
      ),
      draws: model.trains.flatMap(({ data, settings }) =>
        data === set.name && settings.draw ? [settings.draw] : [],
      ),
      place: (part) => (part === "draw" ? drawPlace(trains, set.name) : decl && placeOf(decl, part)),
    })
    if ("code" in found) diagnostics.add(repaired(found))
    else facts.set(set.name, found)
  }
  for (const train of model.trains) {
    const rows = train.data === null ? undefined : facts.get(train.data)?.trainRows
    const decl = trains.find((d) => (d.name?.text ?? "train") === train.name)
    if (rows === undefined || !decl) continue
    checkBatch(train, decl, rows, diagnostics)
    checkLastBatch(train, decl, rows, diagnostics)
  }
  return facts
}

/** The range of a field that a section asks for. */
export const rangesRead =
  (each: RunLength, facts: ReadonlyMap<string, DataFacts>) =>
  (field: string): ValueRange | undefined => {
    const place = rangePlace(each, field)
    return place && facts.get(place.data)?.ranges?.get(place.field)
  }

const rangePlace = ({ data }: RunLength, field: string): ReturnType<typeof fieldPlace> | undefined =>
  data === null ? undefined : fieldPlace(data, field)

/** Adds a fix to a message about rows that names the text or the stage that is meant. */
function repaired(said: Diagnostic): Diagnostic {
  const { help = "", message, primary } = said
  if (!primary || said.fix) return said
  const { file, start, end } = primary.span
  const text = file.text.slice(start, end)
  const replaced = (from: string, replacement: string): Diagnostic => {
    const at = text.indexOf(from)
    if (at < 0 || text.indexOf(from, at + 1) >= 0) return said
    return { ...said, fix: { span: { file, start: start + at, end: start + at + from.length }, replacement } }
  }
  const name = /^did you mean ("[^"]*")\?$/.exec(help)?.[1]
  const missing = /no column ("[^"]*")/.exec(message)?.[1]
  if (name !== undefined && missing !== undefined) return replaced(missing, name)
  const stage = /\bwrite `?((\w+)\(\d+\))`?/.exec(help)
  const written = stage && new RegExp(`\\b${stage[2]}\\(\\s*\\d+\\s*\\)`).exec(text)?.[0]
  return stage && written ? replaced(written, stage[1]!) : said
}

/** The model, with how its fields are stored. */
export function asStored(model: Model, facts: ReadonlyMap<string, DataFacts>): Model {
  const data = model.data.map((set): DataSet => {
    const specs = facts.get(set.name)?.spec.fields ?? []
    const fields = set.fields.map((field) => {
      const { stored } = specs.find(({ name }) => name === field.name) ?? {}
      return { ...field, ...(stored && { stored }) }
    })
    return { ...set, fields }
  })
  return { ...model, data }
}

function placeOf(decl: DataDecl, part: Exclude<DataPart, "draw">): Label | undefined {
  if (part === "source") return { span: decl.source.span, text: "this source" }
  if (part === "val") return decl.val && { span: decl.val.span, text: "this source of validation rows" }
  if (part === "test") return decl.test && { span: decl.test.span, text: "this source of test rows" }
  if (part === "split") return decl.split && { span: decl.split.span, text: "this split" }
  if (part === "where") {
    const [first] = decl.where ?? []
    return first && { span: first.span, text: "this condition" }
  }
  if (part === "windows")
    return decl.windows
      ? { span: decl.windows.span, text: "these windows" }
      : { span: decl.source.span, text: "the source of these windows" }
  const field = decl.fields.find(({ name }) => name.text === part.field)
  return field && { span: field.span, text: `read by the field \`${part.field}\`` }
}

function drawPlace(trains: readonly TrainDecl[], data: string): Label | undefined {
  const settings = trains.filter((train) => train.data?.text === data).flatMap(({ body }) => body)
  const arg = settings
    .map((s) => (s.kind === "setting" ? s.arg : undefined))
    .find((each) => each !== undefined)
  return arg && { span: arg.span, text: "rows are drawn by this" }
}

const batchSetting = (decl: TrainDecl): SettingStmt | undefined =>
  decl.body.find((s): s is SettingStmt => s.kind === "setting" && s.name.text === "batch")

export const rowCodes: CodePages = {
  "target-range": {
    title: "targets that a loss does not take, or that the model cannot give",
    explanation:
      "bce takes targets from 0 to 1, hinge and cosine_embedding 1 and -1, poisson_nll counts. A model that ends with sigmoid gives 0 to 1, with relu nothing below 0: a target outside of that is never reached. The values are those of all rows as the field prepares them.",
    pytorch: "PyTorch checks such targets only in binary_cross_entropy, and its prediction, not its target.",
  },
  "features-large": {
    title: "inputs of a thousand and more, as they are read",
    explanation:
      "Weights start near 0 and move by small steps, which suits inputs near 0. `|> standardize` brings every column to mean 0 and deviation 1, `|> minmax` to 0 to 1; bytes of images become 0 to 1 by `|> scale(1 / 255)`.",
    pytorch: "It is a StandardScaler, or a division by 255, that was left out.",
  },
  "batch-rows": {
    title: "a batch larger than the data",
    explanation:
      "There are fewer training rows than `batch` says, so every step takes all of them. With `drop_last` no step would be left, and that is an error.",
    pytorch: "A DataLoader gives one short batch, and with drop_last=True none at all, without a word.",
  },
}

/** A batch that the rows do not fill. */
function checkBatch(
  { settings, data }: TrainSection,
  decl: TrainDecl,
  rows: number,
  diagnostics: Diagnostics,
): void {
  const { batch, dropLast } = settings
  const setting = batchSetting(decl)
  if (batch === null || batch <= rows || !setting) return
  const count = rows === 1 ? "1 row" : `${rows} rows`
  diagnostics.add({
    code: "batch-rows",
    severity: dropLast ? "error" : "warning",
    message: dropLast
      ? `\`drop_last\` leaves no step: a batch of ${batch} is never full, for \`${data}\` has ${count} to train on`
      : `a batch of ${batch} is never full, for \`${data}\` has ${count} to train on`,
    primary: { span: setting.span, text: `every step takes ${count}` },
    help: `use a batch of at most ${rows}`,
    ...(setting.value &&
      /^\d+$/.test(spanText(setting.value.span)) && {
        fix: { span: setting.value.span, replacement: String(rows) },
      }),
  })
}

/** Rows that are left over for a last batch, of which a batch norm has too few. */
function checkLastBatch(
  { settings, data, step }: TrainSection,
  decl: TrainDecl,
  rows: number,
  diagnostics: Diagnostics,
): void {
  const { batch, dropLast } = settings
  const setting = batchSetting(decl)
  const last = rows % (batch ?? rows)
  if (!setting || dropLast || last === 0) return
  const norm = callsIn(step).find(
    ({ declaration, input }) =>
      /^BatchNorm\dd$/.test(declaration) &&
      evalShape(input, { B: last, R: rows }).every((size, axis) => axis === 1 || size === 1),
  )
  if (norm === undefined) return
  diagnostics.add({
    code: "batch-norm-one",
    severity: "error",
    message: `batch normalisation needs more than one value per channel, and the last batch of an epoch has ${last} row: \`${data}\` has ${rows} to train on`,
    primary: { span: setting.span, text: `${last} row is left over for \`${norm.declaration}\`` },
    help: "`drop_last` leaves it out; or choose another size of batches",
  })
}

interface CallOfLayer {
  readonly declaration: string
  /** The shape of its first argument. */
  readonly input: Shape
}
function callsIn({ inputs, body }: Section): CallOfLayer[] {
  const shapes = new Map<ModelValue, Shape>(inputs.map(({ id, type }) => [id, type.shape]))
  const out: CallOfLayer[] = []
  const visit = (list: readonly ModelStmt[]): void => {
    for (const s of list) {
      if (s.kind === "op" || s.kind === "read") shapes.set(s.id, s.type.shape)
      if (s.kind !== "call") continue
      const input = shapes.get(s.args[0] ?? -1)
      if (input) out.push({ declaration: s.declaration, input })
      visit(s.body)
    }
  }
  visit(body)
  return out
}
