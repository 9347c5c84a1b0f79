/** pytorch: the body of one function or method: statements of a model -> lines of Python.
 *  Guarantees: a value that is used once is written where it is used, if the line stays short; a value that the program names keeps its
 *              name; reads of a state are written before its update.
 *  Not here:   the classes and functions that there are (program.ts). */
import { type CallStmt, changesSlots, type OpStmt, usesIn } from "../ir/model/statements.js"
import type { ModelRegion, ModelStmt, ModelValue } from "../ir/model/types.js"
import type { Origin } from "../ir/origin.js"
import { type Dim, isStatic, printDim, sameShape, type Shape, type TensorType } from "../ir/tensor.js"
import { intAttr } from "../ops/attrs.js"
import { bug } from "../source/bug.js"
import type { Fused } from "./functions.js"
import { type Scope, type Term, Unspeakable, made } from "./ops/spelling.js"
import { TORCH_DTYPES } from "./ops/pointwise.js"
import { SPELLINGS } from "./ops/table.js"
import { atom, call, type Code, indented, infix, LEVEL, method, type Names, numberText } from "./python.js"
import type { SectionFacts } from "./section.js"

/** The surroundings of a body: how it reads and changes slots, and the spelling of its calls. */
export interface Place {
  /** The path of the instance; absent in functions. */
  readonly path?: string
  readonly facts: SectionFacts
  readonly training: boolean
  /** Whether the program's author wrote the body: then its values have names of their own. */
  readonly isOwn: boolean
  read(slot: string): Code
  /** A line. */
  update(slot: string, value: Code): string
  /** The code of a scalar of the run. */
  scalar(name: string): Code
  kindOf(call: CallStmt): CallKind
  /** The name that the program gives the value of a statement, or its loss or report. */
  nameOf(origin: Origin): { readonly names: readonly string[] } | undefined
  refuse(origin: Origin, op: string, why: string): void
  acrossRows(origin: Origin): void
}
/** The spelling of a call. */
export type CallKind =
  | { readonly kind: "opened" }
  | { readonly kind: "torch"; readonly fused: Fused }
  /** A function or method of the exported program; writes it, and gives its name. */
  | {
      readonly kind: "defined"
      readonly free: readonly ModelValue[]
      readonly results: readonly ModelValue[]
      define(args: readonly Param[]): {
        readonly callee: string
        readonly after?: string
        readonly types: readonly Term[]
      }
    }

/** A parameter of a function: its value in the body. */
export interface Param {
  readonly id: ModelValue
  readonly term: Term
}

type Item =
  | { readonly kind: "statement"; readonly stmt: Exclude<ModelStmt, CallStmt> }
  | { readonly kind: "call"; readonly stmt: CallStmt; readonly as: Exclude<CallKind, { kind: "opened" }> }

function resultsOf(item: Item): readonly ModelValue[] {
  if (item.kind === "call") return "results" in item.as ? item.as.results : item.stmt.results
  return item.stmt.kind === "update" ? [] : [item.stmt.id]
}

/** Where lines are broken by hand: no longer value stands within another. */
const LONGEST = 62

export class Frame implements Scope {
  readonly lines: string[] = []
  private readonly terms = new Map<ModelValue, Term>()
  private readonly types = new Map<ModelValue, TensorType>()
  private readonly changed = new Set<string>()
  private readonly updated = new Map<string, Code>()
  private origin: Origin = { at: "" }

  constructor(
    readonly place: Place,
    private readonly names: Names,
    private readonly outer?: Frame,
  ) {}

  param(id: ModelValue, term: Term): void {
    this.terms.set(id, term)
    if (this.place.facts.differentiated.has(id)) this.mark(term.code.text)
  }

  /** Writes the lines, and gives the results. */
  write(body: readonly ModelStmt[], results: readonly ModelValue[]): readonly Term[] {
    const items = this.itemsOf(body)
    this.noteChanges(body)
    const uses = this.usesOf(items, results)
    const named = this.namesFor(items)
    items.forEach((item, i) => this.item(item, uses, named.get(i)))
    return results.map((id) => this.term(id))
  }

  private itemsOf(body: readonly ModelStmt[]): Item[] {
    return body.flatMap((stmt): Item[] => {
      if (stmt.kind !== "call") {
        if (stmt.kind !== "update") this.types.set(stmt.id, stmt.type)
        return [{ kind: "statement", stmt }]
      }
      this.noteTypes(stmt.body)
      const as = this.place.kindOf(stmt)
      return as.kind === "opened" ? this.itemsOf(stmt.body) : [{ kind: "call", stmt, as }]
    })
  }
  private noteTypes(body: readonly ModelStmt[]): void {
    for (const s of body) {
      if (s.kind === "call") this.noteTypes(s.body)
      else if (s.kind !== "update") this.types.set(s.id, s.type)
    }
  }
  private noteChanges(body: readonly ModelStmt[]): void {
    for (const s of body) {
      if (s.kind === "update") this.changed.add(s.slot)
      if (s.kind === "call") this.noteChanges(s.body)
    }
  }

  private usesOf(items: readonly Item[], results: readonly ModelValue[]): ReadonlyMap<ModelValue, number> {
    const uses = new Map<ModelValue, number>()
    const add = (id: ModelValue, times = 1): void => void uses.set(id, (uses.get(id) ?? 0) + times)
    results.forEach((id) => add(id))
    // From the last to the first, since a value that nobody uses uses nothing.
    for (const item of [...items].reverse()) {
      if (item.kind === "call") {
        const { as, stmt } = item
        if (as.kind === "torch") {
          if (uses.has(stmt.results[0]!)) as.fused.args.forEach((id) => add(id))
        } else if (as.results.some((id) => uses.has(id)) || changesSlots(stmt.body))
          as.free.forEach((id) => add(id))
        continue
      }
      const { stmt } = item
      if (stmt.kind === "update") add(stmt.value)
      if (stmt.kind !== "op" || !uses.has(stmt.id)) continue
      stmt.args.forEach((id) => add(id))
      // A value that a loop reads counts as read twice: it gets a name before the loop and is not computed in every iteration.
      for (const region of stmt.regions ?? [])
        for (const id of usesIn(region.body, region.results).keys()) add(id, 2)
    }
    return uses
  }

  /** By the number of the item: the last one of those that come from one `let`. */
  private namesFor(items: readonly Item[]): ReadonlyMap<number, readonly string[]> {
    const found = new Map<number, readonly string[]>()
    let last: { readonly names: readonly string[] } | undefined
    items.forEach(({ stmt }, i) => {
      const own = this.place.isOwn ? this.place.nameOf(stmt.origin) : undefined
      if (own === undefined) return void (last = undefined)
      if (last === own) found.delete(i - 1)
      found.set(i, own.names)
      last = own
    })
    return found
  }

  private item(
    item: Item,
    uses: ReadonlyMap<ModelValue, number>,
    named: readonly string[] | undefined,
  ): void {
    this.origin = item.stmt.origin
    try {
      if (item.kind === "call") this.call(item.stmt, item.as, uses, named)
      else this.statement(item.stmt, uses, named)
    } catch (error) {
      if (!(error instanceof Unspeakable)) throw error
      this.place.refuse(item.stmt.origin, opOf(item.stmt), error.message)
      // Later statements are looked at too.
      for (const id of resultsOf(item))
        this.terms.set(id, made(atom("None"), this.types.get(id) ?? bug(`value ${id} has no type`)))
    }
  }

  private statement(
    s: Exclude<ModelStmt, CallStmt>,
    uses: ReadonlyMap<ModelValue, number>,
    named: readonly string[] | undefined,
  ): void {
    if (s.kind === "update") {
      const value = this.variable(this.whole(this.term(s.value)), s.slot.split(/[./]/).at(-1)!)
      this.updated.set(s.slot, value)
      this.lines.push(this.place.update(s.slot, value))
      return
    }
    const count = uses.get(s.id) ?? 0
    if (count === 0) return
    if (s.kind === "read") {
      const known = this.updated.get(s.slot)
      const code = known ?? this.place.read(s.slot)
      const isKept = known === undefined && this.changed.has(s.slot)
      const name = s.slot.split(/[./]/).at(-1)!
      this.terms.set(s.id, made(isKept ? this.variable(code, name) : code, s.type))
      return
    }
    // Constants and sizes are written where they are read.
    if (this.place.facts.sources.has(s.id)) return
    this.bind(s.id, this.operation(s), count, named?.[0] ?? wordFor(s))
    if (named) this.named(s.id, named[0]!)
  }

  private operation(s: OpStmt): Term {
    if (s.op === "scan") return this.loop(s, s.regions?.[0] ?? bug("a scan has a region"))
    const spelling = SPELLINGS[s.op]
    if (typeof spelling !== "function")
      throw new Unspeakable("none" in spelling ? spelling.none : "it is a statement")
    return spelling({ args: s.args.map((a) => this.term(a)), attrs: s.attrs, type: s.type, w: this })
  }

  private call(
    s: CallStmt,
    as: Exclude<CallKind, { kind: "opened" }>,
    uses: ReadonlyMap<ModelValue, number>,
    named: readonly string[] | undefined,
  ): void {
    if (as.kind === "torch") {
      const [id] = s.results
      const count = uses.get(id!) ?? 0
      if (count === 0) return
      const term = as.fused.spell({
        term: (each) => this.term(each),
        source: (each) => this.place.facts.sources.get(each),
        typeOf: (each) => this.types.get(each) ?? bug(`value ${each} has no type`),
        w: this,
      })
      if (term === undefined) return this.opened(s, uses, named)
      this.bind(id!, term, count, named?.[0] ?? wordOf(s.declaration))
      if (named) this.named(id!, named[0]!)
      return
    }
    const { free, results } = as
    const isUsed = results.some((id) => uses.has(id))
    if (!isUsed && !changesSlots(s.body)) return
    const given = free.map((id): Param => ({ id, term: this.passed(this.term(id)) }))
    const { callee, after = "", types } = as.define(given)
    const made_ = atom(`${callee}(${given.map(({ term }) => term.code.text).join(", ")})${after}`)
    if (results.length === 0) return void this.lines.push(made_.text)
    const [first] = results
    if (results.length === 1) {
      this.bind(
        first!,
        { ...types[0]!, code: made_ },
        isUsed ? (uses.get(first!) ?? 0) : 2,
        named?.[0] ?? wordOf(s.declaration),
      )
      if (named) this.named(first!, named[0]!)
      return
    }
    const targets = results.map((id, i) => {
      if (!uses.has(id)) return "_"
      const name = this.names.fresh(named?.[i] ?? wordOf(s.declaration))
      this.terms.set(id, { ...types[i]!, code: atom(name) })
      return name
    })
    this.lines.push(`${targets.join(", ")} = ${made_.text}`)
    for (const id of results) if (this.place.facts.differentiated.has(id)) this.bind(id, this.term(id), 2, "")
  }

  /** Writes a call that is no function of torch statement by statement. */
  private opened(
    s: CallStmt,
    uses: ReadonlyMap<ModelValue, number>,
    named: readonly string[] | undefined,
  ): void {
    const inner = this.itemsOf(s.body)
    const all = new Map(uses)
    for (const [id, count] of this.usesOf(inner, s.results)) if (!all.has(id)) all.set(id, count)
    inner.forEach((item, i) => this.item(item, all, i === inner.length - 1 ? named : undefined))
  }

  /** A term as an argument, with its whole shape: a module of torch takes no number in place of a tensor. */
  private passed(term: Term): Term {
    return term.scalar && term.shape.length === 0 ? term : made(this.whole(term), term)
  }

  private bind(id: ModelValue, given: Term, count: number, name: string): void {
    const marked = this.place.facts.differentiated.has(id)
    // An expression written out at its use is another tensor, on which nothing depends.
    const term = marked ? made(this.whole(given), given) : given
    if (term.parts !== undefined || (!marked && isName(term.code))) return void this.terms.set(id, term)
    const short = term.code.text.length <= LONGEST
    if (!marked && count <= 1 && short) return void this.terms.set(id, term)
    const variable = this.variable(term.code, name)
    this.terms.set(id, { ...term, code: variable })
    if (marked) this.mark(variable.text)
  }
  /** A value that the program names stands on a line of its own. */
  private named(id: ModelValue, name: string): void {
    const term = this.terms.get(id)
    if (term === undefined || term.parts !== undefined || term.scalar || isName(term.code)) return
    this.terms.set(id, { ...term, code: this.variable(term.code, name) })
  }
  private mark(name: string): void {
    this.lines.push(`${name} = parallel.differentiable(${name})`)
  }
  private variable(code: Code, wanted: string): Code {
    if (/^[A-Za-z_]\w*$/.test(code.text)) return code
    const name = this.names.fresh(wanted)
    this.lines.push(`${name} = ${code.text}`)
    return atom(name)
  }

  term(id: ModelValue): Term {
    return this.find(id) ?? bug(`model value ${id} is used before it is defined`)
  }
  private find(id: ModelValue): Term | undefined {
    const known = this.terms.get(id) ?? this.outer?.find(id)
    if (known) return known
    const scalar = this.place.facts.scalars.get(id)
    if (scalar !== undefined)
      return { code: this.place.scalar(scalar), dtype: "i32", shape: [], held: [], scalar: true }
    const source = this.place.facts.sources.get(id)
    if (source === undefined) return undefined
    const term = this.operation(source)
    // A size is short; a row of numbers is made once.
    const kept =
      isName(term.code) || term.scalar ? term : { ...term, code: this.variable(term.code, wordFor(source)) }
    this.terms.set(id, kept)
    return kept
  }

  private loop(s: OpStmt, region: ModelRegion): Term {
    const [iterations, carries, slices] = ["iterations", "carries", "slices"].map((name) =>
      intAttr(s.attrs, name),
    ) as [number, number, number]
    const args = s.args.map((a) => this.term(a))
    const inner = new Frame(this.place, this.names, this)
    const carried = args.slice(0, carries).map((x, i) => {
      const param = region.params[i]!
      const name = this.names.fresh(plainWord(param.name, "state"))
      this.lines.push(`${name} = ${this.whole(x).text}`)
      inner.terms.set(param.id, made(atom(name), param.type))
      return name
    })
    const iteration = this.names.fresh("t")
    args.slice(carries, carries + slices).forEach((x, i) => {
      const param = region.params[carries + i]!
      const whole = this.variable(this.whole(x), "sequence")
      inner.terms.set(param.id, made(atom(`${whole.text}[${iteration}]`), param.type))
    })
    const counter = region.params[carries + slices]
    if (counter)
      inner.terms.set(counter.id, { code: atom(iteration), dtype: "i32", shape: [], held: [], scalar: true })
    const results = inner.write(region.body, region.results)
    const stacked = results.slice(carries).map((term) => ({ term, name: this.names.fresh("stack") }))
    const next = results.slice(0, carries).map((term) => this.tensorOf(inner, term))
    this.lines.push(...stacked.map(({ name }) => `${name} = []`), `for ${iteration} in range(${iterations}):`)
    const tail = stacked.map(({ term, name }) => `${name}.append(${this.tensorOf(inner, term)})`)
    const moved = carried.filter((name, i) => name !== next[i])
    const values = next.filter((value, i) => value !== carried[i])
    const steps = [
      ...inner.lines,
      ...tail,
      ...(moved.length > 0 ? [`${moved.join(", ")} = ${values.join(", ")}`] : []),
    ]
    this.lines.push(...indented(steps))
    const typed = (term: Term, code: Code, lead: Shape): Term => ({
      code,
      dtype: term.dtype,
      shape: [...lead, ...term.shape],
      held: [...lead, ...term.shape],
    })
    const parts = [
      ...results.slice(0, carries).map((term, i) => typed(term, atom(carried[i]!), [])),
      ...stacked.map(({ term, name }) => typed(term, call("torch.stack", name), [iterations])),
    ]
    return { code: atom(String(iterations)), dtype: "i32", shape: [], held: [], scalar: true, parts }
  }
  private tensorOf(inner: Frame, term: Term): string {
    return inner.whole(term).text
  }

  whole(x: Term): Code {
    if (x.scalar) return x.shape.length === 0 ? this.tensor(x) : this.full(x)
    if (sameShape(x.held, x.shape)) return x.code
    return method(x.code, "expand", ...(x.shape.length === 0 ? ["()"] : this.sizes(x.shape)))
  }
  private full(x: Term): Code {
    const size = `(${this.sizes(x.shape).join(", ")}${x.shape.length === 1 ? "," : ""})`
    const usual = x.dtype === "f32" ? [] : [`dtype=${TORCH_DTYPES[x.dtype]}`]
    if (x.dtype === "f32" && x.code.text === "0.0") return call("torch.zeros", size)
    if (x.dtype === "f32" && x.code.text === "1.0") return call("torch.ones", size)
    return call("torch.full", size, x.code, ...usual)
  }
  tensor(x: Term): Code {
    if (!x.scalar) return x.code
    return call(
      "torch.tensor",
      x.code,
      ...(x.dtype === "f32" && /[.e]/.test(x.code.text) ? [] : [`dtype=${TORCH_DTYPES[x.dtype]}`]),
    )
  }
  sizes(shape: Shape): readonly string[] {
    return shape.map((d) => this.size(d).text)
  }
  size(dim: Dim): Code {
    return this.polynomial(dim, this.rows())
  }
  globalSize(dim: Dim): Code {
    return isStatic(dim) ? numberText(dim, false) : this.polynomial(dim, call("parallel.count", this.rows()))
  }
  /** The rows of the batch, by a value that has as many. */
  private rows(): Code {
    for (const [, term] of this.terms) {
      const axis = term.scalar ? -1 : term.held.findIndex((d) => !isStatic(d) && printDim(d) === "B")
      if (axis >= 0 && /^[A-Za-z_]\w*$/.test(term.code.text)) return atom(`${term.code.text}.shape[${axis}]`)
    }
    return this.outer?.rows() ?? atom("parallel.rows()")
  }
  private polynomial(dim: Dim, rows: Code): Code {
    if (isStatic(dim)) return numberText(dim, false)
    return dim.terms
      .map(({ coef, syms }): Code => {
        if (syms.length === 0) return numberText(coef, false)
        const product = syms.map(() => rows).reduce((a, b) => infix("*", LEVEL.product, a, b))
        return coef === 1 ? product : infix("*", LEVEL.product, numberText(coef, false), product)
      })
      .reduce((a, b) => infix("+", LEVEL.sum, a, b))
  }
  acrossRows(): void {
    this.place.acrossRows(this.origin)
  }
}

/** A name, an attribute or a number: as short where it is used as a name of its own would be. */
const isName = ({ text, level }: Code): boolean =>
  /^[A-Za-z_][\w.]*(\[\w+\])?$/.test(text) ||
  /^-?[\w.+-]+$/.test(text) ||
  (level === LEVEL.atom && /^[\w.]+\.shape\[\d+\]$/.test(text))

const opOf = (s: ModelStmt): string => (s.kind === "op" ? s.op : s.kind === "call" ? s.declaration : s.slot)

/** A name for the result of a call; the function has the declaration's own. */
const wordOf = (declaration: string): string =>
  /^(mean|sum|norm|variance)$/.test(declaration) ? `${declaration}_` : "h"
const WORDS: Readonly<Record<string, string>> = {
  sum: "total",
  max: "most",
  min: "least",
  matmul: "product",
  where: "chosen",
  take: "rows",
  iota: "places",
  grad: "gradient",
  reshape: "h",
  transpose: "h",
  broadcast: "h",
  slice: "part",
  concat: "joined",
  random_uniform: "drawn",
  stop_gradient: "fixed",
}
const wordFor = ({ op }: OpStmt): string =>
  WORDS[op] ?? (/^(add|sub|mul|div|neg|cast|pow)$/.test(op) ? "h" : op)
const plainWord = (name: string, otherwise: string): string => (/^[a-z]\w*$/.test(name) ? name : otherwise)
