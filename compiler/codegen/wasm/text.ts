/** codegen/wasm: a module -> WebAssembly text, for people. Imports, the table and types are abridged. */
import { flatten, type Instruction, type WasmFunction } from "./code.js"
import type { WasmModule } from "./encode.js"
import { INSTRUCTIONS } from "./instructions.js"

export function printWat(module: WasmModule): string {
  const names = module.functions.map((f) => identifier(f.name))
  const { least, most } = module.pages
  return [
    "(module",
    `  (import "env" "memory" (memory ${least} ${most} shared))`,
    ...module.globals.map((g) => `  (global $${g} (mut i32) (i32.const 0))`),
    ...module.functions.map((f) => functionText(f, names, module.globals)),
    `  (table funcref (elem ${module.table.map((i) => names[i]).join(" ")}))`,
    ...module.exports.map(
      (e) =>
        `  (export "${e.name}" (${e.kind === "function" ? `func ${names[e.index]}` : `global $${e.name}`}))`,
    ),
    ")",
    "",
  ].join("\n")
}

const identifier = (name: string): string => `$${name.replace(/[^\w.]/g, "_")}`

function functionText(f: WasmFunction, names: readonly string[], globals: readonly string[]): string {
  const { params, results } = f.type
  const head = [
    `(func ${identifier(f.name)}`,
    ...(params.length > 0 ? [`(param ${params.join(" ")})`] : []),
    ...(results.length > 0 ? [`(result ${results.join(" ")})`] : []),
  ].join(" ")
  const locals = f.locals.length > 0 ? [`    (local ${f.locals.join(" ")})`] : []
  let depth = 2
  const lines = flatten(f.code).map((instruction) => {
    const [name] = instruction
    if (name === "end" || name === "else") depth--
    const line = "  ".repeat(depth) + instructionText(instruction, names, globals)
    if (name === "block" || name === "loop" || name === "if" || name === "else") depth++
    return line
  })
  return [`  ${head}`, ...locals, ...lines, "  )"].join("\n")
}

function instructionText(
  [name, ...immediates]: Instruction,
  names: readonly string[],
  globals: readonly string[],
): string {
  const [a] = immediates
  if (a === undefined) return name
  if (name === "call" && typeof a === "number") return `call ${names[a]}`
  if (name.startsWith("global.") && typeof a === "number") return `${name} $${globals[a]}`
  switch (INSTRUCTIONS.get(name)?.immediate) {
    case "mem":
      return a === 0 ? name : `${name} offset=${a}`
    case "block":
    case "type":
      return `${name} (result ${a})`
    case "words":
      return `${name} i32x4 ${immediates.join(" ")}`
    default:
      return `${name} ${immediates.join(" ")}`
  }
}
