/** prettier-plugin-nn: the layout of `nnc fmt`, for Prettier. The language has one layout, so no option of Prettier changes it. */
import { doc, type Parser, type Printer, type SupportLanguage } from "prettier"
import { format } from "../../../compiler/parse/format.js"
import { Diagnostics } from "../../../compiler/source/diagnostic.js"
import { positionAt } from "../../../compiler/source/source.js"

/** A program is one node: its text. */
interface Program {
  readonly text: string
  readonly formatted: string
}

export const languages: SupportLanguage[] = [
  { name: "nn", parsers: ["nn"], extensions: [".nn"], vscodeLanguageIds: ["nn"] },
]

const nn: Parser<Program> = {
  astFormat: "nn",
  parse(text, { filepath }) {
    const file = { path: filepath ?? "program.nn", text }
    const diagnostics = new Diagnostics()
    const formatted = format(file, diagnostics)
    if (formatted === undefined) throw syntaxError(diagnostics)
    return { text, formatted }
  },
  locStart: () => 0,
  locEnd: ({ text }) => text.length,
}
export const parsers = { nn }

const { hardline, join } = doc.builders
const printer: Printer<Program> = {
  // A program in Markdown may be indented.
  print: ({ node }) => join(hardline, node.formatted.split("\n")),
}
export const printers = { nn: printer }

/** An error in the form of Prettier's own parsers: message, place, frame. */
function syntaxError(diagnostics: Diagnostics): SyntaxError {
  const { message, primary, help } = diagnostics.all.find(({ severity }) => severity === "error")!
  const start = primary && positionAt(primary.span.file, primary.span.start)
  const place = start ? ` (${start.line}:${start.column})` : ""
  const error = new SyntaxError(`${message}${help === undefined ? "" : `; ${help}`}${place}`)
  return Object.assign(error, start && { loc: { start, end: start } })
}
