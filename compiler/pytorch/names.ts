/** pytorch: names from the text of a program: those of values, found by the position of the call or operator that computes them, those of the
 *  parameters of declarations, and their comments.
 *  Not here:   anything that changes what the exported program computes. */
import type { Block, Declaration, Expr, Module, Param, Stmt, TrainStmt } from "../ir/ast/types.js"
import type { CallStmt } from "../ir/model/statements.js"
import type { Origin } from "../ir/origin.js"
import { offsetAt, parsePlace, type SourceFile } from "../source/source.js"

/** A text with its tree. */
export interface Written extends SourceFile {
  readonly module: Module
}
interface Named {
  readonly start: number
  readonly end: number
  readonly names: readonly string[]
}

export class SourceNames {
  private readonly declarations: ReadonlyMap<string, Declaration>
  private readonly own: ReadonlySet<string>
  private readonly files: ReadonlyMap<
    string,
    { readonly source: SourceFile; readonly named: readonly Named[] }
  >

  constructor(written: readonly Written[], library: readonly Module[]) {
    const named = (module: Module): [string, Declaration][] =>
      module.declarations.flatMap((d): [string, Declaration][] =>
        d.kind === "train" || d.kind === "data" ? [] : [[d.name.text, d]],
      )
    const own = written.flatMap(({ module }) => named(module))
    this.own = new Set(own.map(([name]) => name))
    this.declarations = new Map([...library.flatMap(named), ...own])
    this.files = new Map(written.map((source) => [source.path, { source, named: namedIn(source.module) }]))
  }

  isOwn(declaration: string): boolean {
    return this.own.has(declaration)
  }
  kindOf(declaration: string): Declaration["kind"] | undefined {
    return this.declarations.get(declaration)?.kind
  }
  docOf(declaration: string): string | undefined {
    return this.declarations.get(declaration)?.doc
  }
  /** The names of a call's parameters in the declaration, if all are tensors, or it says which are. */
  paramsOf(call: CallStmt): readonly string[] {
    const d = this.declarations.get(call.declaration)
    const params = d?.kind === "fn" ? d.params : d?.kind === "layer" || d?.kind === "model" ? d.inputs : []
    const all = [params, params.filter(isTensor)].find((list) => list.length === call.args.length)
    return all?.map(({ name }) => name.text) ?? []
  }
  /** Those of the innermost `let`, report or loss that a value stands in; the same object for all of it. */
  nameOf({ at, by }: Origin): Named | undefined {
    const place = parsePlace(at)
    const file = place && this.files.get(place.path)
    if (place === undefined || file === undefined || by !== undefined) return undefined
    const offset = offsetAt(file.source, place) ?? 0
    return file.named
      .filter(({ start, end }) => start <= offset && offset < end)
      .reduce<Named | undefined>(
        (best, each) => (best && best.end - best.start <= each.end - each.start ? best : each),
        undefined,
      )
  }
}

const TENSORS = new Set(["f32", "f16", "i32", "u32", "any"])
const isTensor = ({ type }: Param): boolean =>
  type === undefined || (type.kind === "type" && TENSORS.has(type.base.text) && type.dims !== undefined)

function namedIn(module: Module): Named[] {
  const found: Named[] = []
  const add = (value: Expr, names: readonly string[]): void =>
    void found.push({ start: value.span.start, end: value.span.end, names })
  const block = ({ statements }: Block): void => statements.forEach(statement)
  const statement = (s: Stmt | TrainStmt): void => {
    switch (s.kind) {
      case "let":
        return add(
          s.value,
          s.names.map(({ text }) => text),
        )
      case "var":
      case "assign":
      case "report":
        return add(s.value, [s.name.text])
      case "minimize":
        return add(s.loss, ["loss"])
      case "if":
        block(s.then)
        if (s.else) block(s.else)
        return
      case "for":
        return block(s.body)
      default:
    }
  }
  for (const d of module.declarations) {
    if (d.kind === "train") d.body.forEach(statement)
    else if (d.kind === "fn" || d.kind === "layer" || d.kind === "model" || d.kind === "optimizer")
      block(d.body)
  }
  return found
}
