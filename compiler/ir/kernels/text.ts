/** ir/kernels: kernels as text that reads back (`parse.ts`). Types of names are inferred when reading, so none stand here.
 *  Guarantees: print(parse(print(x))) == print(x). */
import { jsonText } from "../../source/visible.js"
import { unreachable } from "../../source/bug.js"
import type { Origin } from "../origin.js"
import { printNumber } from "../text/notation.js"
import { type DimValues, printDim } from "../tensor.js"
import { costOf, printCost } from "./cost.js"
import type { ScalarOp } from "./scalar.js"
import type { BufferRef, Expr, Kernel, KernelProgram, Loop, ScalarType, Stmt } from "./types.js"

/** With `dims`, a comment at every dispatch gives its bytes and operations at these sizes. */
export function printKernelProgram(p: KernelProgram, dims?: DimValues): string {
  const lines = [`program ${quote(p.name)} {`]
  for (const b of p.buffers) {
    lines.push(`  buffer ${b.id} ${quote(b.name)}: ${b.role} ${b.dtype}[${printDim(b.elements)}]`)
  }
  for (const pack of p.packs)
    lines.push(`  pack ${pack.id} ${quote(pack.name)} = [${pack.members.join(", ")}]`)
  for (const k of p.kernels) lines.push("", indent(printKernel(k)))
  lines.push("")
  const dispatches = p.dispatches.map((d) => {
    const cost = dims === undefined ? "" : `  // ${printCost(costOf(p, d, dims))} at B = ${dims.B}`
    return `dispatch ${d.kernel}(${d.args.map(printRef).join(", ")})${d.waits ? " waits" : ""}${cost}`
  })
  lines.push(...withLoops(dispatches, p.loops).map((line) => `  ${line}`))
  for (const o of p.outputs)
    lines.push(`  return ${quote(o.name)} = ${o.buffer}${o.at === undefined ? "" : ` at ${o.at}`}`)
  lines.push("}", "")
  return lines.join("\n")
}

/** Lines of dispatches, with braces around those that are repeated. */
export const withLoops = (dispatches: readonly string[], loops: readonly Loop[] = []): string[] =>
  dispatches.flatMap((line, i) => {
    const loop = loops.find((l) => l.first <= i && i < l.end)
    if (loop === undefined) return [line]
    return [
      ...(loop.first === i ? [`loop ${loop.iterations} {`] : []),
      `  ${line}`,
      ...(loop.end === i + 1 ? ["}"] : []),
    ]
  })

export function printKernel(k: Kernel): string {
  const params = k.params.map((p) => `${p.name}: ${p.access} ${p.dtype}${p.width === 4 ? " x4" : ""}`)
  const lines = [`kernel ${k.name}(${params.join(", ")}) ${quote(k.template)} {`]
  for (const o of k.origins) lines.push(`  ${printOriginLine(o)}`)
  for (const s of k.shared)
    lines.push(
      `  shared ${s.name}: ${s.type}[${s.length}]${s.width === 4 ? " x4" : ""}${s.own ? " own" : ""}`,
    )
  const wide = new Set(k.params.filter((p) => p.width === 4).map((p) => p.name))
  block(k.body, "  ", lines, wide)
  lines.push("}")
  return lines.join("\n")
}

/** An expression in infix form with the fewest parentheses. `wide`: arrays of vectors; from others a vector is `a[i; x4]`. */
export const printExpr = (e: Expr, wide: ReadonlySet<string> = new Set()): string => print(e, 0, wide)

const quote: (text: string) => string = jsonText
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

function block(body: readonly Stmt[], pad: string, lines: string[], wide: ReadonlySet<string>): void {
  for (const s of body) {
    switch (s.kind) {
      case "for":
        lines.push(`${pad}for ${s.name} on ${s.on} in ${printExpr(s.extent, wide)} {`)
        block(s.body, pad + "  ", lines, wide)
        lines.push(`${pad}}`)
        break
      case "when":
        lines.push(`${pad}when ${printExpr(s.cond, wide)} {`)
        block(s.then, pad + "  ", lines, wide)
        lines.push(`${pad}}`)
        break
      case "let":
        lines.push(`${pad}let ${s.name} = ${printExpr(s.value, wide)}`)
        break
      case "var":
        lines.push(`${pad}var ${s.name}: ${s.type}${s.width === 4 ? " x4" : ""} = ${printExpr(s.init, wide)}`)
        break
      case "set":
        lines.push(`${pad}set ${s.name} = ${printExpr(s.value, wide)}`)
        break
      case "store":
        lines.push(
          `${pad}store ${s.buffer}[${element(s.index, s.buffer, widthOf(s.value), wide)}] = ${printExpr(s.value, wide)}`,
        )
        break
      case "store-shared":
        lines.push(
          `${pad}store shared ${s.name}[${element(s.index, s.name, widthOf(s.value), wide)}] = ${printExpr(s.value, wide)}`,
        )
        break
      case "join":
        lines.push(
          `${pad}join ${s.name} = ${s.op} of ${printExpr(s.value, wide)} or ${printExpr(s.neutral, wide)} through ${s.through}`,
        )
        break
      case "barrier":
        lines.push(`${pad}barrier${s.memory === undefined ? "" : ` ${s.memory}`}`)
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

const widthOf = (e: Expr): 1 | 4 => ("width" in e ? e.width : 1)
/** The width is said where it is not that of the array. */
const element = (index: Expr, array: string, width: 1 | 4, wide: ReadonlySet<string>): string =>
  print(index, 0, wide) +
  (width === 4 && !wide.has(array) ? "; x4" : width === 1 && wide.has(array) ? "; x1" : "")

function print(e: Expr, level: number, wide: ReadonlySet<string>): string {
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
      return `${e.buffer}[${element(e.index, e.buffer, e.width, wide)}]`
    case "shared":
      return `${e.name}[${element(e.index, e.name, e.width, wide)}]`
    case "guard":
      return `guard(${print(e.cond, 0, wide)}, ${print(e.then, 0, wide)}, ${print(e.otherwise, 0, wide)})`
    case "splat":
      return `splat(${print(e.value, 0, wide)})`
    case "vec":
      return `vec(${e.items.map((i) => print(i, 0, wide)).join(", ")})`
    case "lane":
      return `lane(${print(e.value, 0, wide)}, ${e.lane})`
    case "op": {
      const infix = INFIX[e.op]
      if (infix === undefined) return `${e.op}(${e.args.map((a) => print(a, 0, wide)).join(", ")})`
      const [symbol, mine] = infix
      const text = `${print(e.args[0]!, mine, wide)} ${symbol} ${print(e.args[1]!, mine + 1, wide)}`
      return mine < level ? `(${text})` : text
    }
    default:
      return unreachable(e)
  }
}
