/** pytorch: the methods and functions of an exported program, collected while sections are written.
 *  Not here:   the classes that methods belong to (instances.ts). */
import { type CallStmt, touchesSlots } from "../ir/model/statements.js"
import type { ModelStmt, ModelValue, Section, Slot } from "../ir/model/types.js"
import type { Origin, Refusal } from "../ir/origin.js"
import type { TensorType } from "../ir/tensor.js"
import { bug } from "../source/bug.js"
import { type CallKind, Frame, type Param, type Place } from "./frame.js"
import { fused } from "./functions.js"
import { Instances, type Method, methodName, ROOT, textOf } from "./instances.js"
import type { SourceNames } from "./names.js"
import { made, type Term } from "./ops/spelling.js"
import { atom, type Code, docLines, indented, Names, quoted } from "./python.js"
import { SectionFacts } from "./section.js"

/** Functions of the library that say little are written out where they are called. */
const FEWEST_STATEMENTS = 4

export class Program {
  readonly refusals: Refusal[] = []
  /** Places that look across the rows of a batch. */
  readonly across: Origin[] = []
  private readonly instances: Instances
  private readonly functions = new Map<string, { readonly name: string; readonly lines: readonly string[] }>()
  /** The names of functions and classes, which no variable may have. */
  private readonly globals: Names
  private readonly reserved: readonly string[]

  constructor(
    slots: readonly Slot[],
    private readonly source: SourceNames,
    sections: readonly { readonly section: Section; readonly training: boolean }[],
    /** Optimizers, averages and first values. */
    others: readonly Section[],
  ) {
    this.instances = new Instances(slots)
    const declared = new Set<string>()
    for (const { section, training } of sections) {
      const facts = new SectionFacts(section)
      this.survey(section.body, training, facts, declared)
    }
    const note = (body: readonly ModelStmt[]): void => {
      for (const s of body) {
        if (s.kind !== "call") continue
        declared.add(s.declaration)
        note(s.body)
      }
    }
    for (const { body } of others) note(body)
    this.reserved = [...declared].map((name) => name.replace(/^_+/, ""))
    this.globals = new Names(["Training", "initial_values"])
  }

  private survey(
    body: readonly ModelStmt[],
    training: boolean,
    facts: SectionFacts,
    declared: Set<string>,
  ): void {
    for (const s of body) {
      if (s.kind === "op") s.regions?.forEach((r) => this.survey(r.body, training, facts, declared))
      if (s.kind !== "call") continue
      declared.add(s.declaration)
      if (this.isLayer(s)) this.instances.noteCall(s, training, facts.resultsOf(s).length === 1)
      this.survey(s.body, training, facts, declared)
    }
  }

  private isLayer({ declaration }: CallStmt): boolean {
    const kind = this.source.kindOf(declaration)
    return kind === "layer" || kind === "model"
  }

  /** The body of the step or of an evaluation, as a method of the class that holds all models. */
  section(section: Section, training: boolean, results: (terms: ReadonlyMap<string, Code>) => string): void {
    const facts = new SectionFacts(section)
    const names = new Names(this.reserved)
    const frame = new Frame(this.place(facts, training, ROOT), names)
    const params = section.inputs.flatMap((input) => {
      if (input.source.kind !== "data" && input.source.kind !== "feed") return []
      const name = names.fresh(input.name)
      frame.param(input.id, made(atom(name), input.type))
      return [name]
    })
    const terms = frame.write(
      section.body,
      section.results.map(({ value }) => value),
    )
    const codes = new Map(section.results.map(({ name }, i) => [name, frame.whole(terms[i]!)]))
    const lines = [...frame.lines, `return ${results(codes)}`]
    this.instances.add(this.instances.at(ROOT), training, { params, lines, types: [] })
  }

  /** The prediction of a model; its callers write the method of the model itself. */
  prediction(section: Section): void {
    const facts = new SectionFacts(section)
    const names = new Names(this.reserved)
    const frame = new Frame(this.place(facts, false, ROOT), names)
    for (const input of section.inputs)
      if (input.source.kind === "feed") frame.param(input.id, made(atom(names.fresh(input.name)), input.type))
    frame.write(
      section.body,
      section.results.map(({ value }) => value),
    )
  }

  /** Statements outside of a network: those of an optimizer, first values. */
  free(
    section: Section,
    names: Names,
    how: Pick<Place, "read" | "update" | "scalar">,
    input: (name: string, source: Section["inputs"][number]["source"], type: TensorType) => Term | undefined,
  ): {
    readonly lines: readonly string[]
    readonly results: readonly { readonly code: Code; readonly isNumber: boolean }[]
  } {
    const facts = new SectionFacts(section, true)
    const place = { ...this.place(facts, true, undefined), ...how }
    for (const name of this.reserved) names.take(name)
    const frame = new Frame(place, names)
    for (const each of section.inputs) {
      const term = input(each.name, each.source, each.type)
      if (term) frame.param(each.id, term)
    }
    const terms = frame.write(
      section.body,
      section.results.map(({ value }) => value),
    )
    const results = terms.map((t) => {
      const isNumber = t.scalar === true && t.shape.length === 0
      return { code: isNumber ? t.code : frame.whole(t), isNumber }
    })
    return { lines: frame.lines, results }
  }

  private place(facts: SectionFacts, training: boolean, path: string | undefined, isOwn = true): Place {
    return {
      ...(path !== undefined && { path }),
      facts,
      training,
      isOwn,
      read: (slot) => this.slotCode(slot, path),
      update: (slot, value) => `${this.slotCode(slot, path).text} = ${value.text}.detach()`,
      scalar: (name) => atom(`draws.${name}`),
      kindOf: (call) => this.kindOf(call, facts, training, path),
      nameOf: (origin) => this.source.nameOf(origin),
      refuse: (origin, op, why) => void this.refusals.push({ origin, op, why }),
      acrossRows: (origin) => void this.across.push(origin),
    }
  }

  private slotCode(slot: string, path: string | undefined): Code {
    if (path === undefined) bug(`${slot} is read in a function`)
    if (slot.includes("/")) return atom(`draws.run[${quoted(slot)}]`)
    return atom(this.instances.memberAt(slot, path))
  }

  private kindOf(call: CallStmt, facts: SectionFacts, training: boolean, path: string | undefined): CallKind {
    const needed = facts.resultsOf(call).filter((id) => !facts.sources.has(id))
    if (this.isLayer(call)) return this.layer(call, facts, training, path)
    if (touchesSlots(call.body) || this.callsLayers(call.body)) return { kind: "opened" }
    if (needed.length === 1 && needed[0] === call.results[0]) {
      const torch = fused(call)
      if (torch) return { kind: "torch", fused: torch }
    }
    const size = statementsIn(call.body)
    const isLong = this.source.isOwn(call.declaration) ? size > 1 : size >= FEWEST_STATEMENTS
    if (!isLong || needed.length === 0) return { kind: "opened" }
    return {
      kind: "defined",
      free: facts.freeIn(call),
      results: needed,
      define: (args) => this.define(call, facts, training, args, needed),
    }
  }
  private callsLayers(body: readonly ModelStmt[]): boolean {
    return body.some(
      (s) =>
        (s.kind === "call" && (this.isLayer(s) || this.callsLayers(s.body))) ||
        (s.kind === "op" && (s.regions?.some((r) => this.callsLayers(r.body)) ?? false)),
    )
  }

  private layer(call: CallStmt, facts: SectionFacts, training: boolean, path: string | undefined): CallKind {
    const node = this.instances.at(call.callee)
    if (path === undefined) bug(`${call.callee} is called in a function`)
    const attr = (): string => this.instances.memberAt(call.callee, path)
    const built = this.instances.constructed(node)
    if (built !== undefined)
      return {
        kind: "defined",
        free: call.args,
        results: call.results,
        define: () => ({
          callee: attr(),
          ...(built.result !== undefined && { after: built.result }),
          types: call.results.map((id) => made(atom(""), typeIn(call.body, id))),
        }),
      }
    const results = facts.resultsOf(call).filter((id) => !facts.sources.has(id))
    return {
      kind: "defined",
      free: facts.freeIn(call),
      results,
      define: (args) => {
        const method = this.body(call, facts, training, args, results, call.callee)
        const at = this.instances.add(node, training, method)
        return { callee: at === 0 ? attr() : `${attr()}.${methodName(at)}`, types: method.types }
      },
    }
  }

  private body(
    call: CallStmt,
    facts: SectionFacts,
    training: boolean,
    args: readonly Param[],
    results: readonly ModelValue[],
    path: string | undefined,
  ): Method {
    const names = new Names([...this.reserved, "self"])
    const isOwn = this.source.isOwn(call.declaration)
    const frame = new Frame(this.place(facts, training, path, isOwn), names)
    const written = this.source.paramsOf(call)
    const params = args.map(({ id, term }, i) => {
      const name = names.fresh(
        (i < call.args.length ? written[i] : undefined) ?? facts.scalars.get(id) ?? "x",
      )
      frame.param(id, { ...term, code: atom(name) })
      return name
    })
    const terms = frame.write(call.body, results)
    // The result of a model has its declared shape; that of a function may broadcast to it.
    const isWhole = (t: Term): boolean => (t.scalar ? t.shape.length > 0 : path !== undefined)
    const values = terms.map((t) => (isWhole(t) ? frame.whole(t) : t.code).text)
    const held = terms.map((t): Term => (isWhole(t) ? made(t.code, t) : t))
    const lines = results.length === 0 ? frame.lines : returning(frame.lines, values)
    return { params, lines: lines.length === 0 ? ["pass"] : lines, types: held }
  }

  private define(
    call: CallStmt,
    facts: SectionFacts,
    training: boolean,
    args: readonly Param[],
    results: readonly ModelValue[],
  ): { callee: string; types: readonly Term[] } {
    const method = this.body(call, facts, training, args, results, undefined)
    const key = `${call.declaration}\n${textOf(method)}`
    const known = this.functions.get(key)
    if (known) return { callee: known.name, types: method.types }
    const name = this.globals.fresh(call.declaration.replace(/^_+/, ""))
    const lines = [
      `def ${name}(${method.params.join(", ")}):`,
      ...indented([...docLines(this.source.docOf(call.declaration)), ...method.lines]),
    ]
    this.functions.set(key, { name, lines })
    return { callee: name, types: method.types }
  }

  functionTexts(): readonly string[] {
    return [...this.functions.values()].map(({ lines }) => lines.join("\n"))
  }

  /** The classes, those that others are made of first; the last one is `Training`. */
  classTexts(): { readonly text: string; readonly name: string }[] {
    return this.instances.classTexts(this.globals, (declaration) => this.source.docOf(declaration))
  }
}

/** Returns an expression without a name where only the last line names it. */
export function returning(lines: readonly string[], values: readonly string[]): string[] {
  const [only] = values
  const last = lines.at(-1)
  const isLast = values.length === 1 && last?.startsWith(`${only} = `)
  return isLast
    ? [...lines.slice(0, -1), `return ${last!.slice(only!.length + 3)}`]
    : [...lines, `return ${values.join(", ")}`]
}
const statementsIn = (body: readonly ModelStmt[]): number =>
  body.reduce(
    (n, s) => n + (s.kind === "call" ? statementsIn(s.body) : s.kind === "op" && !QUIET.has(s.op) ? 1 : 0),
    0,
  )
/** Nothing of these is to be seen. */
const QUIET = new Set(["constant", "broadcast", "size", "iota", "below"])

function typeIn(body: readonly ModelStmt[], id: ModelValue): TensorType {
  const found = search(body, id)
  return found ?? bug(`a call has no result ${id}`)
}
function search(body: readonly ModelStmt[], id: ModelValue): TensorType | undefined {
  for (const s of body) {
    if ((s.kind === "op" || s.kind === "read") && s.id === id) return s.type
    const inner = s.kind === "call" ? search(s.body, id) : undefined
    if (inner) return inner
  }
  return undefined
}
