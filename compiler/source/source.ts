/** source: the text a user wrote, and places in it.   This room never reads files. */

/** One source text. `path` is what messages print; `text` is the whole file. */
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

/** From a place as `formatSpan` prints it to the end of its line; undefined where the file has no such line. */
export function spanFrom(file: SourceFile, { line, column }: Position): Span | undefined {
  const lines = file.text.split("\n")
  const text = lines[line - 1]
  if (text === undefined) return undefined
  const before = lines.slice(0, line - 1).reduce((sum, l) => sum + l.length + 1, 0)
  return { file, start: before + column - 1, end: before + text.trimEnd().length }
}
