/** codegen/wasm: a module -> bytes, in the binary format of WebAssembly.
 *  Assumes:    code type-checks (the engine validates it).
 *  Guarantees: one imported memory, first of the imports, so that `sharedFlag` is the byte that says whether it is shared.
 *  Not here:   the bodies of the functions. */
import { bug } from "../../source/bug.js"
import {
  type Code,
  flatten,
  type FunctionType,
  type Instruction,
  type ValType,
  type WasmFunction,
} from "./code.js"
import { INSTRUCTIONS } from "./instructions.js"

export interface WasmModule {
  /** The imported memory: `env.memory`. */
  readonly pages: { readonly least: number; readonly most: number }
  /** Imported functions come first in the numbering of functions. */
  readonly imports: readonly { readonly name: string; readonly type: FunctionType }[]
  readonly functions: readonly WasmFunction[]
  /** Mutable i32 globals, starting at 0. */
  readonly globals: readonly string[]
  /** Functions by number, in table order. */
  readonly table: readonly number[]
  readonly exports: readonly {
    readonly name: string
    readonly kind: "function" | "global"
    readonly index: number
  }[]
  /** The type of the functions that `call_indirect` calls. */
  readonly indirect: FunctionType
}
export interface EncodedModule {
  readonly bytes: Uint8Array
  /** Offset of the memory's flags: 3 is shared, 1 is not. */
  readonly sharedFlag: number
}

const VAL: Record<ValType, number> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b }
const EMPTY_BLOCK = 0x40

class Bytes {
  private data = new Uint8Array(1024)
  private view = new DataView(this.data.buffer)
  length = 0
  byte(value: number): void {
    this.room(1)
    this.data[this.length++] = value
  }
  all(values: ArrayLike<number>): void {
    this.room(values.length)
    this.data.set(values, this.length)
    this.length += values.length
  }
  u32(value: number): void {
    let rest = value >>> 0
    while (rest > 127) {
      this.byte((rest & 127) | 128)
      rest >>>= 7
    }
    this.byte(rest)
  }
  s32(value: number): void {
    let rest = value | 0
    while (rest < -64 || rest > 63) {
      this.byte((rest & 127) | 128)
      rest >>= 7
    }
    this.byte(rest & 127)
  }
  f32(value: number): void {
    this.room(4)
    this.view.setFloat32(this.length, value, true)
    this.length += 4
  }
  f64(value: number): void {
    this.room(8)
    this.view.setFloat64(this.length, value, true)
    this.length += 8
  }
  word(value: number): void {
    this.room(4)
    this.view.setInt32(this.length, value, true)
    this.length += 4
  }
  name(text: string): void {
    const utf8 = new TextEncoder().encode(text)
    this.u32(utf8.length)
    this.all(utf8)
  }
  done(): Uint8Array {
    return this.data.slice(0, this.length)
  }
  private room(more: number): void {
    if (this.length + more <= this.data.length) return
    const larger = new Uint8Array(Math.max(this.data.length * 2, this.length + more))
    larger.set(this.data)
    this.data = larger
    this.view = new DataView(larger.buffer)
  }
}

export function encodeModule(module: WasmModule): EncodedModule {
  const types = new TypeTable()
  const out = new Bytes()
  out.all([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0])
  const importTypes = module.imports.map((f) => types.index(f.type))
  const functionTypes = module.functions.map((f) => types.index(f.type))
  const indirect = types.index(module.indirect)
  const code = module.functions.map((f) => body(f, indirect))
  section(out, 1, (s) => types.write(s))
  let sharedFlag = 0
  section(out, 2, (s, start) => {
    s.u32(1 + module.imports.length)
    s.name("env")
    s.name("memory")
    s.byte(2)
    sharedFlag = start + s.length
    s.byte(3)
    s.u32(module.pages.least)
    s.u32(module.pages.most)
    module.imports.forEach((f, i) => {
      s.name("env")
      s.name(f.name)
      s.byte(0)
      s.u32(importTypes[i]!)
    })
  })
  section(out, 3, (s) => list(s, functionTypes, (t) => s.u32(t)))
  section(out, 4, (s) => s.all([1, 0x70, 0, ...lebOf(module.table.length)]))
  section(out, 6, (s) => list(s, module.globals, () => s.all([VAL.i32, 1, 0x41, 0, 0x0b])))
  section(out, 7, (s) =>
    list(s, module.exports, (e) => {
      s.name(e.name)
      s.byte(e.kind === "function" ? 0 : 3)
      s.u32(e.index)
    }),
  )
  section(out, 9, (s) => {
    s.all([1, 0, 0x41, 0, 0x0b])
    list(s, module.table, (f) => s.u32(f))
  })
  section(out, 10, (s) =>
    list(s, code, (bytes) => {
      s.u32(bytes.length)
      s.all(bytes)
    }),
  )
  // The custom section of names: profilers and stack traces show them.
  section(out, 0, (s) => {
    s.name("name")
    const names = new Bytes()
    list(names, [...module.imports, ...module.functions], (f, i) => {
      names.u32(i)
      names.name(f.name)
    })
    s.byte(1)
    s.u32(names.length)
    s.all(names.done())
  })
  return { bytes: out.done(), sharedFlag }
}

function lebOf(value: number): number[] {
  const b = new Bytes()
  b.u32(value)
  return [...b.done()]
}
function list<T>(out: Bytes, items: readonly T[], write: (item: T, i: number) => void): void {
  out.u32(items.length)
  items.forEach(write)
}

/** `fill` is told where its content starts in the file; the length before it is written with five bytes, whatever it is. */
function section(out: Bytes, id: number, fill: (s: Bytes, start: number) => void): void {
  const content = new Bytes()
  fill(content, out.length + 6)
  out.byte(id)
  for (let i = 0; i < 4; i++) out.byte(((content.length >>> (7 * i)) & 127) | 128)
  out.byte(content.length >>> 28)
  out.all(content.done())
}

class TypeTable {
  private readonly types: FunctionType[] = []
  private readonly known = new Map<string, number>()
  index(type: FunctionType): number {
    const key = `${type.params.join()}:${type.results.join()}`
    const old = this.known.get(key)
    if (old !== undefined) return old
    this.types.push(type)
    this.known.set(key, this.types.length - 1)
    return this.types.length - 1
  }
  write(out: Bytes): void {
    list(out, this.types, (t) => {
      out.byte(0x60)
      list(out, t.params, (p) => out.byte(VAL[p]))
      list(out, t.results, (r) => out.byte(VAL[r]))
    })
  }
}

function body(f: WasmFunction, indirect: number): Uint8Array {
  const out = new Bytes()
  const runs: { type: ValType; count: number }[] = []
  for (const type of f.locals) {
    const last = runs.at(-1)
    if (last?.type === type) last.count++
    else runs.push({ type, count: 1 })
  }
  list(out, runs, ({ type, count }) => {
    out.u32(count)
    out.byte(VAL[type])
  })
  writeCode(out, f.code, indirect)
  out.byte(0x0b)
  return out.done()
}

function writeCode(out: Bytes, code: Code, indirect: number): void {
  for (const instruction of flatten(code)) writeInstruction(out, instruction, indirect)
}

function writeInstruction(out: Bytes, instruction: Instruction, indirect: number): void {
  const [name, a] = instruction
  const info = INSTRUCTIONS.get(name) ?? bug(`no WebAssembly instruction ${name}`)
  out.all(info.bytes)
  const number = (i: number): number => {
    const value = instruction[i]
    return typeof value === "number" ? value : bug(`${name} takes a number`)
  }
  const valType = (value: number | string | undefined): number =>
    typeof value === "string" ? VAL[value as ValType] : bug(`${name} takes a type`)
  switch (info.immediate) {
    case "none":
      return
    case "mem":
    case "memlane":
      out.u32(Math.log2(info.size ?? 4))
      out.u32(a === undefined ? 0 : number(1))
      if (info.immediate === "memlane") out.byte(number(2))
      return
    case "lane":
      out.byte(number(1))
      return
    case "index":
      out.u32(number(1))
      return
    case "block":
      out.byte(a === undefined ? EMPTY_BLOCK : valType(a))
      return
    case "type":
      out.byte(1)
      out.byte(valType(a))
      return
    case "i32":
    case "i64":
      out.s32(number(1))
      return
    case "f32":
      out.f32(number(1))
      return
    case "f64":
      out.f64(number(1))
      return
    case "words":
      for (let i = 1; i <= 4; i++) out.word(number(i))
      return
    case "lanes":
      for (let i = 1; i <= 16; i++) out.byte(number(i))
      return
    case "call_indirect":
      out.u32(indirect)
      out.u32(0)
      return
    case "memory":
      out.all([0, 0])
      return
    case "fence":
      out.byte(0)
      return
  }
}
