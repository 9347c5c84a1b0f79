/** editor: a module -> which declaration each name in it stands for.
 *  Assumes:    a module as it was parsed; it may be wrong, and then less is resolved.
 *  Guarantees: follows the rules of check/resolve.ts and check/scope.ts without carrying anything out, so that names in bodies that
 *              nothing calls, or that do not type-check, are resolved too.
 *  Not here:   types (analysis.ts). */
import type {
  Arg,
  Block,
  DataDecl,
  Declaration,
  DimExpr,
  Expr,
  MinimizeStmt,
  Module,
  Name,
  Param,
  Stmt,
  TrainDecl,
  TypeExpr,
} from "../ir/ast/types.js"
import { unreachable } from "../source/bug.js"
import type { SourceFile, Span } from "../source/source.js"

export type SymbolKind =
  | "constant"
  | "fn"
  | "layer"
  | "model"
  | "optimizer"
  | "data"
  | "train"
  | "field"
  | "argument"
  | "size"
  | "let"
  | "var"
  | "param"
  | "state"
  | "loop"
  | "report"

export interface NamedSymbol {
  readonly name: string
  readonly kind: SymbolKind
  /** The name where it is declared. */
  readonly span: Span
  /** The declaration, for names at the top of a file. */
  readonly decl?: Declaration
  /** The initialiser of a parameter or state: `= uniform(-k, k)`. */
  readonly first?: Span
}
export interface Use {
  readonly span: Span
  readonly symbol: NamedSymbol
}
export interface Names {
  readonly symbols: readonly NamedSymbol[]
  /** Places where a symbol is used, its declaration not among them. */
  readonly uses: readonly Use[]
  /** The names in scope at an offset, innermost last. */
  at(offset: number): ReadonlyMap<string, NamedSymbol>
}

/** The modules of other files, by the path as it is written in `import`. */
export type Imported = (path: string) => Module | undefined

export function namesOf(module: Module, library: readonly Module[], imported: Imported): Names {
  const global = new Sight()
  for (const each of library) for (const symbol of topSymbols(each)) global.add(symbol)
  const walk = new Walk(global)
  for (const { path, names } of module.imports) {
    const there = topSymbols(imported(path) ?? { ...module, declarations: [] })
    for (const symbol of there)
      if (names === undefined || names.some(({ text }) => text === symbol.name)) global.add(symbol)
    for (const name of names ?? []) walk.use(global, name)
  }
  for (const symbol of topSymbols(module)) {
    global.add(symbol)
    walk.note(symbol)
  }
  for (const decl of module.declarations) walk.declaration(decl)
  return {
    symbols: walk.symbols,
    uses: walk.uses,
    at: (offset) => walk.inSight(offset),
  }
}

const KINDS = { "let-decl": "constant" } as const

/** Those that have a name. */
const topSymbols = ({ declarations }: Module): readonly NamedSymbol[] =>
  declarations.flatMap((decl) => {
    if (decl.name === undefined) return []
    const kind = decl.kind === "let-decl" ? KINDS[decl.kind] : decl.kind
    return [{ name: decl.name.text, kind, span: decl.name.span, decl }]
  })

/** Names in sight: those of a body, and around them those of the bodies it stands in. */
class Sight {
  readonly own = new Map<string, NamedSymbol>()

  constructor(private readonly around?: Sight) {}

  get(name: string): NamedSymbol | undefined {
    return this.own.get(name) ?? this.around?.get(name)
  }
  add(symbol: NamedSymbol): void {
    this.own.set(symbol.name, symbol)
  }
}

class Walk {
  readonly symbols: NamedSymbol[] = []
  /** By file and place. */
  private readonly byPlace = new Map<SourceFile, Map<number, NamedSymbol>>()
  readonly uses: Use[] = []
  /** Names that come into sight at an offset, up to another one. */
  private readonly sights: { readonly symbol: NamedSymbol; readonly from: number; readonly to: number }[] = []

  constructor(private readonly global: Sight) {}

  inSight(offset: number): ReadonlyMap<string, NamedSymbol> {
    const out = new Map(this.global.own)
    for (const { symbol, from, to } of this.sights)
      if (from <= offset && offset <= to) out.set(symbol.name, symbol)
    return out
  }

  note(symbol: NamedSymbol): void {
    const { file, start } = symbol.span
    this.symbols.push(symbol)
    const places = this.byPlace.get(file) ?? new Map<number, NamedSymbol>()
    this.byPlace.set(file, places.set(start, symbol))
  }

  use(sight: Sight, name: Name): void {
    const symbol = sight.get(name.text)
    if (symbol) this.uses.push({ span: name.span, symbol })
  }

  declaration(decl: Declaration): void {
    const { end } = decl.span
    switch (decl.kind) {
      case "let-decl":
        return this.expr(this.global, decl.value)
      case "fn":
        return this.body(decl.params, decl.result, decl.body, end)
      case "layer":
        return this.body([...decl.config, ...decl.inputs], decl.result, decl.body, end)
      case "model":
        if (decl.from) this.expr(this.global, decl.from)
        if (decl.follows) {
          this.use(this.global, decl.follows.leader)
          this.expr(this.global, decl.follows.by)
        }
        return this.body(decl.inputs, decl.result, decl.body, end)
      case "optimizer": {
        const sight = this.params(decl.config, end)
        for (const name of [decl.parameter, decl.gradient]) this.declare(sight, name, "argument", end)
        return this.statements(sight, decl.body.statements, decl.body.span.end)
      }
      case "data":
        return this.data(decl)
      case "train":
        return this.train(decl)
      default:
        return unreachable(decl)
    }
  }

  /** `from`: where it comes into sight; left out, behind its name. */
  private declare(
    sight: Sight,
    name: Name,
    kind: SymbolKind,
    to: number,
    from = name.span.end,
    first?: Span,
  ): void {
    const symbol: NamedSymbol = { name: name.text, kind, span: name.span, ...(first && { first }) }
    this.note(symbol)
    this.sights.push({ symbol, from, to })
    sight.add(symbol)
  }

  private body(
    params: readonly Param[],
    result: TypeExpr | undefined,
    { statements, span }: Block,
    end: number,
  ): void {
    const sight = this.params(params, end)
    if (result) this.type(sight, result, end)
    this.statements(sight, statements, span.end)
  }

  private params(params: readonly Param[], end: number): Sight {
    const sight = new Sight(this.global)
    for (const { name, type, default: value } of params) {
      if (type) this.type(sight, type, end)
      if (value) this.expr(sight, value)
      this.declare(sight, name, "argument", end)
    }
    return sight
  }

  /** Names in dimensions that nothing declares are sizes, declared where they stand first. */
  private type(sight: Sight, type: TypeExpr, end: number): void {
    if (type.kind === "tuple-type") for (const item of type.items) this.type(sight, item, end)
    else for (const dim of type.dims ?? []) this.dim(sight, dim, end)
  }

  private dim(sight: Sight, dim: DimExpr, end: number): void {
    const name =
      dim.kind === "rest" ? dim.name : dim.kind === "name" ? { text: dim.name, span: dim.span } : undefined
    if (name !== undefined && name.text !== "B") {
      const known = sight.get(name.text)
      // Functions and layers are no sizes, so a size may be called like one.
      const isSize = known !== undefined && (known.decl === undefined || known.kind === "constant")
      if (isSize) this.use(sight, name)
      else this.declare(sight, name, "size", end)
    } else if (dim.kind !== "rest" && dim.kind !== "name") this.expr(sight, dim)
  }

  private statements(sight: Sight, statements: readonly Stmt[], end: number): void {
    for (const statement of statements) this.statement(sight, statement, end)
  }

  private block(sight: Sight, { statements, span }: Block): void {
    this.statements(new Sight(sight), statements, span.end)
  }

  private statement(sight: Sight, s: Stmt, end: number): void {
    switch (s.kind) {
      case "let":
        this.expr(sight, s.value)
        for (const name of s.names) this.declare(sight, name, "let", end, s.span.end)
        return
      case "var":
        this.expr(sight, s.value)
        return this.declare(sight, s.name, "var", end, s.span.end)
      case "assign":
      case "update":
        this.expr(sight, s.value)
        return this.use(sight, s.name)
      case "param":
        this.type(sight, s.type, end)
        if (s.as) this.expr(sight, s.as)
        this.expr(sight, s.from ?? s.init)
        return this.declare(sight, s.name, "param", end, s.span.end, { ...s.span, start: s.type.span.end })
      case "state":
        if (s.type) this.type(sight, s.type, end)
        this.expr(sight, s.init)
        return this.declare(sight, s.name, "state", end, s.span.end, {
          ...s.span,
          start: (s.type ?? s.name).span.end,
        })
      case "return":
      case "expr":
        return this.expr(sight, s.value)
      case "if":
        this.expr(sight, s.condition)
        this.block(sight, s.then)
        if (s.else) this.block(sight, s.else)
        return
      case "for": {
        this.expr(sight, s.range)
        const inner = new Sight(sight)
        this.declare(inner, s.name, "loop", s.body.span.end)
        return this.statements(inner, s.body.statements, s.body.span.end)
      }
      default:
        return unreachable(s)
    }
  }

  private data({ source, fields, split, where = [], val, test, span }: DataDecl): void {
    const sight = new Sight()
    const values = [
      source,
      ...fields.map(({ value }) => value),
      ...(split?.args ?? []).map(({ value }) => value),
      ...where.map(({ condition }) => condition),
    ]
    for (const value of [...values, val, test]) if (value) this.dataExpr(value)
    for (const { name, type } of fields) {
      if (type.kind === "type")
        for (const dim of type.dims ?? []) if (dim.kind !== "rest") this.expr(this.global, dim)
      this.declare(sight, name, "field", span.end)
    }
  }

  /** Sources, columns and stages have names of their own; their arguments may be constants. */
  private dataExpr(e: Expr): void {
    if (e.kind === "pipe") {
      this.dataExpr(e.value)
      this.dataExpr(e.target)
    } else if (e.kind === "call") for (const { value } of e.args) this.dataExpr(value)
    else if (e.kind === "name" && this.global.get(e.name)?.kind === "constant")
      this.use(this.global, { text: e.name, span: e.span })
    else if (e.kind === "list") for (const item of e.items) this.dataExpr(item)
    else if (e.kind === "unary") this.dataExpr(e.operand)
    else if (e.kind === "binary") for (const side of [e.left, e.right]) this.dataExpr(side)
  }

  private train(decl: TrainDecl): void {
    const sight = new Sight(this.global)
    const read = decl.data ? [decl.data, ...decl.beside] : []
    for (const name of read) this.use(this.global, name)
    const fields = read.flatMap(({ text }) => {
      const set = this.global.get(text)?.decl
      return set?.kind === "data" ? set.fields : []
    })
    for (const { name } of fields) {
      // A name that several sets have is taken from one of them: `labelled.x`.
      if (fields.some((other) => other.name !== name && other.name.text === name.text)) continue
      const symbol = this.symbolAt(name, "field")
      sight.add(symbol)
      this.sights.push({ symbol, from: decl.span.start, to: decl.span.end })
    }
    const reports = new Sight()
    for (const s of decl.body)
      if (s.kind === "report") {
        this.expr(sight, s.value)
        this.declare(reports, s.name, "report", decl.span.end, s.span.end)
      } else if (s.kind !== "setting") this.trainStatement(sight, s, decl.span.end)
    // A name alone, as in `keep best accuracy`, is that of a report, which other statements do not see.
    for (const { value, on } of decl.body.filter((s) => s.kind === "setting")) {
      if (on) this.metric(reports, on)
      if (value?.kind === "name" && !isConstant(sight, value.name))
        this.metric(reports, { text: value.name, span: value.span })
      else if (value) this.expr(sight, value)
    }
  }

  /** `val_accuracy` is the report `accuracy` of other rows. */
  private metric(reports: Sight, { text, span }: Name): void {
    const part = reports.get(text) ? 0 : (/^(val|test)_/.exec(text)?.[0].length ?? 0)
    this.use(reports, { text: text.slice(part), span: { ...span, start: span.start + part } })
  }

  private trainStatement(sight: Sight, s: MinimizeStmt | Stmt, end: number): void {
    if (s.kind !== "minimize") return this.statement(sight, s, end)
    this.expr(sight, s.loss)
    for (const { over, optimizer } of s.groups)
      for (const e of [...(over ?? []), optimizer]) this.expr(sight, e)
  }

  private expr(sight: Sight, e: Expr): void {
    switch (e.kind) {
      case "number":
      case "string":
      case "bool":
      case "none":
        return
      case "name":
        return this.use(sight, { text: e.name, span: e.span })
      case "list":
      case "tuple":
        for (const item of e.items) this.expr(sight, item)
        return
      case "range":
        this.expr(sight, e.start)
        return this.expr(sight, e.end)
      case "unary":
        return this.expr(sight, e.operand)
      case "binary":
        this.expr(sight, e.left)
        return this.expr(sight, e.right)
      case "pipe":
        // A long network is one chain.
        for (let at: Expr = e; ; at = at.value) {
          if (at.kind !== "pipe") return this.expr(sight, at)
          this.expr(sight, at.target)
        }
      case "call":
        this.expr(sight, e.callee)
        return this.args(sight, e.callee, e.args)
      case "field":
        this.expr(sight, e.object)
        return this.member(sight, e.object, e.name)
      case "index":
        this.expr(sight, e.object)
        for (const item of e.items)
          for (const part of item.kind === "at"
            ? [item.value]
            : item.kind === "slice"
              ? [item.start, item.stop, item.step]
              : [])
            if (part) this.expr(sight, part)
        return
      case "if-expr":
        this.expr(sight, e.condition)
        this.block(sight, e.then)
        return this.block(sight, e.else)
      case "scan": {
        this.expr(sight, e.sequence)
        this.expr(sight, e.axis)
        const inner = new Sight(sight)
        for (const name of e.names) this.declare(inner, name, "loop", e.body.span.end)
        return this.statements(inner, e.body.statements, e.body.span.end)
      }
      default:
        return unreachable(e)
    }
  }

  /** The names of arguments are those of the parameters. */
  private args(sight: Sight, callee: Expr, args: readonly Arg[]): void {
    const decl = callee.kind === "name" ? sight.get(callee.name)?.decl : undefined
    const params = decl === undefined ? [] : paramsOf(decl)
    for (const { name, value } of args) {
      const param = name && params.find((each) => each.name.text === name.text)
      if (name && param) this.uses.push({ span: name.span, symbol: this.symbolAt(param.name, "argument") })
      this.expr(sight, value)
    }
  }

  /** `Net.head`: a name in the body of `Net`. `labelled.x`: a field of `labelled`. */
  private member(sight: Sight, object: Expr, name: Name): void {
    const decl = object.kind === "name" ? sight.get(object.name)?.decl : undefined
    if (decl?.kind === "data") {
      const field = decl.fields.find((each) => each.name.text === name.text)
      if (field) this.uses.push({ span: name.span, symbol: this.symbolAt(field.name, "field") })
    }
    if (decl?.kind !== "model" && decl?.kind !== "layer") return
    const found = decl.body.statements
      .flatMap((s) => (s.kind === "let" ? s.names : s.kind === "param" || s.kind === "state" ? [s.name] : []))
      .find(({ text }) => text === name.text)
    if (found) this.uses.push({ span: name.span, symbol: this.symbolAt(found, "let") })
  }

  private symbolAt(name: Name, kind: SymbolKind): NamedSymbol {
    const known = this.byPlace.get(name.span.file)?.get(name.span.start)
    return known ?? { name: name.text, kind, span: name.span }
  }
}

const isConstant = (sight: Sight, name: string): boolean => sight.get(name)?.kind === "constant"

/** The parameters that a call of it may name. */
export function paramsOf(decl: Declaration): readonly Param[] {
  switch (decl.kind) {
    case "fn":
      return decl.params
    case "layer":
    case "optimizer":
      return decl.config
    case "model":
      return decl.inputs
    default:
      return []
  }
}
