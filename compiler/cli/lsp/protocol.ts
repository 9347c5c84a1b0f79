/** cli/lsp: converts results of the editor services to the types of the Language Server Protocol. */
import {
  type CompletionItem,
  CompletionItemKind,
  DiagnosticSeverity,
  type Diagnostic as ProtocolDiagnostic,
  type DocumentSymbol,
  MarkupKind,
  SymbolKind as LspSymbolKind,
} from "vscode-languageserver"
import type { Completion } from "../../editor/completion.js"
import type { SymbolKind } from "../../editor/names.js"
import type { OutlineItem } from "../../editor/outline.js"
import type { Diagnostic } from "../../source/diagnostic.js"
import { rangeOf, uriOf } from "./places.js"

/** Semantic tokens by their names in the protocol. */
export const TOKEN_TYPES = ["variable", "parameter", "function", "class", "property", "enumMember", "type"]
export const TOKEN_MODIFIERS = ["declaration", "defaultLibrary"]
export const TOKEN_OF: Readonly<Record<SymbolKind, (typeof TOKEN_TYPES)[number]>> = {
  constant: "enumMember",
  fn: "function",
  layer: "class",
  model: "class",
  optimizer: "class",
  data: "class",
  train: "class",
  field: "property",
  argument: "parameter",
  size: "type",
  let: "variable",
  var: "variable",
  param: "property",
  state: "property",
  loop: "variable",
  report: "property",
}
const SYMBOL_OF: Readonly<Record<SymbolKind, LspSymbolKind>> = {
  constant: LspSymbolKind.Constant,
  fn: LspSymbolKind.Function,
  layer: LspSymbolKind.Class,
  model: LspSymbolKind.Class,
  optimizer: LspSymbolKind.Class,
  data: LspSymbolKind.Struct,
  train: LspSymbolKind.Event,
  field: LspSymbolKind.Field,
  argument: LspSymbolKind.Variable,
  size: LspSymbolKind.TypeParameter,
  let: LspSymbolKind.Variable,
  var: LspSymbolKind.Variable,
  param: LspSymbolKind.Property,
  state: LspSymbolKind.Property,
  loop: LspSymbolKind.Variable,
  report: LspSymbolKind.Field,
}
const COMPLETION_OF: Readonly<Record<Completion["kind"], CompletionItemKind>> = {
  constant: CompletionItemKind.Constant,
  fn: CompletionItemKind.Function,
  layer: CompletionItemKind.Class,
  model: CompletionItemKind.Class,
  optimizer: CompletionItemKind.Class,
  data: CompletionItemKind.Struct,
  train: CompletionItemKind.Event,
  field: CompletionItemKind.Field,
  argument: CompletionItemKind.Variable,
  size: CompletionItemKind.TypeParameter,
  let: CompletionItemKind.Variable,
  var: CompletionItemKind.Variable,
  param: CompletionItemKind.Property,
  state: CompletionItemKind.Property,
  loop: CompletionItemKind.Variable,
  report: CompletionItemKind.Field,
  keyword: CompletionItemKind.Keyword,
  setting: CompletionItemKind.Keyword,
  source: CompletionItemKind.Function,
  stage: CompletionItemKind.Function,
  column: CompletionItemKind.Value,
  parameter: CompletionItemKind.Property,
}
const SEVERITY = {
  error: DiagnosticSeverity.Error,
  warning: DiagnosticSeverity.Warning,
  note: DiagnosticSeverity.Information,
}

export function protocolDiagnostic({
  code,
  severity,
  message,
  primary,
  related = [],
  help,
}: Diagnostic): ProtocolDiagnostic {
  const label = primary?.text ? `\n${primary.text}` : ""
  return {
    range: primary
      ? rangeOf(primary.span)
      : { start: { line: 0, character: 0 }, end: { line: 0, character: 0 } },
    severity: SEVERITY[severity],
    code,
    source: "nnc",
    message: `${message}${label}${help === undefined ? "" : `\nhelp: ${help}`}`,
    relatedInformation: related.map(({ span, text }) => ({
      location: { uri: uriOf(span.file.path), range: rangeOf(span) },
      message: text,
    })),
  }
}

export const completionItem = ({ label, kind, detail, doc }: Completion): CompletionItem => ({
  label,
  kind: COMPLETION_OF[kind],
  ...(detail === undefined ? {} : { detail }),
  ...(doc === undefined ? {} : { documentation: { kind: MarkupKind.Markdown, value: doc } }),
})

export const documentSymbol = ({ name, kind, span, nameSpan, children }: OutlineItem): DocumentSymbol => ({
  name,
  kind: SYMBOL_OF[kind],
  range: rangeOf(span),
  selectionRange: rangeOf(nameSpan),
  children: children.map(documentSymbol),
})
