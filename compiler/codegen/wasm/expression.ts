/** codegen/wasm: kernel expressions -> code that leaves their value on the stack, and where names and buffers are.
 *  A bool in memory is 0 or 1. Constant parts of an index go into the instruction's offset where the rest cannot be negative.
 *  Not here:   statements and loops (kernel.ts), scalar operations (scalar.ts). */
import { bug } from "../../source/bug.js"
import type { Expr, Kernel, KernelParam, ScalarType } from "../../ir/kernels/types.js"
import {
  type Code,
  f32,
  f32x4Const,
  get,
  i32,
  load,
  Locals,
  op,
  set,
  store,
  choose,
  wordsConst,
} from "./code.js"
import type { Functions } from "./functions.js"
import { type Address, loadHalf, storeHalf } from "./half-memory.js"
import { typeOf, widthOf } from "../../ir/kernels/walk.js"
import { type Form, formOf, LoopPointers, type Patched, type Role } from "./pointers.js"
import {
  constVector,
  distinct,
  isFloat,
  isSame,
  isZero,
  loadOf,
  loadsIn,
  shuffle,
  someTrue,
  storeOf,
} from "./lanes.js"
import { extract, replaceLane, valType, WASM_SCALARS } from "./scalar.js"

/** Where the value of a name is. `index`: known not to be negative. `depth`: how many loops stand around the location where it is
 *  bound. `form`: how the innermost of them moves it. */
export type Location =
  | {
      readonly kind: "local"
      readonly local: number
      readonly index: boolean
      readonly depth: number
      readonly form?: Form
      readonly mutable?: true
    }
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "memory"; readonly address: Code; readonly type: ScalarType; readonly width: 1 | 4 }

const is32Bit = (t: ScalarType): boolean => t !== "bool" && t !== "f16"

export class Expressions {
  readonly locals: Locals
  private names = new Map<string, Location>()
  private readonly bases = new Map<string, number>()
  private readonly sharedBases = new Map<string, number>()
  private readonly words = new Map<string, number>()
  private readonly params: ReadonlyMap<string, KernelParam>
  /** Names of vectors that are constant, not all of them false. */
  private readonly masks = new Set<string>()
  /** The loops around, the innermost last. */
  private readonly loops: { readonly iteration: string; readonly pointers: LoopPointers }[] = []
  /** The branch that is being written. */
  private branch = 0
  private branches = 0

  constructor(
    kernel: Kernel,
    functionParams: number,
    private readonly functions: Functions,
  ) {
    this.locals = new Locals(functionParams)
    this.params = new Map(kernel.params.map((p) => [p.name, p]))
  }

  bindBuffer(name: string): number {
    return bind(this.bases, name, this.locals)
  }
  bindShared(name: string): number {
    return bind(this.sharedBases, name, this.locals)
  }
  bindWord(word: string): number {
    return bind(this.words, word, this.locals)
  }

  /** Gives a name its location; a local's number comes back. */
  define(name: string, location: Location): number {
    this.names.set(name, location)
    return location.kind === "local" ? location.local : -1
  }
  get depth(): number {
    return this.loops.length
  }
  /** Binds a name to a local of its own. */
  bind(
    name: string,
    type: ScalarType,
    width: 1 | 4,
    how: { index?: boolean; mutable?: true; value?: Expr },
  ): number {
    const { value, mutable, index = false } = how
    const form = value !== undefined && type === "i32" && width === 1 ? this.formOf(value) : undefined
    const local = this.locals.add(valType(type, width))
    if (value !== undefined && someTrue(value)) this.masks.add(name)
    this.names.set(name, {
      kind: "local",
      local,
      index,
      depth: this.depth,
      ...(form && { form }),
      ...(mutable && { mutable }),
    })
    return local
  }
  /** A loop over `name`: `body` is written with pointers, which are set up before and moved on in `step`. */
  loop(name: string, body: () => Code): { iteration: number; before: Code; body: Code; step: Code } {
    const outer = this.scope()
    const pointers = new LoopPointers(this.locals)
    this.loops.push({ iteration: name, pointers })
    const iteration = this.bind(name, "i32", 1, { index: true })
    const code = this.inBranch(body)
    this.loops.pop()
    this.leave(outer)
    return { iteration, body: code, ...pointers.finish((e) => this.expr(e)) }
  }
  /** Code that may not run. */
  inBranch(write: () => Code): Code {
    const outer = this.branch
    this.branch = ++this.branches
    const code = write()
    this.branch = outer
    return code
  }
  scope(): Map<string, Location> {
    const outer = this.names
    this.names = new Map(outer)
    return outer
  }
  leave(outer: Map<string, Location>): void {
    this.names = outer
  }
  isKept(name: string): boolean {
    return this.names.get(name)?.kind === "memory"
  }
  assign(name: string, value: Code): Code {
    const location = this.location(name)
    if (location.kind === "local") return set(location.local, value)
    if (location.kind === "memory")
      return store(storeOf(location.type, location.width), location.address, value)
    return bug(`${name} is a constant`)
  }

  store(buffer: string, index: Expr, value: Expr): Code {
    const p = this.param(buffer)
    const width = widthOf(value)
    const code = this.expr(value)
    if (p.dtype === "f16")
      return storeHalf(this.functions, this.locals, this.element(buffer, index, 2), code, width)
    const stored = p.dtype === "bool" && width === 4 ? op("v128.and", code, wordsConst(1)) : code
    const at = this.access(storeOf(p.dtype, width), this.buffer(buffer), index)
    return [at.address, stored, at.instruction]
  }
  storeShared(name: string, index: Expr, value: Expr): Code {
    const at = this.access(storeOf(typeOf(value), widthOf(value)), this.sharedArray(name), index)
    return [at.address, this.expr(value), at.instruction]
  }

  expr(e: Expr): Code {
    switch (e.kind) {
      case "const":
        return isFloat(e.type) ? f32(e.value) : i32(e.value)
      case "ref":
        return this.reference(e.name)
      case "dim":
        return this.word(e.symbol)
      case "param":
        return this.word(e.name)
      case "op":
        return this.operation(e)
      case "load":
        return this.load(e)
      case "guard":
        return this.guard(e)
      case "splat":
        return this.splat(e.value)
      case "vec": {
        const bool = e.type === "bool"
        const item = (i: 0 | 1 | 2 | 3): Code => {
          const code = this.expr(e.items[i])
          return bool ? op("i32.sub", i32(0), code) : code
        }
        const constants = e.items.flatMap((i) => (i.kind === "const" ? [i.value] : []))
        if (constants.length === 4) return constVector(e.type, constants)
        if (e.items.every((i) => i.kind === "const" || (i.kind === "load" && is32Bit(i.type))))
          return this.gather(e.type, e.items)
        const lanes = e.items.flatMap((i) => (i.kind === "lane" ? [i] : []))
        if (lanes.length === 4 && lanes.every((l) => l.lane === lanes[0]!.lane)) return this.column(lanes)
        if (lanes.length === 4 && distinct(lanes.map((l) => l.value)).length <= 2) return this.shuffled(lanes)
        const first = op(isFloat(e.type) ? "f32x4.splat" : "i32x4.splat", item(0))
        return ([1, 2, 3] as const).reduce<Code>((v, i) => replaceLane(e.type, v, item(i), i), first)
      }
      case "lane": {
        const code = extract(e.type, this.expr(e.value), e.lane)
        return e.type === "bool" ? op("i32.and", code, i32(1)) : code
      }
      case "shared": {
        const at = this.access(loadOf(e.type, e.width), this.sharedArray(e.name), e.index)
        return [at.address, at.instruction]
      }
    }
  }

  /** Whether an i32 expression is made of sizes and loop variables without subtraction: it cannot be negative. */
  isIndex(e: Expr): boolean {
    switch (e.kind) {
      case "const":
        return e.value >= 0
      case "dim":
        return true
      case "ref": {
        const location = this.names.get(e.name)
        return location?.kind === "constant" || (location?.kind === "local" && location.index)
      }
      case "op":
        return e.type === "i32" && e.width === 1 && GROWING.has(e.op) && e.args.every((a) => this.isIndex(a))
      default:
        return false
    }
  }

  private operation(e: Expr & { kind: "op" }): Code {
    const first = e.args[0]!
    const width = Math.max(e.width, ...e.args.map(widthOf)) === 4 ? 4 : 1
    return WASM_SCALARS[e.op](
      e.args.map((a) => this.expr(a)),
      {
        type: typeOf(first),
        result: e.type,
        width,
        local: (type) => this.locals.add(type),
        call: this.functions.call,
        math: (name, ...args) =>
          this.depth > 0
            ? this.functions.inLoop(name, this.locals, ...args)
            : this.functions.call(name, ...args),
      },
    )
  }

  private splat(value: Expr): Code {
    if (value.kind === "const") {
      if (isFloat(value.type)) return f32x4Const(value.value)
      return wordsConst(value.type === "bool" ? -value.value : value.value | 0)
    }
    // One instruction that V8 turns into a broadcasting load.
    if ((value.kind === "load" || value.kind === "shared") && is32Bit(value.type)) {
      const base = value.kind === "load" ? this.buffer(value.buffer) : this.sharedArray(value.name)
      const at = this.access("v128.load32_splat", base, value.index)
      return [at.address, at.instruction]
    }
    const code = this.expr(value)
    if (isFloat(typeOf(value))) return op("f32x4.splat", code)
    return op("i32x4.splat", typeOf(value) === "bool" ? op("i32.sub", i32(0), code) : code)
  }

  private load(e: Expr & { kind: "load" }): Code {
    const p = this.param(e.buffer)
    if (p.dtype === "f16") return loadHalf(this.functions, this.element(e.buffer, e.index, 2), e.width)
    const at = this.access(loadOf(p.dtype, e.width), this.buffer(e.buffer), e.index)
    return this.loaded(e, [at.address, at.instruction])
  }
  /** A bool in memory is 0 or 1. */
  private loaded(e: Expr & { kind: "load" }, code: Code): Code {
    if (this.param(e.buffer).dtype !== "bool" || e.type !== "bool") return code
    return e.width === 4 ? op("i32x4.ne", code, wordsConst(0)) : op("i32.ne", code, i32(0))
  }

  /** The same lane of four vectors. Of a whole 4 x 4 block the engine works out the inner shuffles once. */
  private column(lanes: readonly (Expr & { kind: "lane" })[]): Code {
    const [a, b, c, d] = lanes.map((l) => this.expr(l.value)) as [Code, Code, Code, Code]
    const { lane } = lanes[0]!
    const inner = lane < 2 ? [0, 4, 1, 5] : [2, 6, 3, 7]
    const outer = lane % 2 === 0 ? [0, 1, 4, 5] : [2, 3, 6, 7]
    return [a, b, shuffle(inner), c, d, shuffle(inner), shuffle(outer)]
  }
  /** Lanes of one vector or of two. */
  private shuffled(lanes: readonly (Expr & { kind: "lane" })[]): Code {
    const values = distinct(lanes.map((l) => l.value))
    const words = lanes.map((l) => 4 * values.findIndex((v) => isSame(v, l.value)) + l.lane)
    return [this.expr(values[0]!), this.expr(values.at(-1)!), shuffle(words)]
  }
  /** Loads and constants into the lanes of a vector. */
  private gather(type: ScalarType, items: readonly Expr[]): Code {
    const values = items.map((i) => (i.kind === "const" ? i.value : 0))
    const whole = items.every((i) => i.kind === "load")
    return items.reduce<Code>(
      (vector, e, lane) => {
        if (e.kind !== "load") return vector
        const base = this.buffer(e.buffer)
        const splats = whole && lane === 0
        const at = splats
          ? this.access("v128.load32_splat", base, e.index)
          : this.access("v128.load32_lane", base, e.index, lane)
        return [at.address, splats ? [] : vector, at.instruction]
      },
      constVector(type, values),
    )
  }

  /** A load at an index that may not exist reads the first element instead; anything else is behind a branch, vectors too, between which
   *  engines choose by a branch in any case. */
  private guard(e: Expr & { kind: "guard" }): Code {
    const type = valType(e.type, e.width)
    if (widthOf(e.cond) === 4) return this.maskedLoad(e)
    if (e.then.kind === "load" && !loadsIn(e.then.index) && e.width === 1) {
      const cond = this.locals.add("i32")
      const value = this.loadIf(e.then, cond)
      return [set(cond, this.expr(e.cond)), value, this.expr(e.otherwise), get(cond), ["select", type]]
    }
    const then = this.inBranch(() => this.expr(e.then))
    const otherwise = this.inBranch(() => this.expr(e.otherwise))
    return choose(type, this.expr(e.cond), then, otherwise)
  }

  /** Lanes of a load. When none is wanted the first elements are read instead; beside one that is wanted, up to three elements
   *  around the buffer are read, which exist in memory. */
  private maskedLoad(e: Expr & { kind: "guard" }): Code {
    if (e.then.kind !== "load") return bug("a guard by lanes around no load")
    if (this.isKnown(e.cond) && isZero(e.otherwise))
      return op("v128.and", this.load(e.then), this.expr(e.cond))
    const [mask, any] = [this.locals.add("v128"), this.locals.add("i32")]
    const value = this.loadIf(e.then, any)
    return [
      set(mask, this.expr(e.cond)),
      set(any, op("v128.any_true", get(mask))),
      isZero(e.otherwise)
        ? op("v128.and", value, get(mask))
        : op("v128.bitselect", value, this.expr(e.otherwise), get(mask)),
    ]
  }

  private isKnown(e: Expr): boolean {
    return e.kind === "ref" ? this.masks.has(e.name) : someTrue(e)
  }
  /** The load where the local `cond` is true, else one of the first elements. */
  private loadIf(e: Expr & { kind: "load" }, cond: number): Code {
    const { dtype } = this.param(e.buffer)
    const size = dtype === "f16" ? 2 : 4
    const base = this.buffer(e.buffer)
    const loop = this.loops.at(-1)
    const form = loop && this.formOf(e.index)
    let there: Code
    if (loop !== undefined && form !== undefined) {
      const distance: Patched = ["i32.const", 0]
      there = op("i32.add", loop.pointers.address(base, form, size, this.branch, distance), distance)
    } else there = op("i32.add", get(base), op("i32.shl", this.expr(e.index), i32(size === 4 ? 2 : 1)))
    const address: Code = [there, get(base), get(cond), ["select", "i32"]]
    if (dtype === "f16") {
      const at = this.locals.add("i32")
      return [set(at, address), loadHalf(this.functions, { address: get(at), offset: 0 }, e.width)]
    }
    return this.loaded(e, load(loadOf(dtype, e.width), address))
  }

  private buffer(name: string): number {
    return this.bases.get(name) ?? bug(`no kernel parameter ${name}`)
  }
  private sharedArray(name: string): number {
    return this.sharedBases.get(name) ?? bug(`no shared array ${name}`)
  }
  private element(buffer: string, index: Expr, size: 2 | 4): Address {
    return this.address(this.buffer(buffer), index, size)
  }
  /** The address and the instruction that accesses a word there, through a pointer of the innermost loop where it has a form. */
  private access(
    name: string,
    base: number,
    index: Expr,
    ...lane: number[]
  ): { address: Code; instruction: Code } {
    const loop = this.loops.at(-1)
    const form = loop && this.formOf(index)
    if (loop === undefined || form === undefined) {
      const { address, offset } = this.address(base, index, 4)
      return { address, instruction: [name, offset, ...lane] }
    }
    const instruction: Patched = [name, 0, ...lane]
    return { address: loop.pointers.address(base, form, 4, this.branch, instruction), instruction }
  }
  private formOf(e: Expr): Form | undefined {
    const loop = this.loops.at(-1)
    return loop && formOf(e, (name) => this.role(name, loop.iteration))
  }
  private role(name: string, iteration: string): Role {
    if (name === iteration) return { kind: "iteration" }
    const location = this.names.get(name)
    if (location === undefined || location.kind === "memory") return { kind: "other" }
    if (location.kind === "constant") return location
    if (location.mutable) return { kind: "other" }
    if (location.depth < this.depth) return { kind: "fixed" }
    return location.form === undefined ? { kind: "other" } : { kind: "form", form: location.form }
  }
  private address(base: number, index: Expr, size: 2 | 4): Address {
    const { rest, constant } = this.splitIndex(index)
    const offset = constant * size
    if (rest === undefined) return { address: get(base), offset }
    const bytes = op("i32.shl", this.expr(rest), i32(size === 4 ? 2 : 1))
    return { address: op("i32.add", get(base), bytes), offset }
  }

  /** index = rest + constant, with constant > 0 only where `rest` cannot be negative, so that no address wraps around. */
  private splitIndex(index: Expr): { rest: Expr | undefined; constant: number } {
    if (index.kind === "const" && index.value >= 0) return { rest: undefined, constant: index.value }
    if (index.kind === "op" && index.op === "add") {
      const [a, b] = [index.args[0]!, index.args[1]!]
      if (b.kind === "const" && b.value > 0 && b.value < 1 << 26 && this.isIndex(a))
        return { rest: a, constant: b.value }
    }
    return { rest: index, constant: 0 }
  }

  private reference(name: string): Code {
    const location = this.location(name)
    if (location.kind === "local") return get(location.local)
    if (location.kind === "constant") return i32(location.value)
    return load(loadOf(location.type, location.width), location.address)
  }
  private location(name: string): Location {
    return this.names.get(name) ?? bug(`no value for ${name}`)
  }
  private param(name: string): KernelParam {
    return this.params.get(name) ?? bug(`no kernel parameter ${name}`)
  }
  private word(name: string): Code {
    return get(this.words.get(name) ?? bug(`no parameter word ${name}`))
  }
}

const GROWING: ReadonlySet<string> = new Set(["add", "mul", "div", "rem", "min", "max", "shl", "shr"])
function bind(into: Map<string, number>, name: string, locals: Locals): number {
  const local = locals.add("i32")
  into.set(name, local)
  return local
}
