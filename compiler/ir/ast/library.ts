/** ir/ast: parsed modules <-> one text, so that the standard library is parsed when nnc is built and not at every start.
 *  Assumes:    modules without imports.
 *  Guarantees: reading a printed module gives an equal one. A program sees only the names of most declarations: the rest of each is
 *              decoded when first asked for. */
import { bug } from "../../source/bug.js"
import type { SourceFile, Span } from "../../source/source.js"
import type { Declaration, Module } from "./types.js"

interface PackedModule {
  readonly path: string
  readonly text: string
  readonly declarations: readonly PackedHead[]
}
/** `fields`: the rest of the declaration, on a line of its own. */
interface PackedHead {
  readonly head: object
  readonly fields: readonly string[]
}

/** The heads of all declarations on the first line, then a line for the rest of each. */
export function printLibrary(modules: readonly Module[]): string {
  const rests: string[] = []
  const heads = modules.map(({ imports, declarations, span: { file } }): PackedModule => {
    if (imports.length > 0) bug(`${file.path} imports`)
    return { path: file.path, text: file.text, declarations: declarations.map((d) => packed(d, rests)) }
  })
  return [JSON.stringify(heads, packSpan), ...rests].join("\n")
}

function packed({ kind, name, span, ...rest }: Declaration, rests: string[]): PackedHead {
  rests.push(JSON.stringify(rest, packSpan))
  return { head: { kind, name, span }, fields: Object.keys(rest) }
}

function packSpan(key: string, value: unknown): unknown {
  if (key !== "span") return value
  const { start, end } = value as Span
  return [start, end]
}

export function readLibrary(text: string): readonly Module[] {
  const [heads = "", ...rests] = text.split("\n")
  const lines = rests.values()
  return (JSON.parse(heads) as readonly PackedModule[]).map(({ path, text: source, declarations }) => {
    const file = { path, text: source }
    return {
      imports: [],
      declarations: declarations.map((each) => lazily(each, lines.next().value ?? "", file)),
      unread: [],
      span: { file, start: 0, end: source.length },
    }
  })
}

function lazily({ head, fields }: PackedHead, line: string, file: SourceFile): Declaration {
  let rest: Record<string, unknown> | undefined
  const decoded = (): Record<string, unknown> =>
    (rest ??= unpacked(JSON.parse(line) as Record<string, unknown>, file))
  const declaration = unpacked(head, file)
  for (const field of fields)
    Object.defineProperty(declaration, field, { enumerable: true, get: () => decoded()[field] })
  return declaration as Declaration
}

/** Gives every span below `value` its file, in place. */
function unpacked<T extends object>(value: T, file: SourceFile): T {
  const fields = value as Record<string, unknown>
  for (const key in fields) {
    const field = fields[key]
    if (typeof field !== "object" || field === null) continue
    if (key === "span") {
      const [start, end] = field as [number, number]
      fields[key] = { file, start, end }
    } else unpacked(field, file)
  }
  return value
}
