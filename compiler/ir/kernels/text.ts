/** ir/kernels: kernels as text that reads back (`parse.ts`). Types of names are inferred when reading, so none stand here.
 *  Guarantees: print(parse(print(x))) == print(x). */
import { unreachable } from "../../source/bug.js"
import type { Origin } from "../origin.js"
import { printDim } from "../tensor.js"
import type { ScalarOp } from "./scalar.js"
import type { BufferRef, Expr, Kernel, KernelProgram, ScalarType, Stmt } from "./types.js"

export function printKernelProgram(p: KernelProgram): string {
  const lines = [`program ${quote(p.name)} {`]
  for (const b of p.buffers) {
    lines.push(`  buffer ${b.id} ${quote(b.name)}: ${b.role} ${b.dtype}[${printDim(b.elements)}]`)
  }
  for (const pack of p.packs)
    lines.push(`  pack ${pack.id} ${quote(pack.name)} = [${pack.members.join(", ")}]`)
  for (const k of p.kernels) lines.push("", indent(printKernel(k)))
  lines.push("")
  for (const d of p.dispatches) lines.push(`  dispatch ${d.kernel}(${d.args.map(printRef).join(", ")})`)
  for (const o of p.outputs) lines.push(`  return ${quote(o.name)} = ${o.buffer}`)
  lines.push("}", "")
  return lines.join("\n")
}

export function printKernel(k: Kernel): string {
  const params = k.params.map((p) => `${p.name}: ${p.access} ${p.dtype}${p.width === 4 ? " x4" : ""}`)
  const lines = [`kernel ${k.name}(${params.join(", ")}) ${quote(k.template)} {`]
  for (const o of k.origins) lines.push(`  ${printOriginLine(o)}`)
  for (const s of k.shared) lines.push(`  shared ${s.name}: ${s.type}[${s.length}]`)
  block(k.body, "  ", lines)
  lines.push("}")
  return lines.join("\n")
}

/** An expression in infix form with the fewest parentheses. */
export const printExpr = (e: Expr): string => print(e, 0)

const quote = (text: string): string => JSON.stringify(text)
const indent = (text: string): string => text.replace(/^(?=.)/gm, "  ")
const printRef = (r: BufferRef): string => (r.kind === "pack" ? `pack ${r.id}` : `${r.id}`)
const printOriginLine = (o: Origin): string =>
  [
    `from ${quote(o.at)}`,
    o.in === undefined ? "" : `in ${quote(o.in)}`,
    o.by === undefined ? "" : `by ${quote(o.by)}`,
  ]
    .filter((part) => part !== "")
    .join(" ")

function block(body: readonly Stmt[], pad: string, lines: string[]): void {
  for (const s of body) {
    switch (s.kind) {
      case "for":
        lines.push(`${pad}for ${s.name} on ${s.on} in ${printExpr(s.extent)} {`)
        block(s.body, pad + "  ", lines)
        lines.push(`${pad}}`)
        break
      case "when":
        lines.push(`${pad}when ${printExpr(s.cond)} {`)
        block(s.then, pad + "  ", lines)
        lines.push(`${pad}}`)
        break
      case "let":
        lines.push(`${pad}let ${s.name} = ${printExpr(s.value)}`)
        break
      case "var":
        lines.push(`${pad}var ${s.name}: ${s.type}${s.width === 4 ? " x4" : ""} = ${printExpr(s.init)}`)
        break
      case "set":
        lines.push(`${pad}set ${s.name} = ${printExpr(s.value)}`)
        break
      case "store":
        lines.push(`${pad}store ${s.buffer}[${printExpr(s.index)}] = ${printExpr(s.value)}`)
        break
      case "store-shared":
        lines.push(`${pad}store shared ${s.name}[${printExpr(s.index)}] = ${printExpr(s.value)}`)
        break
      case "barrier":
        lines.push(`${pad}barrier`)
        break
      default:
        unreachable(s)
    }
  }
}

/** Infix operators and how tightly they bind. */
export const INFIX: Readonly<Partial<Record<ScalarOp, readonly [symbol: string, level: number]>>> = {
  or: ["||", 1],
  and: ["&&", 2],
  eq: ["==", 3],
  ne: ["!=", 3],
  lt: ["<", 3],
  le: ["<=", 3],
  gt: [">", 3],
  ge: [">=", 3],
  bitor: ["|", 4],
  bitxor: ["^", 5],
  bitand: ["&", 6],
  shl: ["<<", 7],
  add: ["+", 8],
  sub: ["-", 8],
  mul: ["*", 9],
  div: ["/", 9],
  rem: ["%", 9],
}
const SUFFIX: Readonly<Record<ScalarType, string>> = { f32: "f", f16: "h", i32: "", u32: "u", bool: "" }

function print(e: Expr, level: number): string {
  switch (e.kind) {
    case "const":
      return e.type === "bool" ? (e.value ? "true" : "false") : printNumber(e.value) + SUFFIX[e.type]
    case "ref":
      return e.name
    case "dim":
      return e.symbol
    case "param":
      return `@${e.name}`
    case "load":
    case "shared":
      return `${e.kind === "load" ? e.buffer : e.name}[${print(e.index, 0)}]`
    case "guard":
      return `guard(${print(e.cond, 0)}, ${print(e.then, 0)}, ${print(e.otherwise, 0)})`
    case "splat":
      return `splat(${print(e.value, 0)})`
    case "vec":
      return `vec(${e.items.map((i) => print(i, 0)).join(", ")})`
    case "lane":
      return `lane(${print(e.value, 0)}, ${e.lane})`
    case "op": {
      const infix = INFIX[e.op]
      if (infix === undefined) return `${e.op}(${e.args.map((a) => print(a, 0)).join(", ")})`
      const [symbol, mine] = infix
      const text = `${print(e.args[0]!, mine)} ${symbol} ${print(e.args[1]!, mine + 1)}`
      return mine < level ? `(${text})` : text
    }
    default:
      return unreachable(e)
  }
}

const printNumber = (x: number): string =>
  Object.is(x, -0) ? "-0" : x === Infinity ? "inf" : x === -Infinity ? "-inf" : String(x)
