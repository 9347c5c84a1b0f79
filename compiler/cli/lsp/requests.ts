/** cli/lsp: checks the parameters of requests. They have types, but a client may send anything. */
import { ErrorCodes, type Position, type Range, ResponseError } from "vscode-languageserver"

export const missing = (what: string): ResponseError<void> =>
  new ResponseError(ErrorCodes.InvalidParams, `the request has no \`${what}\``)

export function uriIn(params: { readonly textDocument: { readonly uri: string } }): string {
  const uri: unknown = params?.textDocument?.uri
  if (typeof uri !== "string") throw missing("textDocument.uri")
  return uri
}

export function placeIn(params: { readonly position: Position }): Position {
  if (!isPlace(params.position)) throw missing("position")
  return params.position
}

export function rangeIn({ range }: { readonly range: Range }): Range {
  if (!isPlace(range?.start) || !isPlace(range.end)) throw missing("range")
  return range
}

const isPlace = (place: Position | undefined): boolean =>
  Number.isInteger(place?.line) && Number.isInteger(place?.character)
