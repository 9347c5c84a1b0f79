/** editor: a text -> everything the services ask for: its tree, its mistakes, its names, the values of its expressions.
 *  Guarantees: gives an answer for every text, however wrong; nothing is read but through `host`. */
import { MAX_CHARACTERS } from "../../grammar/lexical.js"
import { check } from "../check/check.js"
import { describe, type Value } from "../check/values.js"
import type { Module } from "../ir/ast/types.js"
import type { Model } from "../ir/model/types.js"
import { printType } from "../ir/tensor.js"
import { parse } from "../parse/parse.js"
import { type Diagnostic, Diagnostics } from "../source/diagnostic.js"
import type { SourceFile, Span } from "../source/source.js"
import { type NamedSymbol, type Names, namesOf } from "./names.js"

export interface EditorHost {
  /** The standard library, parsed. */
  readonly stdlib: readonly Module[]
  /** An imported file; undefined when there is none. */
  load(path: string, from: SourceFile): SourceFile | undefined
  /** The names in the first row of a CSV file; undefined where they cannot be read. */
  columns?(path: string, delimiter: string, from: SourceFile): readonly string[] | undefined
}
export interface Analysis {
  readonly file: SourceFile
  readonly module: Module
  /** The model as far as it could be made; models with mistakes have no predict section. */
  readonly model: Model
  /** Whether there is no mistake. */
  readonly isSound: boolean
  readonly diagnostics: readonly Diagnostic[]
  readonly names: Names
  /** The value, as far as it is known, of an expression, of a link of a pipe, or of a name where it is declared. */
  valueAt(span: Span): Value | undefined
  /** An imported file, by its path as the program has it. */
  imported(path: string): SourceFile | undefined
  /** The columns of a CSV file, by its path as the program has it. */
  columns(path: string, delimiter: string): readonly string[] | undefined
}

export function analyse(file: SourceFile, host: EditorHost): Analysis {
  const diagnostics = new Diagnostics()
  const module = parse(file, diagnostics)
  const modules = new Map<string, Module>([[file.path, module]])
  const sources = new Map<string, SourceFile>([[file.path, file]])
  const load = (path: string, from: string): Module | undefined => {
    const source = host.load(path, sources.get(from) ?? file)
    if (source === undefined) return undefined
    sources.set(source.path, source)
    const known = modules.get(source.path) ?? parse(source, diagnostics)
    modules.set(source.path, known)
    return known
  }
  const values = new Map<number, Value>()
  const key = ({ start, end }: Span): number => start * 2 * MAX_CHARACTERS + end
  let model: Model = { data: [], slots: [], predicts: [], trains: [], weights: [] }
  const watch = {
    model(made: Model): void {
      model = made
    },
    value(span: Span, value: Value): void {
      // A layer is carried out for each of its instances: the first one stands for all, unless it failed.
      const before = values.get(key(span))
      if (span.file === file && (before === undefined || isBetter(value, before)))
        values.set(key(span), value)
    },
  }
  check(module, { stdlib: host.stdlib, load, diagnostics, watch })
  return {
    file,
    module,
    model,
    isSound: !diagnostics.hasErrors,
    diagnostics: diagnostics.all,
    names: namesOf(module, host.stdlib, (path) => load(path, file.path)),
    valueAt: (span) => values.get(key(span)),
    imported: (path) => load(path, file.path)?.span.file,
    columns: (path, delimiter) => host.columns?.(path, delimiter, file),
  }
}

/** The span of a link of a pipe first has the value of its function, then that of its result. */
const isBetter = (value: Value, before: Value): boolean =>
  before.kind === "error" || (value.kind === "tensor" && before.kind !== "tensor" && before.kind !== "int")

/** `f32[B, 16]`, `3`, `a layer`. */
export function valueText(value: Value): string {
  if (value.kind === "tensor") return printType(value.type)
  if (value.kind === "int" || value.kind === "float" || value.kind === "bool") return String(value.value)
  if (value.kind === "string") return JSON.stringify(value.value)
  if (value.kind === "tuple") return `(${value.items.map(valueText).join(", ")})`
  return describe(value)
}

/** The symbol whose name stands at an offset, declared there or used there. */
export function symbolAt(
  { names, file }: Analysis,
  offset: number,
): { readonly symbol: NamedSymbol; readonly span: Span } | undefined {
  const holds = ({ start, end, file: of }: Span): boolean => of === file && start <= offset && offset <= end
  const use = names.uses.find(({ span }) => holds(span))
  if (use) return use
  const symbol = names.symbols.find(({ span }) => holds(span))
  return symbol && { symbol, span: symbol.span }
}

export const isSameSymbol = (a: NamedSymbol, b: NamedSymbol): boolean =>
  a.span.file.path === b.span.file.path && a.span.start === b.span.start && a.name === b.name
