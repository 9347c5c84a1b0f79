/** editor: the words that may be written at an offset: arguments of the call, settings, sources and stages of data, names in sight, columns. */
import { settingWords } from "../../grammar/tokens.js"
import { BUILTINS } from "../check/builtins.js"
import { SOURCE_NAMES } from "../check/data/sources/index.js"
import { STAGE_NAMES } from "../check/data/stages/index.js"
import type { DataDecl, Declaration } from "../ir/ast/types.js"
import type { Analysis } from "./analysis.js"
import { valueText } from "./analysis.js"
import { docOf, headText } from "./describe.js"
import { type NamedSymbol, paramsOf } from "./names.js"
import { openCall } from "./signature.js"
import { spanText } from "../source/source.js"

export interface Completion {
  readonly label: string
  readonly kind: NamedSymbol["kind"] | "keyword" | "setting" | "source" | "stage" | "column" | "parameter"
  readonly detail?: string
  readonly doc?: string
}

const TOP = ["data", "fn", "import", "layer", "let", "model", "optimizer", "train"]
const BODY = ["else", "for", "if", "let", "param", "return", "scan", "state", "var"]
const IN_TRAIN = ["minimize", "report"]

const words = (all: readonly string[], kind: Completion["kind"]): readonly Completion[] =>
  all.map((label) => ({ label, kind }))

export function completionsAt(analysis: Analysis, offset: number): readonly Completion[] {
  const { file, names } = analysis
  const decl = declarationAt(analysis, offset)
  const line = file.text.slice(file.text.lastIndexOf("\n", offset - 1) + 1, offset)
  const inText = (line.match(/"/g) ?? []).length % 2 === 1
  if (inText) return decl?.kind === "data" ? columnsOf(analysis, decl, offset) : []
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
  const inSight = [
    ...[...names.at(offset).values()].map((symbol) => completionOf(analysis, symbol)),
    ...words(BUILTINS, "fn"),
  ]
  const callee = call && names.at(call.at).get(call.callee)?.decl
  if (callee && call.name === undefined)
    return [
      ...paramsOf(callee).map(({ name, span }): Completion => ({
        label: `${name.text}: `,
        kind: "parameter",
        detail: spanText(span),
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

/** One that is not closed yet goes on to the next. */
function declarationAt({ module, file }: Analysis, offset: number): Declaration | undefined {
  const before = module.declarations.findLast(({ span }) => span.start < offset)
  if (before === undefined || offset <= before.span.end) return before
  const isClosed = before.kind === "let-decl" || file.text[before.span.end - 1] === "}"
  return isClosed ? undefined : before
}

/** The columns that a text in a data section may name, unless it is the path of the file itself. */
function columnsOf(analysis: Analysis, { source }: DataDecl, offset: number): readonly Completion[] {
  if (source.kind !== "call" || source.callee.kind !== "name" || offset <= source.span.end) return []
  const usual = DELIMITERS.get(source.callee.name)
  const path = source.args.find(({ name }) => name === undefined)?.value
  if (usual === undefined || path?.kind !== "string") return []
  const given = source.args.find(({ name }) => name?.text === "delimiter")?.value
  const delimiter = given?.kind === "string" ? given.value : usual
  return words(analysis.columns(path.value, delimiter) ?? [], "column")
}

/** The delimiters of the sources whose files name their columns in the first row. */
const DELIMITERS = new Map([
  ["csv", ","],
  ["tsv", "\t"],
])

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
