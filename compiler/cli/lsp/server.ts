/** cli/lsp: the editor's services over the Language Server Protocol.
 *  Guarantees: answers whatever is sent: a request for a file that is not open, or a place beyond its end, gets nothing, and one without
 *              a file or a place is refused. Mistakes are published when no more changes wait to be read.
 *  Not here:   the services (compiler/editor/), their form in the protocol (protocol.ts), the checks of requests
 *              (requests.ts). */
import {
  type CodeAction,
  CodeActionKind,
  type Connection,
  LSPErrorCodes,
  MarkupKind,
  type Position,
  type Range,
  ResponseError,
  SemanticTokensBuilder,
  TextDocuments,
  TextDocumentSyncKind,
  type TextEdit,
} from "vscode-languageserver"
import { TextDocument } from "vscode-languageserver-textdocument"
import type { Analysis } from "../../editor/analysis.js"
import { completionsAt } from "../../editor/completion.js"
import { hoverAt } from "../../editor/hover.js"
import { inlayHints } from "../../editor/inlay-hints.js"
import { lenses } from "../../editor/lenses.js"
import { folds, outline } from "../../editor/outline.js"
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
import {
  completionItem,
  documentSymbol,
  protocolDiagnostic,
  TOKEN_MODIFIERS,
  TOKEN_OF,
  TOKEN_TYPES,
} from "./protocol.js"
import { missing, placeIn, rangeIn, uriIn } from "./requests.js"

/** Milliseconds after a change until mistakes are published, unless another one comes. */
const QUIET = 20
/** Mistakes of a file that are published; one with more is no program. */
const MOST_MISTAKES = 500

export function serve(connection: Connection): void {
  const documents = new TextDocuments(TextDocument)
  const analyses = new Analyses((uri) => documents.get(uri))
  /** The diagnostics from reading data files, for the text that was last opened or saved. */
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

  /** The mistakes of the file itself, and of the data that it names. */
  const mistakesOf = (uri: string): readonly Diagnostic[] => {
    const data = ofData.get(uri)
    // Spans of an older version are no longer those of the text.
    const found = data?.version === documents.get(uri)?.version ? data?.found : undefined
    return [...(analyses.of(uri)?.diagnostics ?? []), ...(found ?? [])].filter(
      ({ primary }) => primary === undefined || primary.span.file.path === pathOf(uri),
    )
  }
  const publish = (uri: string): void => {
    const shown = mistakesOf(uri)
      .slice(0, MOST_MISTAKES)
      .map((each) => protocolDiagnostic(each))
    const version = documents.get(uri)?.version
    void connection.sendDiagnostics({ uri, ...(version !== undefined && { version }), diagnostics: shown })
  }
  const waiting = new Map<string, NodeJS.Timeout>()
  const publishSoon = (uri: string): void => {
    clearTimeout(waiting.get(uri))
    waiting.set(
      uri,
      setTimeout(() => publish(uri), QUIET),
    )
  }
  /** Where the text itself is right, its data is looked at too. */
  const lookAtData = (uri: string): void => {
    const analysis = analyses.of(uri)
    if (analysis === undefined) return
    const { isSound, file } = analysis
    const found = isSound ? dataDiagnostics(file.path, file.text) : []
    ofData.set(uri, { version: documents.get(uri)?.version ?? 0, found })
  }
  documents.onDidOpen(({ document: { uri } }) => lookAtData(uri))
  documents.onDidSave(({ document: { uri } }) => {
    analyses.forget()
    lookAtData(uri)
    for (const each of documents.all()) publish(each.uri)
  })
  documents.onDidChangeContent(({ document: { uri } }) => publishSoon(uri))
  documents.onDidClose(({ document: { uri } }) => {
    clearTimeout(waiting.get(uri))
    waiting.delete(uri)
    analyses.forget(uri)
    ofData.delete(uri)
    void connection.sendDiagnostics({ uri, diagnostics: [] })
  })

  const whole = <T>(
    params: { textDocument: { uri: string } },
    answer: (analysis: Analysis, uri: string) => T,
  ): T | null => {
    const uri = uriIn(params)
    const analysis = analyses.of(uri)
    return analysis === undefined ? null : answer(analysis, uri)
  }
  const at = <T>(
    params: { textDocument: { uri: string }; position: Position },
    answer: (analysis: Analysis, offset: number) => T,
  ): T | null =>
    whole(params, (analysis, uri) => answer(analysis, documents.get(uri)!.offsetAt(placeIn(params))))
  const within = <T>(
    params: { textDocument: { uri: string }; range: Range },
    answer: (analysis: Analysis, from: number, to: number) => T,
  ): T | null =>
    whole(params, (analysis, uri) => {
      const { start, end } = rangeIn(params)
      const document = documents.get(uri)!
      return answer(analysis, document.offsetAt(start), document.offsetAt(end))
    })

  connection.onHover((params) =>
    at(params, (analysis, offset) => {
      const hover = hoverAt(analysis, offset)
      if (hover === undefined) return null
      const gives = hover.gives === undefined ? "" : `\n// gives ${hover.gives}`
      const learns =
        hover.parameters === undefined ? "" : `\n// ${hover.parameters.toLocaleString("en-US")} parameters`
      const value = `\`\`\`nn\n${hover.title}${gives}${learns}\n\`\`\`${hover.doc === undefined ? "" : `\n\n${hover.doc}`}`
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
      if (typeof params.newName !== "string") throw missing("newName")
      const rename = renameAt(analysis, offset, params.newName)
      if (rename.kind === "refused") return new ResponseError(LSPErrorCodes.RequestFailed, rename.why)
      const edits = rename.spans.map((span): TextEdit => ({ range: rangeOf(span), newText: params.newName }))
      return { changes: { [params.textDocument.uri]: edits } }
    }),
  )

  connection.languages.inlayHint.on((params) =>
    within(params, (analysis, from, to) =>
      inlayHints(analysis)
        .filter(({ offset }) => from <= offset && offset <= to)
        .map(({ offset, text }) => ({ position: positionOf(analysis.file, offset), label: text })),
    ),
  )
  connection.onDocumentSymbol((params) => whole(params, (analysis) => outline(analysis).map(documentSymbol)))
  connection.onFoldingRanges((params) =>
    whole(params, (analysis) =>
      folds(analysis).map(({ from, to }) => ({ startLine: from - 1, endLine: to - 1 })),
    ),
  )
  connection.onDocumentFormatting((params) =>
    whole(params, ({ file }) => {
      const text = format(file, new Diagnostics())
      if (text === undefined || text === file.text) return []
      return [{ range: rangeOf({ file, start: 0, end: file.text.length }), newText: text }]
    }),
  )
  connection.onCodeAction((params) =>
    within(params, ({ file }, from, to) => {
      const { uri } = params.textDocument
      return mistakesOf(uri).flatMap((each): readonly CodeAction[] => {
        const { fix, primary } = each
        if (!fix || fix.span.file.path !== file.path || !primary) return []
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
  connection.onCodeLens((params) =>
    whole(params, (analysis, uri) =>
      lenses(analysis).map(({ span, text, command }) => ({
        range: rangeOf({ ...span, end: span.start }),
        command: { title: text, command: command === undefined ? "" : `nnc.${command}`, arguments: [uri] },
      })),
    ),
  )
  connection.languages.semanticTokens.on((params) => {
    const builder = new SemanticTokensBuilder()
    const analysis = analyses.of(uriIn(params))
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
