/** source: the text a user wrote, and places in it.   This room never reads files. */

/** One source text. `path` stands in messages; `text` is the whole file. */
export interface SourceFile {
  readonly path: string
  readonly text: string
}

/** A half-open range of UTF-16 offsets in one file. */
export interface Span {
  readonly file: SourceFile
  readonly start: number
  readonly end: number
}

/** 1-based line and column of an offset. */
export interface Position {
  readonly line: number
  readonly column: number
}

/** The position of `offset` in `file`; offsets past the end give the end. */
export function positionAt(file: SourceFile, offset: number): Position {
  const at = Math.min(offset, file.text.length)
  const starts = lineStarts(file)
  let [line, after] = [0, starts.length]
  while (after - line > 1) {
    const middle = (line + after) >> 1
    if (starts[middle]! <= at) line = middle
    else after = middle
  }
  return { line: line + 1, column: at - starts[line]! + 1 }
}

export const spanText = ({ file, start, end }: Span): string => file.text.slice(start, end)

/** The first and the last line of a span. */
export const linesOf = ({ file, start, end }: Span): readonly [number, number] => [
  positionAt(file, start).line,
  positionAt(file, Math.max(start, end - 1)).line,
]

/** Every operation of a program asks for its place: the lines are counted once. */
const startsOf = new WeakMap<SourceFile, readonly number[]>()

function lineStarts(file: SourceFile): readonly number[] {
  const known = startsOf.get(file)
  if (known !== undefined) return known
  const found = [0]
  for (let at = file.text.indexOf("\n"); at >= 0; at = file.text.indexOf("\n", at + 1)) found.push(at + 1)
  startsOf.set(file, found)
  return found
}

/** The smallest span that covers both. Both must be of one file. */
export function cover(a: Span, b: Span): Span {
  return { file: a.file, start: Math.min(a.start, b.start), end: Math.max(a.end, b.end) }
}

/** `path:line:column`, as messages and IR text print a place. */
export function formatSpan(span: Span): string {
  const { line, column } = positionAt(span.file, span.start)
  return `${span.file.path}:${line}:${column}`
}

/** A place as `formatSpan` prints it. */
export interface Place extends Position {
  readonly path: string
}

/** Undefined where a text is no place: operations that no line of the program made have none. */
export function parsePlace(text: string): Place | undefined {
  const [, path, line, column] = /^(.*):(\d+):(\d+)$/.exec(text) ?? []
  return path === undefined ? undefined : { path, line: Number(line), column: Number(column) }
}

/** The offset of a position; undefined where the file has no such line. */
export function offsetAt(file: SourceFile, { line, column }: Position): number | undefined {
  const start = lineStarts(file)[line - 1]
  return start === undefined ? undefined : start + column - 1
}

/** From a position to the end of its line; undefined where the file has no such line. */
export function spanFrom(file: SourceFile, position: Position): Span | undefined {
  const start = offsetAt(file, position)
  if (start === undefined) return undefined
  const [first, next] = [offsetAt(file, { ...position, column: 1 })!, lineStarts(file)[position.line]]
  return { file, start, end: first + file.text.slice(first, next).trimEnd().length }
}
