/** pytorch: the classes and functions of an exported program, gathered while sections are written.
 *  Guarantees: one class for every layer that says the same, however many instances it has; attribute names are those of the slots. */
import { type CallStmt, touchesSlots } from "../ir/model/statements.js"
import type { ModelStmt, ModelValue, Section, Slot } from "../ir/model/types.js"
import type { Origin, Refusal } from "../ir/origin.js"
import { isStatic, type TensorType } from "../ir/tensor.js"
import { bug } from "../source/bug.js"
import { type CallKind, Frame, type Param, type Place } from "./frame.js"
import { fused } from "./functions.js"
import { type Constructed, type Instance, MODULES } from "./modules.js"
import type { SourceNames } from "./names.js"
import { TORCH_DTYPES } from "./ops/pointwise.js"
import { made, type Term, Unspeakable } from "./ops/spelling.js"
import { atom, type Code, indented, Names, quoted } from "./python.js"
import { SectionFacts } from "./section.js"

interface Method {
  readonly params: readonly string[]
  readonly lines: readonly string[]
  readonly types: readonly Term[]
}
/** An instance of a layer, by its path. */
interface Node {
  readonly path: string
  readonly declaration: string
  readonly calls: { call: CallStmt; training: boolean; closed: boolean }[]
  /** By mode, in the order of their first use. */
  readonly methods: {
    readonly training: (Method | undefined)[]
    readonly evaluation: (Method | undefined)[]
  }
}

/** Functions of the library that say little are written out where they are called. */
const FEWEST_STATEMENTS = 4
const ROOT = ""

export class Program {
  readonly refusals: Refusal[] = []
  /** Places that look across the rows of a batch. */
  readonly across: Origin[] = []
  private readonly nodes = new Map<string, Node>()
  private readonly slots: ReadonlyMap<string, Slot>
  private readonly functions = new Map<string, { readonly name: string; readonly lines: readonly string[] }>()
  /** What functions and classes are called, and what no variable may be. */
  private readonly globals: Names
  private readonly reserved: readonly string[]

  constructor(
    slots: readonly Slot[],
    private readonly source: SourceNames,
    sections: readonly { readonly section: Section; readonly training: boolean }[],
    /** Optimizers, averages and first values. */
    others: readonly Section[],
  ) {
    this.slots = new Map(slots.map((s) => [s.name, s]))
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
    this.nodes.set(ROOT, {
      path: ROOT,
      declaration: "Training",
      calls: [],
      methods: { training: [], evaluation: [] },
    })
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
      if (this.isLayer(s)) {
        const node = this.nodes.get(s.callee) ?? {
          path: s.callee,
          declaration: s.declaration,
          calls: [],
          methods: { training: [], evaluation: [] },
        }
        node.calls.push({ call: s, training, closed: facts.resultsOf(s).length === 1 })
        this.nodes.set(s.callee, node)
      }
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
    this.add(this.nodes.get(ROOT)!, training, { params, lines, types: [] })
  }

  /** What a model predicts: its own method is written by what calls it. */
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

  /** Statements of something that is no part of a network: what an optimizer does, first values. */
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
    return atom(attribute(this.relative(slot, path)))
  }
  private relative(of: string, path: string): string {
    if (path === ROOT) return of
    if (of.startsWith(`${path}.`)) return of.slice(path.length + 1)
    throw new Unspeakable(`it uses ${of}, which stands outside of ${path}`)
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
    const node = this.nodes.get(call.callee) ?? bug(`there is no instance ${call.callee}`)
    if (path === undefined) bug(`${call.callee} is called in a function`)
    const attr = (): string => attribute(this.relative(call.callee, path))
    const built = this.constructed(node)
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
        const at = this.add(node, training, method)
        return { callee: at === 0 ? attr() : `${attr()}.${methodName(at)}`, types: method.types }
      },
    }
  }

  /** As a module of torch.nn. */
  private constructed(node: Node): Constructed | undefined {
    const make = MODULES[node.declaration]
    const fits =
      node.calls.length > 0 && node.calls.every(({ closed, call }) => closed && call.args.length === 1)
    if (make === undefined || !fits) return undefined
    const built = make({ slots: this.ownSlots(node.path), calls: node.calls } satisfies Instance)
    return typeof built === "string" ? { text: built } : built
  }
  private ownSlots(path: string): Map<string, TensorType["shape"]> {
    const prefix = path === ROOT ? "" : `${path}.`
    return new Map(
      [...this.slots.values()].flatMap(({ name, type, role }) => {
        const own = name.startsWith(prefix) ? name.slice(prefix.length) : "."
        const isOwn = !/[./]/.test(own) && (role === "param" || role === "state" || role === "run")
        return isOwn ? [[own, type.shape] as const] : []
      }),
    )
  }

  /** Where a method stands among those of its mode; the same text is one method. What stands at one place in both modes takes the same. */
  private add(node: Node, training: boolean, method: Method): number {
    const { methods } = node
    const [own, other] = training
      ? [methods.training, methods.evaluation]
      : [methods.evaluation, methods.training]
    const known = own.findIndex((each) => each && textOf(each) === textOf(method))
    if (known >= 0) return known
    for (let at = 0; ; at++) {
      const beside = other[at]
      if (own[at] !== undefined || (beside && beside.params.join() !== method.params.join())) continue
      own[at] = method
      return at
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
    // What a model gives has the shape that it says; a function may leave what broadcasts.
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

  /** The classes, those that others are made of first; the last one is `Training`. `models`: what each root becomes. */
  classTexts(): { readonly text: string; readonly name: string; readonly path: string }[] {
    const made_ = new Map<string, { name: string; text: string; path: string }>()
    const construct = (path: string): string => {
      const node = this.nodes.get(path)
      const built = node && this.constructed(node)
      if (built) return built.text
      return `${this.classOf(path, construct, made_)}()`
    }
    this.classOf(ROOT, construct, made_)
    return [...made_.values()]
  }

  private classOf(
    path: string,
    construct: (path: string) => string,
    done: Map<string, { name: string; text: string; path: string }>,
  ): string {
    const node = this.nodes.get(path)
    const declaration = node?.declaration ?? path.split(".").at(-1) ?? "Part"
    const lines = [
      ...spacedDoc(
        path === ROOT
          ? "What a step computes: losses and reports of a batch."
          : this.source.docOf(declaration),
      ),
      "def __init__(self):",
      ...indented(["super().__init__()", ...this.members(path, construct)]),
      ...(node ? this.methodLines(node) : []),
    ]
    const key = `${declaration}\n${lines.join("\n")}`
    const known = done.get(key)
    if (known) return known.name
    const name = path === ROOT ? "Training" : this.globals.fresh(classCase(declaration))
    done.set(key, { name, path, text: [`class ${name}(nn.Module):`, ...indented(lines)].join("\n") })
    return name
  }

  private members(path: string, construct: (path: string) => string): string[] {
    const prefix = path === ROOT ? "" : `${path}.`
    const slots = [...this.slots.values()].filter(
      ({ name, role }) =>
        name.startsWith(prefix) &&
        !name.includes("/") &&
        (role === "param" || role === "state" || role === "run"),
    )
    const paths = [...slots.map(({ name }) => name), ...this.nodes.keys()].filter(
      (p) => p !== ROOT && p.startsWith(prefix) && p !== path,
    )
    const heads = [...new Set(paths.map((p) => p.slice(prefix.length).split(".")[0]!))]
    return heads.flatMap((head) => {
      const whole = `${prefix}${head}`
      const slot = this.slots.get(whole)
      if (slot) return [this.slotLine(`self.${head}`, head, slot)]
      return this.node(`self.${head}`, whole, construct)
    })
  }
  private node(target: string, path: string, construct: (path: string) => string): string[] {
    if (this.nodes.has(path)) return [`${target} = ${construct(path)}`]
    const below = [...this.slots.keys(), ...this.nodes.keys()].filter(
      (p) => p.startsWith(`${path}.`) && !p.includes("/"),
    )
    const keys = [...new Set(below.map((p) => p.slice(path.length + 1).split(".")[0]!))]
    const numbers = keys.every((k) => /^\d+$/.test(k)) ? keys.map(Number).sort((a, b) => a - b) : undefined
    if (numbers?.every((n, i) => n === i)) {
      const slots = numbers.map((n) => this.slots.get(`${path}.${n}`))
      if (slots.every((s) => s !== undefined))
        return [
          `${target} = nn.ParameterList([${slots.map((s) => `torch.empty(${shapeText(s.type)})`).join(", ")}])`,
        ]
      const parts = numbers.map((n) => construct(`${path}.${n}`))
      const one = `${target} = nn.ModuleList([${parts.join(", ")}])`
      if (one.length <= 96) return [one]
      return [`${target} = nn.ModuleList([`, ...indented(parts.map((p) => `${p},`)), "])"]
    }
    return [`${target} = ${construct(path)}`]
  }
  private slotLine(target: string, name: string, { type, role, frozen }: Slot): string {
    const dtype = type.dtype === "f32" ? "" : `, dtype=${TORCH_DTYPES[type.dtype]}`
    const empty = `torch.empty(${shapeText(type)}${dtype})`
    if (role === "param") return `${target} = nn.Parameter(${empty}${frozen ? ", requires_grad=False" : ""})`
    return `self.register_buffer(${quoted(name)}, ${empty})`
  }

  private methodLines({ methods: { training, evaluation } }: Node): string[] {
    const count = Math.max(training.length, evaluation.length)
    return Array.from({ length: count }, (_, i) => {
      const [train, other] = [training[i], evaluation[i]]
      const name = methodName(i)
      const head = (m: Method): string => `def ${name}(self${m.params.map((p) => `, ${p}`).join("")}):`
      const one = train ?? other ?? bug("a method has no body")
      if (train === undefined || other === undefined || textOf(train) === textOf(other))
        return ["", head(one), ...indented(one.lines)]
      return ["", head(train), ...indented(["if self.training:", ...indented(train.lines), ...other.lines])]
    }).flat()
  }
}

/** What only the last line names is returned without a name. */
export function returning(lines: readonly string[], values: readonly string[]): string[] {
  const [only] = values
  const last = lines.at(-1)
  const isLast = values.length === 1 && last?.startsWith(`${only} = `)
  return isLast
    ? [...lines.slice(0, -1), `return ${last!.slice(only!.length + 3)}`]
    : [...lines, `return ${values.join(", ")}`]
}

const methodName = (at: number): string => (at === 0 ? "forward" : `forward_${at + 1}`)
const textOf = ({ params, lines }: Method): string => [params.join(", "), ...lines].join("\n")

/** `self.linear[0].weight` */
export function attribute(path: string): string {
  return `self${path
    .split(".")
    .map((part) => (/^\d+$/.test(part) ? `[${part}]` : `.${part}`))
    .join("")}`
}
const shapeText = ({ shape }: TensorType): string =>
  shape.length === 0
    ? "()"
    : shape.map((d) => (isStatic(d) ? String(d) : bug("a slot has no fixed size"))).join(", ")
/** With an empty line after it. */
const spacedDoc = (doc: string | undefined): string[] => {
  const lines = docLines(doc)
  return lines.length === 0 ? [] : [...lines, ""]
}
export const docLines = (doc: string | undefined): string[] => {
  if (doc === undefined || doc.trim() === "") return []
  const lines = doc
    .trim()
    .replaceAll("\\", "\\\\")
    .replaceAll('"""', "'''")
    .split("\n")
    .map((line) => line.trim())
  return lines.length === 1 ? [`"""${lines[0]}"""`] : [`"""${lines[0]}`, ...lines.slice(1), '"""']
}
const classCase = (name: string): string => {
  const words = name.split(/[_\W]+/).filter((w) => w !== "")
  return /^[A-Z]/.test(name) ? name : words.map((w) => w[0]!.toUpperCase() + w.slice(1)).join("") || "Part"
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
