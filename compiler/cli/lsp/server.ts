/** cli/lsp: the editor's services over the Language Server Protocol.
 *  Guarantees: answers whatever is sent: a request for a file that is not open, or a place beyond its end, gets nothing.
 *  Not here:   what the services know (compiler/editor/). */
import {
  type CodeAction,
  CodeActionKind,
  type CompletionItem,
  CompletionItemKind,
  type Connection,
  DiagnosticSeverity,
  type DocumentSymbol,
  LSPErrorCodes,
  MarkupKind,
  ResponseError,
  SemanticTokensBuilder,
  SymbolKind as LspSymbolKind,
  TextDocuments,
  TextDocumentSyncKind,
  type TextEdit,
} from "vscode-languageserver"
import { TextDocument } from "vscode-languageserver-textdocument"
import { type Completion, completionsAt } from "../../editor/completion.js"
import { hoverAt } from "../../editor/hover.js"
import { inlayHints } from "../../editor/inlay-hints.js"
import { lenses } from "../../editor/lenses.js"
import type { SymbolKind } from "../../editor/names.js"
import { folds, outline, type OutlineItem } from "../../editor/outline.js"
import { definitionAt, referencesAt, renameAt } from "../../editor/references.js"
import { semanticTokens } from "../../editor/semantic-tokens.js"
import { signatureAt } from "../../editor/signature.js"
import { compile } from "../../driver/compile.js"
import { format } from "../../parse/format.js"
import { type Diagnostic, Diagnostics } from "../../source/diagnostic.js"
import { DEFAULT_TARGET } from "../../targets/index.js"
import { VERSION } from "../../version.js"
import { fileHost, libraryFile } from "../host.js"
import { Analyses } from "./documents.js"
import { pathOf, positionOf, rangeOf, uriOf } from "./places.js"

/** Semantic tokens by what the protocol calls them. */
const TOKEN_TYPES = ["variable", "parameter", "function", "class", "property", "enumMember", "type"]
const TOKEN_MODIFIERS = ["declaration", "defaultLibrary"]
const TOKEN_OF: Readonly<Record<SymbolKind, (typeof TOKEN_TYPES)[number]>> = {
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

export function serve(connection: Connection): void {
  const documents = new TextDocuments(TextDocument)
  const analyses = new Analyses((uri) => documents.get(uri))
  /** What reading the data files found, of the text that was last opened or saved. */
  const ofData = new Map<string, { readonly version: number; readonly found: readonly Diagnostic[] }>()

  connection.onInitialize(() => ({
    serverInfo: { name: "nnc", version: VERSION },
    capabilities: {
      textDocumentSync: TextDocumentSyncKind.Incremental,
      hoverProvider: true,
      inlayHintProvider: true,
      completionProvider: { triggerCharacters: ['"', "(", ">", "."] },
      signatureHelpProvider: { triggerCharacters: ["(", ","] },
      definitionProvider: true,
      referencesProvider: true,
      renameProvider: { prepareProvider: true },
      documentSymbolProvider: true,
      foldingRangeProvider: true,
      documentFormattingProvider: true,
      codeActionProvider: { codeActionKinds: [CodeActionKind.QuickFix] },
      codeLensProvider: {},
      semanticTokensProvider: {
        legend: { tokenTypes: TOKEN_TYPES, tokenModifiers: TOKEN_MODIFIERS },
        full: true,
      },
    },
  }))

  const publish = (uri: string): void => {
    const analysis = analyses.of(uri)
    if (analysis === undefined) return
    const data = ofData.get(uri)
    // Places of what was found before are no longer those of the text.
    const found = data?.version === documents.get(uri)?.version ? data?.found : undefined
    const all = [...analysis.diagnostics, ...(found ?? [])]
    const own = all.filter(({ primary }) => primary === undefined || primary.span.file.path === pathOf(uri))
    void connection.sendDiagnostics({ uri, diagnostics: own.map((each) => protocolDiagnostic(each)) })
  }
  /** Where the text itself is right, its data is looked at too. */
  const lookAtData = (uri: string): void => {
    const analysis = analyses.of(uri)
    if (analysis === undefined) return
    const { model, file } = analysis
    const found = model === undefined ? [] : dataDiagnostics(file.path, file.text)
    ofData.set(uri, { version: documents.get(uri)?.version ?? 0, found })
  }
  documents.onDidOpen(({ document: { uri } }) => lookAtData(uri))
  documents.onDidSave(({ document: { uri } }) => {
    analyses.forget()
    lookAtData(uri)
    for (const each of documents.all()) publish(each.uri)
  })
  documents.onDidChangeContent(({ document: { uri } }) => publish(uri))
  documents.onDidClose(({ document: { uri } }) => {
    analyses.forget(uri)
    ofData.delete(uri)
    void connection.sendDiagnostics({ uri, diagnostics: [] })
  })

  const at = <T>(
    {
      textDocument,
      position,
    }: { textDocument: { uri: string }; position: { line: number; character: number } },
    answer: (analysis: NonNullable<ReturnType<Analyses["of"]>>, offset: number) => T,
  ): T | null => {
    const analysis = analyses.of(textDocument.uri)
    const offset = documents.get(textDocument.uri)?.offsetAt(position)
    return analysis === undefined || offset === undefined ? null : answer(analysis, offset)
  }

  connection.onHover((params) =>
    at(params, (analysis, offset) => {
      const hover = hoverAt(analysis, offset)
      if (hover === undefined) return null
      const gives = hover.gives === undefined ? "" : `\n// gives ${hover.gives}`
      const value = `\`\`\`nn\n${hover.title}${gives}\n\`\`\`${hover.doc === undefined ? "" : `\n\n${hover.doc}`}`
      return { contents: { kind: MarkupKind.Markdown, value }, range: rangeOf(hover.span) }
    }),
  )
  connection.onCompletion((params) =>
    at(params, (analysis, offset) => completionsAt(analysis, offset).map(completionItem)),
  )
  connection.onSignatureHelp((params) =>
    at(params, (analysis, offset) => {
      const help = signatureAt(analysis, offset)
      if (help === undefined) return null
      const { text, doc, parameters, active } = help
      const documentation =
        doc === undefined ? {} : { documentation: { kind: MarkupKind.Markdown, value: doc } }
      const signature = { label: text, parameters: parameters.map((label) => ({ label })), ...documentation }
      return { signatures: [signature], activeSignature: 0, activeParameter: active }
    }),
  )
  connection.onDefinition((params) =>
    at(params, (analysis, offset) => {
      const span = definitionAt(analysis, offset)
      return span ? { uri: uriOf(placeOf(span.file.path)), range: rangeOf(span) } : null
    }),
  )
  connection.onReferences((params) =>
    at(params, (analysis, offset) =>
      referencesAt(analysis, offset).map((span) => ({ uri: params.textDocument.uri, range: rangeOf(span) })),
    ),
  )
  connection.onPrepareRename((params) =>
    at(params, (analysis, offset) => {
      const here = referencesAt(analysis, offset).find(({ start, end }) => start <= offset && offset <= end)
      return here ? rangeOf(here) : null
    }),
  )
  connection.onRenameRequest((params) =>
    at(params, (analysis, offset) => {
      const rename = renameAt(analysis, offset, params.newName)
      if (rename.kind === "refused") return new ResponseError(LSPErrorCodes.RequestFailed, rename.why)
      const edits = rename.spans.map((span): TextEdit => ({ range: rangeOf(span), newText: params.newName }))
      return { changes: { [params.textDocument.uri]: edits } }
    }),
  )

  const whole = <T>(
    uri: string,
    answer: (analysis: NonNullable<ReturnType<Analyses["of"]>>) => T,
  ): T | null => {
    const analysis = analyses.of(uri)
    return analysis === undefined ? null : answer(analysis)
  }
  connection.languages.inlayHint.on(({ textDocument: { uri } }) =>
    whole(uri, (analysis) =>
      inlayHints(analysis).map(({ offset, text }) => ({
        position: positionOf(analysis.file, offset),
        label: text,
      })),
    ),
  )
  connection.onDocumentSymbol(({ textDocument: { uri } }) =>
    whole(uri, (analysis) => outline(analysis).map(documentSymbol)),
  )
  connection.onFoldingRanges(({ textDocument: { uri } }) =>
    whole(uri, (analysis) =>
      folds(analysis).map(({ from, to }) => ({ startLine: from - 1, endLine: to - 1 })),
    ),
  )
  connection.onDocumentFormatting(({ textDocument: { uri } }) =>
    whole(uri, ({ file }) => {
      const text = format(file, new Diagnostics())
      if (text === undefined || text === file.text) return []
      return [{ range: rangeOf({ file, start: 0, end: file.text.length }), newText: text }]
    }),
  )
  connection.onCodeAction(({ textDocument: { uri }, range }) =>
    whole(uri, (analysis) => {
      const document = documents.get(uri)
      if (document === undefined) return []
      const [from, to] = [document.offsetAt(range.start), document.offsetAt(range.end)]
      return analysis.diagnostics.flatMap((each): readonly CodeAction[] => {
        const { fix, primary } = each
        if (!fix || fix.span.file !== analysis.file || !primary) return []
        if (primary.span.end < from || to < primary.span.start) return []
        return [
          {
            title: each.help ?? `write \`${fix.replacement}\``,
            kind: CodeActionKind.QuickFix,
            isPreferred: true,
            diagnostics: [protocolDiagnostic(each)],
            edit: { changes: { [uri]: [{ range: rangeOf(fix.span), newText: fix.replacement }] } },
          },
        ]
      })
    }),
  )
  connection.onCodeLens(({ textDocument: { uri } }) =>
    whole(uri, (analysis) =>
      lenses(analysis).map(({ span, text, command }) => ({
        range: rangeOf({ ...span, end: span.start }),
        command: { title: text, command: command === undefined ? "" : `nnc.${command}`, arguments: [uri] },
      })),
    ),
  )
  connection.languages.semanticTokens.on(({ textDocument: { uri } }) => {
    const builder = new SemanticTokensBuilder()
    const analysis = analyses.of(uri)
    for (const { span, kind, isDeclaration, isLibrary } of analysis ? semanticTokens(analysis) : []) {
      const { line, character } = positionOf(span.file, span.start)
      const modifiers = (isDeclaration ? 1 : 0) | (isLibrary ? 2 : 0)
      builder.push(line, character, span.end - span.start, TOKEN_TYPES.indexOf(TOKEN_OF[kind]), modifiers)
    }
    return builder.build()
  })

  documents.listen(connection)
  connection.listen()
}

function dataDiagnostics(path: string, text: string): readonly Diagnostic[] {
  try {
    return compile({ path, text }, fileHost(path), { target: DEFAULT_TARGET, stopAfter: "graph" }).diagnostics
  } catch {
    // A file that cannot be read is said by the commands; an editor goes on.
    return []
  }
}

/** The library lies where nnc is installed. */
const placeOf = (path: string): string => (path.startsWith("stdlib/") ? libraryFile(path) : path)

function protocolDiagnostic({ code, severity, message, primary, related = [], help }: Diagnostic) {
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

const completionItem = ({ label, kind, detail, doc }: Completion): CompletionItem => ({
  label,
  kind: COMPLETION_OF[kind],
  ...(detail === undefined ? {} : { detail }),
  ...(doc === undefined ? {} : { documentation: { kind: MarkupKind.Markdown, value: doc } }),
})

const documentSymbol = ({ name, kind, span, nameSpan, children }: OutlineItem): DocumentSymbol => ({
  name,
  kind: SYMBOL_OF[kind],
  range: rangeOf(span),
  selectionRange: rangeOf(nameSpan),
  children: children.map(documentSymbol),
})
