/** ir/kernels: reads the text that `text.ts` prints. Types are inferred: of names from their bindings, of operations from their
 *  arguments.   Not here: checking (`verify.ts`). */
import type { ScalarName } from "../graph/types.js"
import type { Origin } from "../origin.js"
import type { DType } from "../tensor.js"
import { parseDimAt } from "../text/notation.js"
import { Cursor, type Locations } from "../text/scanner.js"
import { scalarDef, type ScalarOp, SCALARS } from "./scalar.js"
import { INFIX } from "./text.js"
import type {
  Buffer,
  BufferRef,
  Dispatch,
  Expr,
  Kernel,
  KernelParam,
  KernelProgram,
  LoopKind,
  Pack,
  ScalarType,
  Loop,
  SharedArray,
  Stmt,
} from "./types.js"

export function parseKernelProgram(text: string, locations?: Locations): KernelProgram {
  const c = new Cursor(text, locations)
  c.expect("program")
  const name = c.string()
  const buffers: Buffer[] = []
  const packs: Pack[] = []
  const kernels: Kernel[] = []
  const dispatches: Dispatch[] = []
  const loops: Loop[] = []
  const outputs: { name: string; buffer: number; at?: number }[] = []
  c.expect("{")
  while (!c.accept("}")) {
    if (c.accept("buffer")) buffers.push(c.located(() => buffer(c)))
    else if (c.accept("pack")) {
      const pack = (): Pack => {
        const id = c.integer()
        const packName = c.string()
        c.expect("=")
        return { id, name: packName, members: c.list("[", "]", () => c.integer()) }
      }
      packs.push(c.located(pack))
    } else if (c.is("kernel")) kernels.push(c.located(() => parseKernelAt(c)))
    else if (c.accept("dispatch")) dispatches.push(c.located(() => dispatch(c)))
    else if (c.accept("loop")) {
      const iterations = c.integer()
      const first = dispatches.length
      c.expect("{")
      while (c.accept("dispatch")) dispatches.push(c.located(() => dispatch(c)))
      c.expect("}")
      loops.push({ first, end: dispatches.length, iterations })
    } else if (c.accept("return")) {
      const output = (): (typeof outputs)[number] => {
        const of = c.string()
        c.expect("=")
        const buffer = c.integer()
        return { name: of, buffer, ...(c.accept("at") && { at: c.integer() }) }
      }
      outputs.push(c.located(output))
    } else c.fail("expected `buffer`, `pack`, `kernel`, `dispatch`, `loop` or `return`")
  }
  c.end()
  return { name, buffers, packs, kernels, dispatches, ...(loops.length > 0 && { loops }), outputs }
}

export function parseKernel(text: string): Kernel {
  const c = new Cursor(text)
  const k = parseKernelAt(c)
  c.end()
  return k
}

const DTYPES: readonly string[] = ["f32", "f16", "i32", "u32", "bool"]
const LOOPS: readonly string[] = ["grid.x", "grid.y", "grid.z", "lane", "calls", "serial", "unroll"]
const ROLES: readonly string[] = ["slot", "data", "feed", "temp", "output"]
const ACCESSES: readonly string[] = ["read", "write", "read_write"]
const PARAMS: Readonly<Record<string, ScalarType>> = {
  step: "i32",
  epoch: "i32",
  seed: "u32",
  start: "i32",
  iteration: "i32",
}

function oneOf<T extends string>(c: Cursor, words: readonly string[], what: string): T {
  const at = c.peek()
  const word = c.name(what)
  if (!words.includes(word)) c.fail(`expected ${what}: one of ${words.join(", ")}`, at)
  return word as T
}

function dispatch(c: Cursor): Dispatch {
  const kernel = c.name("a kernel's name")
  const args = c.list("(", ")", () => bufferRef(c))
  return { kernel, args, ...(c.accept("waits") && { waits: true }) }
}
function buffer(c: Cursor): Buffer {
  const id = c.integer()
  const name = c.string()
  c.expect(":")
  const role = oneOf<Buffer["role"]>(c, ROLES, "a role")
  const dtype = oneOf<DType>(c, DTYPES, "a dtype")
  c.expect("[")
  const elements = parseDimAt(c)
  c.expect("]")
  return { id, name, dtype, elements, role }
}
const bufferRef = (c: Cursor): BufferRef =>
  c.accept("pack") ? { kind: "pack", id: c.integer() } : { kind: "buffer", id: c.integer() }

interface Names {
  readonly params: ReadonlyMap<string, KernelParam>
  readonly shared: ReadonlyMap<string, SharedArray>
  readonly locals: Map<string, { type: ScalarType; width: 1 | 4 }>
}

export function parseKernelAt(c: Cursor): Kernel {
  c.expect("kernel")
  const name = c.name("a kernel's name")
  const params = c.list("(", ")", (): KernelParam => {
    const param = c.name("a parameter's name")
    c.expect(":")
    const access = oneOf<KernelParam["access"]>(c, ACCESSES, "an access")
    const dtype = oneOf<DType>(c, DTYPES, "a dtype")
    return { name: param, dtype, access, width: c.accept("x4") ? 4 : 1 }
  })
  const template = c.string()
  c.expect("{")
  const origins: Origin[] = []
  while (c.accept("from")) {
    const at = c.string()
    const within = c.accept("in") ? { in: c.string() } : {}
    const by = c.accept("by") ? { by: c.string() } : {}
    origins.push({ at, ...within, ...by })
  }
  const shared: SharedArray[] = []
  while (c.accept("shared")) {
    const array = c.name()
    c.expect(":")
    const type = oneOf<ScalarType>(c, DTYPES, "a type")
    c.expect("[")
    const length = c.integer()
    c.expect("]")
    const width = c.accept("x4") ? 4 : 1
    shared.push({ name: array, type, length, width, ...(c.accept("own") && { own: true }) })
  }
  const names: Names = {
    params: new Map(params.map((p) => [p.name, p])),
    shared: new Map(shared.map((s) => [s.name, s])),
    locals: new Map(),
  }
  return { name, params, shared, body: block(c, names), template, origins }
}

/** Statements up to the closing brace, which is consumed. */
function block(c: Cursor, names: Names): Stmt[] {
  const body: Stmt[] = []
  while (!c.accept("}")) body.push(c.located(() => statement(c, names)))
  return body
}

function statement(c: Cursor, names: Names): Stmt {
  if (c.accept("for")) {
    const name = c.name("a loop variable")
    c.expect("on")
    const on = oneOf<LoopKind>(c, LOOPS, "a kind of loop")
    c.expect("in")
    const extent = expr(c, names, 0)
    c.expect("{")
    names.locals.set(name, { type: "i32", width: 1 })
    return { kind: "for", name, extent, on, body: block(c, names) }
  }
  if (c.accept("when")) {
    const cond = expr(c, names, 0)
    c.expect("{")
    return { kind: "when", cond, then: block(c, names) }
  }
  if (c.accept("let")) {
    const name = c.name()
    c.expect("=")
    const value = expr(c, names, 0)
    names.locals.set(name, { type: typeOf(value), width: widthOf(value) })
    return { kind: "let", name, value }
  }
  if (c.accept("var")) {
    const name = c.name()
    c.expect(":")
    const type = oneOf<ScalarType>(c, DTYPES, "a type")
    const width = c.accept("x4") ? 4 : 1
    c.expect("=")
    const init = expr(c, names, 0)
    names.locals.set(name, { type, width })
    return { kind: "var", name, type, width, init }
  }
  if (c.accept("set")) {
    const name = c.name()
    c.expect("=")
    return { kind: "set", name, value: expr(c, names, 0) }
  }
  if (c.accept("join")) return join(c, names)
  if (c.accept("barrier")) return { kind: "barrier", ...(c.accept("storage") && { memory: "storage" }) }
  if (c.accept("store")) {
    const kind = c.accept("shared") ? "store-shared" : "store"
    const name = c.name()
    c.expect("[")
    const index = expr(c, names, 0)
    widthMark(c)
    c.expect("]")
    c.expect("=")
    const value = expr(c, names, 0)
    return kind === "store" ? { kind, buffer: name, index, value } : { kind, name, index, value }
  }
  return c.fail("expected a statement: for, when, let, var, set, store, join or barrier")
}

function join(c: Cursor, names: Names): Stmt {
  const name = c.name()
  c.expect("=")
  const at = c.peek()
  const op = c.name()
  const known = JOIN_OPS.find((x) => x === op) ?? c.fail(`lanes are not joined by ${op}`, at)
  c.expect("of")
  const value = expr(c, names, 0)
  c.expect("or")
  const neutral = expr(c, names, 0)
  c.expect("through")
  names.locals.set(name, { type: typeOf(value), width: 1 })
  return { kind: "join", name, op: known, value, neutral, through: c.name() }
}
const JOIN_OPS = ["add", "mul", "max", "min"] as const

const typeOf = (e: Expr): ScalarType => (e.kind === "dim" ? "i32" : e.type)
const widthOf = (e: Expr): 1 | 4 => ("width" in e ? e.width : 1)
const OPERATORS = new Map(
  Object.entries(INFIX).map(([op, [symbol, level]]) => [symbol, { op: op as ScalarOp, level }]),
)

function operation(op: ScalarOp, args: readonly Expr[]): Expr {
  const width = args.some((a) => widthOf(a) === 4) ? 4 : 1
  return { kind: "op", op, args, type: scalarDef(op).result(args.map(typeOf)), width }
}

function expr(c: Cursor, names: Names, level: number): Expr {
  let left = primary(c, names)
  for (;;) {
    const token = c.peek()
    const operator = token.kind === "punct" ? OPERATORS.get(token.text) : undefined
    if (operator === undefined || operator.level < level) return left
    c.next()
    left = operation(operator.op, [left, expr(c, names, operator.level + 1)])
  }
}

function primary(c: Cursor, names: Names): Expr {
  if (c.accept("(")) {
    const inner = expr(c, names, 0)
    c.expect(")")
    return inner
  }
  const special = SPECIAL[c.peek(c.is("-") ? 1 : 0).text]
  if (special !== undefined) {
    const sign = c.accept("-") ? -1 : 1
    c.next()
    return { kind: "const", type: special.type, value: sign * special.value }
  }
  if (c.isNumber()) return literal(c)
  if (c.isKind("slot")) {
    const at = c.peek()
    const name = c.slot()
    const type = PARAMS[name]
    if (type === undefined) c.fail(`no run-time scalar @${name}`, at)
    return { kind: "param", name: name as ScalarName, type: type! }
  }
  const at = c.peek()
  const name = c.name("an expression")
  if (name === "true" || name === "false")
    return { kind: "const", type: "bool", value: name === "true" ? 1 : 0 }
  if (c.accept("[")) {
    const index = expr(c, names, 0)
    const width = widthMark(c)
    c.expect("]")
    const param = names.params.get(name)
    if (param !== undefined)
      return { kind: "load", buffer: name, index, type: param.dtype, width: width ?? param.width }
    const array = names.shared.get(name)
    if (array === undefined) c.fail(`no buffer or workgroup array ${name}`, at)
    return { kind: "shared", name, index, type: array!.type, width: width ?? 1 }
  }
  if (c.is("(")) return call(c, names, name)
  const known = names.locals.get(name)
  if (known !== undefined) return { kind: "ref", name, ...known }
  if (name === "B" || name === "R") return { kind: "dim", symbol: name }
  return c.fail(`${name} is not bound here`, at)
}

/** `; x4` behind an index: a vector from an array of elements; `; x1`: an element of an array of vectors. */
function widthMark(c: Cursor): 1 | 4 | undefined {
  if (!c.accept(";")) return undefined
  if (c.accept("x1")) return 1
  c.expect("x4")
  return 4
}

/** Numbers without digits are one word with the suffix of their type. */
const SPECIAL: Readonly<Record<string, { readonly type: ScalarType; readonly value: number }>> = {
  inff: { type: "f32", value: Infinity },
  infh: { type: "f16", value: Infinity },
  nanf: { type: "f32", value: NaN },
  nanh: { type: "f16", value: NaN },
}

function literal(c: Cursor): Expr {
  const value = c.number()
  const suffix = c.peek()
  const width = c.last.text.length
  if (suffix.line === c.last.line && suffix.column === c.last.column + width) {
    if (c.accept("f")) return { kind: "const", type: "f32", value }
    if (c.accept("h")) return { kind: "const", type: "f16", value }
    if (c.accept("u")) return { kind: "const", type: "u32", value }
  }
  return { kind: "const", type: "i32", value }
}

function call(c: Cursor, names: Names, name: string): Expr {
  const at = c.last
  if (name === "lane") {
    c.expect("(")
    const value = expr(c, names, 0)
    c.expect(",")
    const lane = c.integer()
    c.expect(")")
    return { kind: "lane", value, lane, type: typeOf(value) }
  }
  const args = c.list("(", ")", () => expr(c, names, 0))
  const [x, y, z, w] = args
  const count = name === "splat" ? 1 : name === "vec" ? 4 : name === "guard" ? 3 : scalarArity(name)
  if (count === undefined) c.fail(`no operation ${name}`, at)
  if (args.length !== count) c.fail(`${name} takes ${count} arguments, not ${args.length}`, at)
  if (name === "splat") return { kind: "splat", value: x!, type: typeOf(x!), width: 4 }
  if (name === "vec") return { kind: "vec", items: [x!, y!, z!, w!], type: typeOf(x!), width: 4 }
  if (name === "guard") {
    return { kind: "guard", cond: x!, then: y!, otherwise: z!, type: typeOf(y!), width: widthOf(y!) }
  }
  return operation(name as ScalarOp, args)
}
const scalarArity = (name: string): number | undefined =>
  Object.hasOwn(SCALARS, name) ? SCALARS[name as ScalarOp].arity : undefined
