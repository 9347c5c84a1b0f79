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
import { partsOf, typeOf, widthOf } from "./phases.js"
import { extract, replaceLane, valType, WASM_SCALARS } from "./scalar.js"

/** Where the value of a name is. `index`: known not to be negative. */
export type Place =
  | { readonly kind: "local"; readonly local: number; readonly index: boolean }
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "memory"; readonly address: Code; readonly type: ScalarType; readonly width: 1 | 4 }

const isFloat = (t: ScalarType): boolean => t === "f32" || t === "f16"

export class Expressions {
  readonly locals: Locals
  private names = new Map<string, Place>()
  private readonly bases = new Map<string, number>()
  private readonly sharedBases = new Map<string, number>()
  private readonly words = new Map<string, number>()
  private readonly params: ReadonlyMap<string, KernelParam>

  constructor(
    kernel: Kernel,
    functionParams: number,
    private readonly call: (name: string, ...args: Code[]) => Code,
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

  /** Gives a name its place; a local's number comes back. */
  define(name: string, place: Place): number {
    this.names.set(name, place)
    return place.kind === "local" ? place.local : -1
  }
  scope(): Map<string, Place> {
    const outer = this.names
    this.names = new Map(outer)
    return outer
  }
  leave(outer: Map<string, Place>): void {
    this.names = outer
  }
  isKept(name: string): boolean {
    return this.names.get(name)?.kind === "memory"
  }
  assign(name: string, value: Code): Code {
    const place = this.place(name)
    if (place.kind === "local") return set(place.local, value)
    if (place.kind === "memory") return store(storeOf(place.type, place.width), place.address, value)
    return bug(`${name} is a constant`)
  }

  store(buffer: string, index: Expr, value: Expr): Code {
    const p = this.param(buffer)
    const at = this.element(buffer, index, p.dtype === "f16" ? 2 : 4)
    const code = this.expr(value)
    if (p.dtype === "f16") return this.storeHalf(at, code, p.width)
    const stored = p.dtype === "bool" && p.width === 4 ? op("v128.and", code, wordsConst(1)) : code
    return store(storeOf(p.dtype, p.width), at.address, stored, at.offset)
  }
  storeShared(name: string, index: Expr, value: Expr): Code {
    const at = this.address(this.sharedBases.get(name) ?? bug(`no shared array ${name}`), index, 4)
    return store(storeOf(typeOf(value), widthOf(value)), at.address, this.expr(value), at.offset)
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
        const first = op(isFloat(e.type) ? "f32x4.splat" : "i32x4.splat", item(0))
        return ([1, 2, 3] as const).reduce<Code>((v, i) => replaceLane(e.type, v, item(i), i), first)
      }
      case "lane": {
        const code = extract(e.type, this.expr(e.value), e.lane)
        return e.type === "bool" ? op("i32.and", code, i32(1)) : code
      }
      case "shared": {
        const at = this.address(this.sharedBases.get(e.name) ?? bug(`no shared array ${e.name}`), e.index, 4)
        return load(loadOf(e.type, 1), at.address, at.offset)
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
        const place = this.names.get(e.name)
        return place?.kind === "constant" || (place?.kind === "local" && place.index)
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
        call: this.call,
      },
    )
  }

  private splat(value: Expr): Code {
    if (value.kind === "const") {
      if (isFloat(value.type)) return f32x4Const(value.value)
      return wordsConst(value.type === "bool" ? -value.value : value.value | 0)
    }
    // One instruction that V8 turns into a broadcasting load.
    if (value.kind === "load" && value.type !== "bool" && value.type !== "f16") {
      const at = this.element(value.buffer, value.index, 4)
      return load("v128.load32_splat", at.address, at.offset)
    }
    const code = this.expr(value)
    if (isFloat(typeOf(value))) return op("f32x4.splat", code)
    return op("i32x4.splat", typeOf(value) === "bool" ? op("i32.sub", i32(0), code) : code)
  }

  private load(e: Expr & { kind: "load" }): Code {
    const p = this.param(e.buffer)
    const at = this.element(e.buffer, e.index, p.dtype === "f16" ? 2 : 4)
    if (p.dtype === "f16") return this.loadHalf(at, e.width)
    const code = load(loadOf(p.dtype, e.width), at.address, at.offset)
    if (p.dtype !== "bool" || e.type !== "bool") return code
    return e.width === 4 ? op("i32x4.ne", code, wordsConst(0)) : op("i32.ne", code, i32(0))
  }

  /** A load at a place that may not exist reads the first element instead; anything else is behind a branch. */
  private guard(e: Expr & { kind: "guard" }): Code {
    const type = valType(e.type, e.width)
    if (e.then.kind === "load" && !loadsIn(e.then.index)) {
      const cond = this.locals.add("i32")
      const place: Expr = {
        kind: "op",
        op: "select",
        args: [{ kind: "ref", name: GUARD, type: "bool", width: 1 }, e.then.index, ZERO],
        type: "i32",
        width: 1,
      }
      const outer = this.scope()
      this.define(GUARD, { kind: "local", local: cond, index: false })
      const value = this.expr({ ...e.then, index: place })
      this.leave(outer)
      return [set(cond, this.expr(e.cond)), value, this.expr(e.otherwise), get(cond), ["select", type]]
    }
    return choose(type, this.expr(e.cond), this.expr(e.then), this.expr(e.otherwise))
  }

  private loadHalf(at: Address, width: 1 | 4): Code {
    const one = (lane: number): Code =>
      this.call("from_half", load("i32.load16_u", at.address, at.offset + 2 * lane))
    if (width === 1) return one(0)
    return [1, 2, 3].reduce<Code>(
      (v, lane) => replaceLane("f32", v, one(lane), lane),
      op("f32x4.splat", one(0)),
    )
  }
  private storeHalf(at: Address, value: Code, width: 1 | 4): Code {
    if (width === 1) return store("i32.store16", at.address, this.call("to_half", value), at.offset)
    const v = this.locals.add("v128")
    const lanes = [0, 1, 2, 3].map((lane) =>
      store(
        "i32.store16",
        at.address,
        this.call("to_half", extract("f32", get(v), lane)),
        at.offset + 2 * lane,
      ),
    )
    return [set(v, value), lanes]
  }

  private element(buffer: string, index: Expr, size: 2 | 4): Address {
    return this.address(this.bases.get(buffer) ?? bug(`no kernel parameter ${buffer}`), index, size)
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
    const place = this.place(name)
    if (place.kind === "local") return get(place.local)
    if (place.kind === "constant") return i32(place.value)
    return load(loadOf(place.type, place.width), place.address)
  }
  private place(name: string): Place {
    return this.names.get(name) ?? bug(`no value for ${name}`)
  }
  private param(name: string): KernelParam {
    return this.params.get(name) ?? bug(`no kernel parameter ${name}`)
  }
  private word(name: string): Code {
    return get(this.words.get(name) ?? bug(`no parameter word ${name}`))
  }
}

interface Address {
  readonly address: Code
  readonly offset: number
}
const GROWING: ReadonlySet<string> = new Set(["add", "mul", "div", "rem", "min", "max", "shl", "shr"])
/** The condition of the guard around a load; no kernel can spell this name. */
const GUARD = "guard condition"
const ZERO: Expr = { kind: "const", type: "i32", value: 0 }

function bind(into: Map<string, number>, name: string, locals: Locals): number {
  const local = locals.add("i32")
  into.set(name, local)
  return local
}
const loadsIn = (e: Expr): boolean => e.kind === "load" || e.kind === "shared" || partsOf(e).some(loadsIn)
const loadOf = (t: ScalarType, width: 1 | 4): string =>
  width === 4 ? "v128.load" : isFloat(t) ? "f32.load" : "i32.load"
const storeOf = (t: ScalarType, width: 1 | 4): string =>
  width === 4 ? "v128.store" : isFloat(t) ? "f32.store" : "i32.store"
