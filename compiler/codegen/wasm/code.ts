/** codegen/wasm: code as a tree of instructions, and functions under construction.
 *  A piece of code leaves the values that its user expects on the stack; pieces are joined by listing them. */
import { bug } from "../../source/bug.js"

export type ValType = "i32" | "i64" | "f32" | "f64" | "v128"
export type Instruction = readonly [name: string, ...immediates: (number | ValType)[]]
export type Code = Instruction | readonly Code[]

export interface FunctionType {
  readonly params: readonly ValType[]
  readonly results: readonly ValType[]
}
export interface WasmFunction {
  readonly name: string
  readonly type: FunctionType
  readonly locals: readonly ValType[]
  readonly code: Code
}

const isInstruction = (code: Code): code is Instruction => typeof code[0] === "string"

/** The instructions in order. */
export function flatten(code: Code, into: Instruction[] = []): Instruction[] {
  if (code.length === 0) return into
  if (isInstruction(code)) into.push(code)
  else for (const part of code) flatten(part, into)
  return into
}

/** Locals of a function in the making. */
export class Locals {
  readonly types: ValType[] = []
  constructor(private readonly params: number) {}
  add(type: ValType): number {
    this.types.push(type)
    return this.params + this.types.length - 1
  }
}

export const i32 = (value: number): Instruction => ["i32.const", value | 0]
export const f32 = (value: number): Instruction => ["f32.const", value]
export const get = (local: number): Instruction => ["local.get", local]
export const set = (local: number, value: Code): Code => [value, ["local.set", local]]
export const tee = (local: number, value: Code): Code => [value, ["local.tee", local]]
export const op = (name: string, ...args: readonly Code[]): Code => [...args, [name]]
export const load = (name: string, address: Code, offset = 0): Code => [address, [name, offset]]
export const store = (name: string, address: Code, value: Code, offset = 0): Code => [
  address,
  value,
  [name, offset],
]

export const when = (cond: Code, then: Code): Code => [cond, ["if"], then, ["end"]]
export const choose = (type: ValType, cond: Code, then: Code, otherwise: Code): Code => [
  cond,
  ["if", type],
  then,
  ["else"],
  otherwise,
  ["end"],
]
/** Runs `body` with `local` counting from `from` up to `to` - 1; `to` is evaluated in every iteration: make it a local or constant. */
export const countLoop = (local: number, from: Code, to: Code, body: Code, step = 1): Code => [
  set(local, from),
  when(op("i32.lt_s", get(local), to), [
    ["loop"],
    body,
    op("i32.lt_s", tee(local, op("i32.add", get(local), i32(step))), to),
    ["br_if", 0],
    ["end"],
  ]),
]

const scratch = new DataView(new ArrayBuffer(4))
/** The bits of an f32. */
export function bitsOf(value: number): number {
  scratch.setFloat32(0, value)
  return scratch.getInt32(0)
}
/** The same 32-bit word in all four lanes. */
export const wordsConst = (word: number): Instruction => ["v128.const", word, word, word, word]
export const f32x4Const = (value: number): Instruction => wordsConst(bitsOf(value))

/** Whether an f32 constant can be written: all can, also NaN and infinities. */
export const isConst = (code: Code): code is Instruction =>
  isInstruction(code) && (code[0] === "i32.const" || code[0] === "f32.const" || code[0] === "v128.const")

export function constValue(code: Instruction): number {
  const value = code[1]
  return typeof value === "number" ? value : bug(`${code[0]} has no value`)
}
