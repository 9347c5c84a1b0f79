/** pytorch: the layers and models of an exported program, by the paths of their instances, and the classes that are written for them.
 *  Guarantees: instances that compute the same share one class; attributes are named after the slots.
 *  Not here:   the bodies of methods (program.ts), layers that are modules of torch.nn (modules.ts). */
import type { CallStmt } from "../ir/model/statements.js"
import type { Slot } from "../ir/model/types.js"
import { isStatic, type TensorType } from "../ir/tensor.js"
import { bug } from "../source/bug.js"
import { isAttribute, memberOf } from "./members.js"
import { type Constructed, type Instance, MODULES } from "./modules.js"
import { TORCH_DTYPES } from "./ops/pointwise.js"
import { type Term, Unspeakable } from "./ops/spelling.js"
import { docLines, indented, type Names, quoted } from "./python.js"

export interface Method {
  readonly params: readonly string[]
  readonly lines: readonly string[]
  readonly types: readonly Term[]
}
/** An instance of a layer, by its path. */
export interface Node {
  readonly path: string
  readonly declaration: string
  readonly calls: { call: CallStmt; training: boolean; closed: boolean }[]
  /** By mode, in the order of their first use. */
  readonly methods: {
    readonly training: (Method | undefined)[]
    readonly evaluation: (Method | undefined)[]
  }
}

/** The comment of a declaration. */
type DocOf = (declaration: string) => string | undefined

/** The path of the module that holds all models. */
export const ROOT = ""

export class Instances {
  private readonly nodes = new Map([[ROOT, nodeAt(ROOT, "Training")]])
  private readonly slots: ReadonlyMap<string, Slot>
  /** The paths of models that call other models. */
  private readonly reaching = new Set<string>()

  constructor(slots: readonly Slot[]) {
    this.slots = new Map(slots.map((s) => [s.name, s]))
  }

  at(path: string): Node {
    return this.nodes.get(path) ?? bug(`there is no instance ${path}`)
  }

  /** How the module at a path reads a slot or another module. Models reach other models through the module that holds them all. */
  memberAt(of: string, path: string): string {
    const role = this.slots.get(of)?.role
    const kept = role === undefined ? "_modules" : role === "param" ? "_parameters" : "_buffers"
    if (path === ROOT) return memberOf(of, kept)
    if (of.startsWith(`${path}.`)) return memberOf(of.slice(path.length + 1), kept)
    if (path.includes(".")) throw new Unspeakable(`it uses ${of}, which stands outside of ${path}`)
    this.reaching.add(path)
    return memberOf(of, kept, "self._models[0]")
  }

  /** `closed`: nothing but its one result is used outside of it. */
  noteCall(call: CallStmt, training: boolean, closed: boolean): void {
    const node = this.nodes.get(call.callee) ?? nodeAt(call.callee, call.declaration)
    node.calls.push({ call, training, closed })
    this.nodes.set(call.callee, node)
  }

  /** The index of a method among those of its mode; the same text is one method. A call that is the same in both modes has one method. */
  add(node: Node, training: boolean, method: Method): number {
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

  /** The instance as a module of torch.nn. */
  constructed(node: Node): Constructed | undefined {
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

  /** The classes, those that others are made of first; the last one is `Training`. */
  classTexts(globals: Names, docOf: DocOf): { readonly text: string; readonly name: string }[] {
    const done = new Map<string, { readonly name: string; readonly text: string }>()
    const classOf = (path: string): string => this.classOf(path, construct, done, globals, docOf)
    const construct = (path: string): string => {
      const node = this.nodes.get(path)
      const built = node && this.constructed(node)
      if (built) return built.text
      // In a list, since a module that is an attribute would own the modules that it reaches.
      return `${classOf(path)}(${this.reaching.has(path) ? "[self]" : ""})`
    }
    classOf(ROOT)
    return [...done.values()]
  }

  private classOf(
    path: string,
    construct: (path: string) => string,
    done: Map<string, { readonly name: string; readonly text: string }>,
    globals: Names,
    docOf: DocOf,
  ): string {
    const node = this.nodes.get(path)
    const declaration = node?.declaration ?? path.split(".").at(-1) ?? "Part"
    const reaches = this.reaching.has(path)
    const lines = [
      ...spacedDoc(
        path === ROOT ? "What a step computes: losses and reports of a batch." : docOf(declaration),
      ),
      `def __init__(self${reaches ? ", models" : ""}):`,
      ...indented([
        "super().__init__()",
        ...(reaches ? ["self._models = models"] : []),
        ...this.members(path, construct),
      ]),
      ...(node ? this.methodLines(node) : []),
    ]
    const key = `${declaration}\n${lines.join("\n")}`
    const known = done.get(key)
    if (known) return known.name
    const name = path === ROOT ? "Training" : globals.fresh(classCase(declaration))
    done.set(key, { name, text: [`class ${name}(nn.Module):`, ...indented(lines)].join("\n") })
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
      if (slot) return [this.slotLine(head, slot)]
      return this.node(memberOf(head), whole, construct)
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
  private slotLine(name: string, { type, role, frozen }: Slot): string {
    const dtype = type.dtype === "f32" ? "" : `, dtype=${TORCH_DTYPES[type.dtype]}`
    const empty = `torch.empty(${shapeText(type)}${dtype})`
    if (role === "param")
      return `${memberOf(name, "_parameters")} = nn.Parameter(${empty}${frozen ? ", requires_grad=False" : ""})`
    return isAttribute(name)
      ? `self.register_buffer(${quoted(name)}, ${empty})`
      : `${memberOf(name, "_buffers")} = ${empty}`
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

const nodeAt = (path: string, declaration: string): Node => ({
  path,
  declaration,
  calls: [],
  methods: { training: [], evaluation: [] },
})

export const methodName = (at: number): string => (at === 0 ? "forward" : `forward_${at + 1}`)
/** The same text is the same method. */
export const textOf = ({ params, lines }: Method): string => [params.join(", "), ...lines].join("\n")

const shapeText = ({ shape }: TensorType): string =>
  shape.length === 0
    ? "()"
    : shape.map((d) => (isStatic(d) ? String(d) : bug("a slot has no fixed size"))).join(", ")
/** With an empty line after it. */
const spacedDoc = (doc: string | undefined): string[] => {
  const lines = docLines(doc)
  return lines.length === 0 ? [] : [...lines, ""]
}
const classCase = (name: string): string => {
  const words = name.split(/[_\W]+/).filter((w) => w !== "")
  return /^[A-Z]/.test(name) ? name : words.map((w) => w[0]!.toUpperCase() + w.slice(1)).join("") || "Part"
}
