/** cli/lsp: places in a text <-> positions of the protocol; addresses of files <-> paths. */
import { pathToFileURL, fileURLToPath } from "node:url"
import type { Position, Range } from "vscode-languageserver"
import { positionAt, type SourceFile, type Span } from "../../source/source.js"

/** An address that is none of a file of this machine stands for itself. */
export function pathOf(uri: string): string {
  try {
    return uri.startsWith("file:") ? fileURLToPath(uri) : uri
  } catch {
    return uri
  }
}
export const uriOf = (path: string): string => (/^[a-z-]+:/i.test(path) ? path : pathToFileURL(path).href)

export function positionOf(file: SourceFile, offset: number): Position {
  const { line, column } = positionAt(file, offset)
  return { line: line - 1, character: column - 1 }
}

export const rangeOf = ({ file, start, end }: Span): Range => ({
  start: positionOf(file, start),
  end: positionOf(file, end),
})
