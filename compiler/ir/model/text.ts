/** ir/model: a Model as text, and back.
 *  Guarantees: print, parse, print gives the same text; nothing of the Model is left out. Calls are nested as they stand in the
 *              source; each line ends with the place it comes from.
 *  Not here:   data sets and settings (text-data.ts), whether the Model makes sense (verify.ts). */
import { parseAttrs, printAttrs } from "../graph/text.js"
import { SLOT_ROLES } from "../graph/types.js"
import type { Origin } from "../origin.js"
import { printType } from "../tensor.js"
import {
  oneOf,
  originComment,
  parseName,
  parseOp,
  parseOrigin,
  parseTypeAt,
  printName,
  printSlotName,
} from "../text/notation.js"
import { jsonText } from "../../source/visible.js"
import { Cursor, type Locations } from "../text/scanner.js"
import { parseDataSet, parseSettings, printDataSet, printSettings } from "./text-data.js"
import type {
  ClassReport,
  Model,
  ModelInput,
  ModelRegion,
  ModelStmt,
  ModelValue,
  Objective,
  Observation,
  ParameterAverage,
  ParameterUpdate,
  PredictSection,
  Section,
  Slot,
  Target,
  TrainSection,
  Weights,
} from "./types.js"

export function printModel(model: Model): string {
  const parts = [
    ...model.data.map(printDataSet),
    ...model.slots.map(printSlot),
    ...model.predicts.map((p) => `predict ${printName(p.model)} ${printSection(p.section, "", p.origin)}`),
    ...model.trains.map(printTrain),
    ...model.weights.map(printWeights),
  ]
  return parts.join("\n\n") + "\n"
}

function printSlot(slot: Slot): string {
  const head = `${slot.role}${slot.frozen ? " frozen" : ""} ${printSlotName(slot.name)}: ${printType(slot.type)}`
  return `${head} = ${printSection(slot.init, "", slot.origin)}`
}

function printTrain(train: TrainSection): string {
  const on =
    train.data === null
      ? ""
      : ` on ${[train.data, ...train.beside].map((name) => printName(name)).join(", ")}`
  const objectives = train.objectives.flatMap((o) => [
    `  minimize ${printName(o.loss)} {${originComment(o.origin)}`,
    ...o.updates.map((u) => `    update ${printSlotName(u.param)} ${printSection(u.section, "    ")}`),
    "  }",
  ])
  return [
    `train ${printName(train.name)}${on} {${originComment(train.origin)}`,
    `  ${printSettings(train.settings)}`,
    ...(train.reports.length > 0 ? [`  reports ${train.reports.map(printName).join(", ")}`] : []),
    `  step ${printSection(train.step, "  ")}`,
    `  evaluate ${printSection(train.evaluate, "  ")}`,
    ...objectives,
    ...(train.scaling === null
      ? []
      : [`  scaling ${printSlotName(train.scaling.param)} ${printSection(train.scaling.section, "  ")}`]),
    ...train.averages.map(
      (a) => `  average ${printSlotName(a.param)} ${printSlotName(a.slot)} ${printSection(a.section, "  ")}`,
    ),
    ...train.follows.map(
      (f) => `  follow ${printSlotName(f.param)} ${printSlotName(f.slot)} ${printSection(f.section, "  ")}`,
    ),
    ...train.observed.map(
      (o) => `  observed ${printName(o.metric)} ${printSlotName(o.value)} ${printSlotName(o.at)}`,
    ),
    ...train.targets.map(printTarget),
    ...train.classReports.map((r) => `  classes ${printName(r.report)} = ${printName(r.field)}`),
    "}",
  ].join("\n")
}

function printWeights({ of, path, prefix, rename, transpose, origin }: Weights): string {
  const text = jsonText
  return [
    `weights ${printSlotName(of)} ${text(path)} prefix ${text(prefix)} rename (${rename.flat().map(text).join(", ")})`,
    ` transpose (${transpose.map(text).join(", ")})${originComment(origin)}`,
  ].join("")
}

function printTarget({ model, output, field, as }: Target): string {
  const meaning =
    as.kind === "value"
      ? "value"
      : as.kind === "binary"
        ? `binary ${as.scores}`
        : `classes ${as.count} inner ${as.inner} ${as.scores}`
  return `  target ${printName(model)} ${printName(output)} = ${printName(field)} ${meaning}`
}

function printSection(section: Section, indent: string, origin?: Origin): string {
  const inputs = section.inputs.map(
    (i) => `${value(i.id)} ${printName(i.name)}: ${printType(i.type)} = ${printSource(i.source)}`,
  )
  const results = section.results.map((r) => `${printName(r.name)} = ${value(r.value)}`)
  return [
    `(${inputs.join(", ")}) {${origin ? originComment(origin) : ""}`,
    ...section.body.flatMap((s) => printStatement(s, `${indent}  `)),
    `${indent}  return ${results.join(", ")}`,
    `${indent}}`,
  ].join("\n")
}

function printSource(source: ModelInput["source"]): string {
  switch (source.kind) {
    case "feed":
      return "feed"
    case "data":
      return `data ${printName(source.field)}`
    case "scalar":
      return `scalar ${source.scalar}`
    case "step":
      return `step ${printName(source.result)}`
  }
}

const value = (id: ModelValue): string => `%${id}`
const values = (ids: readonly ModelValue[]): string => ids.map(value).join(", ")

function printStatement(s: ModelStmt, indent: string): string[] {
  const at = originComment(s.origin)
  switch (s.kind) {
    case "op": {
      const attrs = Object.keys(s.attrs).length === 0 ? "" : ` ${printAttrs(s.attrs)}`
      const line = `${indent}${value(s.id)} = ${s.op}(${values(s.args)})${attrs} : ${printType(s.type)}`
      const regions = (s.regions ?? []).flatMap((r) => printRegion(r, `${indent}  `))
      return [line + at, ...regions]
    }
    case "read":
      return [`${indent}${value(s.id)} = read ${printSlotName(s.slot)} : ${printType(s.type)}${at}`]
    case "update":
      return [`${indent}${printSlotName(s.slot)} <- ${value(s.value)}${at}`]
    case "call":
      return [
        `${indent}call ${printName(s.callee)} ${printName(s.declaration)}(${values(s.args)}) -> (${values(s.results)}) {${at}`,
        ...s.body.flatMap((inner) => printStatement(inner, `${indent}  `)),
        `${indent}}`,
      ]
  }
}

function printRegion(region: ModelRegion, indent: string): string[] {
  const params = region.params.map((p) => `${value(p.id)} ${printName(p.name)}: ${printType(p.type)}`)
  return [
    `${indent}region (${params.join(", ")}) {`,
    ...region.body.flatMap((s) => printStatement(s, `${indent}  `)),
    `${indent}  return ${values(region.results)}`,
    `${indent}}`,
  ]
}

/** Reads the text that `printModel` prints. Throws `IrTextError` for other text. */
export function parseModel(text: string, locations?: Locations): Model {
  const c = new Cursor(text, locations)
  const model = {
    data: [] as Model["data"][number][],
    slots: [] as Slot[],
    predicts: [] as PredictSection[],
    trains: [] as TrainSection[],
    weights: [] as Weights[],
  }
  while (!c.isKind("end")) {
    if (c.is("data")) model.data.push(parseDataSet(c))
    else if (c.accept("predict")) model.predicts.push(c.located(() => parsePredict(c)))
    else if (c.accept("weights")) model.weights.push(c.located(() => parseWeights(c)))
    else if (c.accept("train")) model.trains.push(c.located(() => parseTrain(c)))
    else model.slots.push(c.located(() => parseSlot(c)))
  }
  return model
}

function parsePredict(c: Cursor): PredictSection {
  const model = parseName(c)
  const { section, origin } = parseSection(c)
  return { model, section, origin }
}

function parseWeights(c: Cursor): Weights {
  const of = c.slot()
  const path = c.string()
  c.expect("prefix")
  const prefix = c.string()
  c.expect("rename")
  const names = c.list("(", ")", () => c.string())
  c.expect("transpose")
  const transpose = c.list("(", ")", () => c.string())
  const rename = names.flatMap((there, i): (readonly [string, string])[] =>
    i % 2 === 0 ? [[there, names[i + 1] ?? ""]] : [],
  )
  return { of, path, prefix, rename, transpose, origin: parseOrigin(c.comment()) }
}

function parseSlot(c: Cursor): Slot {
  const role = SLOT_ROLES.find((r) => c.accept(r)) ?? c.fail(`expected one of ${SLOT_ROLES.join(", ")}`)
  const frozen = c.accept("frozen")
  const name = c.slot()
  c.expect(":")
  const type = parseTypeAt(c)
  c.expect("=")
  const { section, origin } = parseSection(c)
  return { name, type, role, frozen, init: section, origin }
}

function parseTrain(c: Cursor): TrainSection {
  const name = parseName(c)
  const data = c.accept("on") ? parseName(c) : null
  const beside: string[] = []
  while (data !== null && c.accept(",")) beside.push(parseName(c))
  c.expect("{")
  const origin = parseOrigin(c.comment())
  const settings = parseSettings(c)
  const reports: string[] = []
  if (c.accept("reports"))
    do reports.push(parseName(c))
    while (c.accept(","))
  c.expect("step")
  const step = parseSection(c).section
  c.expect("evaluate")
  const evaluate = parseSection(c).section
  const objectives: Objective[] = []
  while (c.accept("minimize")) objectives.push(parseObjective(c))
  const scaling = c.accept("scaling") ? { param: c.slot(), section: parseSection(c).section } : null
  const averages: ParameterAverage[] = []
  while (c.accept("average"))
    averages.push({ param: c.slot(), slot: c.slot(), section: parseSection(c).section })
  const follows: ParameterAverage[] = []
  while (c.accept("follow"))
    follows.push({ param: c.slot(), slot: c.slot(), section: parseSection(c).section })
  const observed: Observation[] = []
  while (c.accept("observed")) observed.push({ metric: parseName(c), value: c.slot(), at: c.slot() })
  const targets: Target[] = []
  while (c.accept("target")) targets.push(parseTarget(c))
  const classReports: ClassReport[] = []
  while (c.accept("classes")) {
    const report = parseName(c)
    c.expect("=")
    classReports.push({ report, field: parseName(c) })
  }
  c.expect("}")
  return {
    name,
    data,
    beside,
    settings,
    step,
    evaluate,
    objectives,
    scaling,
    averages,
    follows,
    observed,
    reports,
    targets,
    classReports,
    origin,
  }
}

function parseTarget(c: Cursor): Target {
  const [model, output] = [parseName(c), parseName(c)]
  c.expect("=")
  const field = parseName(c)
  if (c.accept("value")) return { model, output, field, as: { kind: "value" } }
  if (c.accept("binary"))
    return { model, output, field, as: { kind: "binary", scores: oneOf(c, ["sigmoid", "probs"]) } }
  c.expect("classes")
  const count = c.integer()
  c.expect("inner")
  const inner = c.integer()
  const scores = oneOf(c, ["softmax", "sigmoid", "exp", "probs", "none"])
  return { model, output, field, as: { kind: "classes", count, inner, scores } }
}

function parseObjective(c: Cursor): Objective {
  const loss = parseName(c)
  c.expect("{")
  const origin = parseOrigin(c.comment())
  const updates: ParameterUpdate[] = []
  while (c.accept("update")) updates.push({ param: c.slot(), section: parseSection(c).section })
  c.expect("}")
  return { loss, updates, origin }
}

function parseSection(c: Cursor): { readonly section: Section; readonly origin: Origin } {
  const inputs = c.list("(", ")", (): ModelInput => {
    const id = parseValue(c)
    const name = parseName(c)
    c.expect(":")
    const type = parseTypeAt(c)
    c.expect("=")
    return { id, name, type, source: parseSource(c) }
  })
  c.expect("{")
  const origin = parseOrigin(c.comment())
  const body = parseBody(c)
  c.expect("return")
  const results: { name: string; value: ModelValue }[] = []
  if (!c.is("}"))
    do {
      const result = (): (typeof results)[number] => {
        const name = parseName(c)
        c.expect("=")
        return { name, value: parseValue(c) }
      }
      results.push(c.located(result))
    } while (c.accept(","))
  c.expect("}")
  return { section: { inputs, body, results }, origin }
}

function parseSource(c: Cursor): ModelInput["source"] {
  if (c.accept("feed")) return { kind: "feed" }
  if (c.accept("data")) return { kind: "data", field: parseName(c) }
  if (c.accept("step")) return { kind: "step", result: parseName(c) }
  c.expect("scalar")
  const scalar = (["step", "epoch", "seed", "start"] as const).find((s) => c.accept(s))
  return { kind: "scalar", scalar: scalar ?? c.fail("expected step, epoch, seed or start") }
}

function parseValue(c: Cursor): ModelValue {
  const at = c.peek()
  const text = c.value()
  return /^\d+$/.test(text) ? Number(text) : c.fail(`%${text} is not numbered; values are %0, %1, ...`, at)
}

/** Statements up to `return` or `}`. */
function parseBody(c: Cursor): ModelStmt[] {
  const body: ModelStmt[] = []
  while (!c.is("return") && !c.is("}")) body.push(c.located(() => parseStatement(c)))
  return body
}

function parseStatement(c: Cursor): ModelStmt {
  if (c.accept("call")) return parseCall(c)
  if (c.isKind("slot")) {
    const slot = c.slot()
    c.expect("<-")
    return { kind: "update", slot, value: parseValue(c), origin: parseOrigin(c.comment()) }
  }
  const id = parseValue(c)
  c.expect("=")
  if (c.accept("read")) {
    const slot = c.slot()
    c.expect(":")
    const type = parseTypeAt(c)
    return { kind: "read", id, slot, type, origin: parseOrigin(c.comment()) }
  }
  const op = parseOp(c)
  const args = c.list("(", ")", () => parseValue(c))
  const attrs = c.is("{") ? parseAttrs(c) : {}
  c.expect(":")
  const type = parseTypeAt(c)
  const origin = parseOrigin(c.comment())
  const regions: ModelRegion[] = []
  while (c.accept("region")) regions.push(parseRegion(c))
  return { kind: "op", id, op, args, attrs, type, origin, ...(regions.length > 0 && { regions }) }
}

function parseCall(c: Cursor): ModelStmt {
  const callee = parseName(c)
  const declaration = parseName(c)
  const args = c.list("(", ")", () => parseValue(c))
  c.expect("->")
  const results = c.list("(", ")", () => parseValue(c))
  c.expect("{")
  const origin = parseOrigin(c.comment())
  const body = parseBody(c)
  c.expect("}")
  return { kind: "call", callee, declaration, args, results, body, origin }
}

function parseRegion(c: Cursor): ModelRegion {
  const params = c.list("(", ")", () => {
    const id = parseValue(c)
    const name = parseName(c)
    c.expect(":")
    return { id, name, type: parseTypeAt(c) }
  })
  c.expect("{")
  const body = parseBody(c)
  c.expect("return")
  const results: ModelValue[] = []
  if (!c.is("}"))
    do results.push(parseValue(c))
    while (c.accept(","))
  c.expect("}")
  return { params, body, results }
}
