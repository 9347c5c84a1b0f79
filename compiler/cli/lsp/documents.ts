/** cli/lsp: the open texts and the analysis of each, which is computed once for each version, when it is first asked for. */
import { readFileSync } from "node:fs"
import { dirname, resolve } from "node:path"
import type { TextDocument } from "vscode-languageserver-textdocument"
import { type Analysis, analyse, type EditorHost } from "../../editor/analysis.js"
import type { SourceFile } from "../../source/source.js"
import { fileHost } from "../host.js"
import { csvColumns } from "./csv-columns.js"
import { pathOf, uriOf } from "./places.js"

interface Known {
  readonly version: number
  readonly analysis: Analysis
}

export class Analyses {
  private readonly known = new Map<string, Known>()
  private readonly host: EditorHost

  constructor(private readonly open: (uri: string) => TextDocument | undefined) {
    const { stdlib } = fileHost("")
    this.host = {
      stdlib,
      load: (path, from) => this.load(path, from),
      columns: (path, delimiter, from) => csvColumns(resolve(dirname(from.path), path), delimiter),
    }
  }

  of(uri: string): Analysis | undefined {
    const document = this.open(uri)
    if (document === undefined) return undefined
    const known = this.known.get(uri)
    if (known?.version === document.version) return known.analysis
    const analysis = analyse({ path: pathOf(uri), text: document.getText() }, this.host)
    this.known.set(uri, { version: document.version, analysis })
    return analysis
  }

  /** An imported file may have changed: everything is analysed anew. */
  forget(uri?: string): void {
    if (uri === undefined) this.known.clear()
    else this.known.delete(uri)
  }

  /** An open file has the text of the editor, not that of the disk. */
  private load(path: string, from: SourceFile): SourceFile | undefined {
    const place = resolve(dirname(from.path), path)
    const text = this.open(uriOf(place))?.getText() ?? read(place)
    return text === undefined ? undefined : { path: place, text }
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return undefined
  }
}
