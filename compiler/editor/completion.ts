/** editor: what may be written at a place: arguments of the call, settings, sources and stages of data, names in sight, columns. */
import { settingWords } from "../../grammar/tokens.js"
import { SOURCE_NAMES } from "../check/data/sources/index.js"
import { STAGE_NAMES } from "../check/data/stages/index.js"
import type { Analysis } from "./analysis.js"
import { valueText } from "./analysis.js"
import { docOf, headText } from "./describe.js"
import { type NamedSymbol, paramsOf } from "./names.js"
import { openCall } from "./signature.js"

export interface Completion {
  readonly label: string
  readonly kind: NamedSymbol["kind"] | "keyword" | "setting" | "source" | "stage" | "column" | "parameter"
  readonly detail?: string
  readonly doc?: string
}

/** The columns of the file that a data section reads; undefined where they are not known. */
export type ColumnsOf = (data: NamedSymbol) => readonly string[] | undefined

const TOP = ["data", "fn", "import", "layer", "let", "model", "optimizer", "train"]
const BODY = ["else", "for", "if", "let", "param", "return", "scan", "state", "var"]
const IN_TRAIN = ["minimize", "report"]

const words = (all: readonly string[], kind: Completion["kind"]): readonly Completion[] =>
  all.map((label) => ({ label, kind }))

export function completionsAt(
  analysis: Analysis,
  offset: number,
  columns?: ColumnsOf,
): readonly Completion[] {
  const { file, module, names } = analysis
  const decl = module.declarations.find(({ span }) => span.start < offset && offset <= span.end)
  const line = file.text.slice(file.text.lastIndexOf("\n", offset - 1) + 1, offset)
  const inText = (line.match(/"/g) ?? []).length % 2 === 1
  if (inText) return decl?.kind === "data" ? columnsFor(analysis, decl.name.text, columns) : []
  if (line.includes("//")) return []
  if (decl === undefined) return words(TOP, "keyword")
  if (decl.kind === "data") {
    if (/\|>\s*\w*$/.test(line)) return words(STAGE_NAMES, "stage")
    if (/=\s*\w*$/.test(line))
      return words(
        offset <= (decl.fields[0]?.span.start ?? decl.span.end) && !line.includes(":")
          ? SOURCE_NAMES
          : COLUMN_WORDS,
        "source",
      )
    return words(["split", "test", "val"], "keyword")
  }
  const call = openCall(file.text, offset)
  const inSight = [...names.at(offset).values()].map((symbol) => completionOf(analysis, symbol))
  const callee = call && names.at(call.at).get(call.callee)?.decl
  if (callee && call.name === undefined)
    return [
      ...paramsOf(callee).map(({ name, span }): Completion => ({
        label: `${name.text}: `,
        kind: "parameter",
        detail: span.file.text.slice(span.start, span.end),
      })),
      ...inSight,
    ]
  if (decl.kind === "train" && /^\s*\w*$/.test(line))
    return [
      ...words(IN_TRAIN, "keyword"),
      ...words(settingWords, "setting"),
      ...words(BODY, "keyword"),
      ...inSight,
    ]
  return [...inSight, ...(/^\s*\w*$/.test(line) ? words(BODY, "keyword") : [])]
}

const COLUMN_WORDS = ["characters", "column", "columns"]

function columnsFor(
  { names }: Analysis,
  data: string,
  columns: ColumnsOf | undefined,
): readonly Completion[] {
  const symbol = names.symbols.find(({ name, kind }) => kind === "data" && name === data)
  return words((symbol && columns?.(symbol)) ?? [], "column")
}

function completionOf(analysis: Analysis, symbol: NamedSymbol): Completion {
  const value = analysis.valueAt(symbol.span)
  const detail =
    symbol.decl && symbol.decl.kind !== "let-decl"
      ? headText(symbol.decl)
      : value && value.kind !== "error"
        ? valueText(value)
        : undefined
  const doc = docOf(symbol)
  return {
    label: symbol.name,
    kind: symbol.kind,
    ...(detail === undefined ? {} : { detail }),
    ...(doc === undefined ? {} : { doc }),
  }
}
