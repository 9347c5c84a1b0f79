/** ir/kernels: the JavaScript source that the evaluator runs for a kernel. Vectors are arrays of four numbers.
 *  Not here: buffers, packs, dispatch order (`eval.ts`). */
import { unreachable } from "../../source/bug.js"
import type { ScalarOp } from "./scalar.js"
import type { Expr, Kernel, ScalarType, Stmt } from "./types.js"
import { hasBarrier } from "./walk.js"

/** The body of a function of `support` that returns the kernel as a function of (buffers, dims, scalars). */
export function evalSource(kernel: Kernel): string {
  const lines: string[] = [
    `const KERNEL = ${JSON.stringify(kernel.name)}`,
    "return (buffers, dims, scalars) => {",
  ]
  kernel.params.forEach((p, i) =>
    lines.push(`const ${local(p.name)} = buffers[${i}], ${step(p.name)} = ${p.width}`),
  )
  const cx: Context = {
    generator: hasBarrier(kernel.body),
    shared: kernel,
  }
  if (kernel.body.length > 0 && kernel.body[0]!.kind !== "for")
    lines.push(...arrays(cx, false), ...arrays(cx, true))
  block(kernel.body, cx, lines)
  lines.push("}")
  return lines.join("\n")
}

interface Context {
  readonly generator: boolean
  readonly shared: Kernel
}

const local = (name: string): string => `$${name}`
/** The number of a lane, and how many there are. */
const LANE = "ownLane"
const LANES = "allLanes"
/** Vectors of a buffer start at multiples of this. */
const step = (buffer: string): string => `step${local(buffer)}`
const widthOf = (e: Expr): 1 | 4 => ("width" in e ? e.width : 1)
const arrays = (cx: Context, own: boolean): string[] =>
  cx.shared.shared
    .filter((s) => (s.own ?? false) === own)
    .map((s) => `const ${local(s.name)} = support.shared(${s.length}, "${s.type}")`)

function block(body: readonly Stmt[], cx: Context, lines: string[]): void {
  for (const s of body) {
    switch (s.kind) {
      case "for": {
        const name = local(s.name)
        if (s.on === "lane") {
          lines.push(...arrays(cx, false))
          const inner = [`const ${LANE} = ${name}, ${LANES} = ${expr(s.extent)}`, ...arrays(cx, true)]
          block(s.body, cx, inner)
          if (cx.generator) {
            lines.push(`support.lanes(KERNEL, function* (${name}) {`, ...inner, `}, ${expr(s.extent)})`)
          } else lines.push(`for (let ${name} = 0; ${name} < ${expr(s.extent)}; ${name}++) {`, ...inner, "}")
        } else {
          // An evaluation is one call.
          const extent = s.on === "calls" ? "1" : expr(s.extent)
          lines.push(`for (let ${name} = 0, end = ${extent}; ${name} < end; ${name}++) {`)
          block(s.body, cx, lines)
          lines.push("}")
        }
        break
      }
      case "let":
        lines.push(`const ${local(s.name)} = ${expr(s.value)}`)
        break
      case "var":
        lines.push(`let ${local(s.name)} = ${expr(s.init)}`)
        break
      case "set":
        lines.push(`${local(s.name)} = ${expr(s.value)}`)
        break
      case "store": {
        const b = `"${s.buffer}", ${local(s.buffer)}`
        const value = `${expr(s.index)}, ${expr(s.value)}`
        if (widthOf(s.value) === 4) lines.push(`support.store4(KERNEL, ${b}, ${value}, ${step(s.buffer)})`)
        else lines.push(`support.store(KERNEL, ${b}, ${value})`)
        break
      }
      case "when":
        lines.push(`if (${expr(s.cond)}) {`)
        block(s.then, cx, lines)
        lines.push("}")
        break
      case "join": {
        const array = local(s.through)
        const type = typeOf(s.value)
        // Nobody overwrites an element before all have read it.
        lines.push(
          `${array}[${LANE}] = ${expr(s.value)}`,
          "yield",
          `const ${local(s.name)} = ${array}.subarray(0, ${LANES}).reduce((a, b) => ${spell(s.op, type, ["a", "b"])}, ${expr(s.neutral)})`,
          "yield",
        )
        break
      }
      case "barrier":
        lines.push("yield")
        break
      case "store-shared":
        if (widthOf(s.value) === 4) lines.push(`${local(s.name)}.set(${expr(s.value)}, ${expr(s.index)})`)
        else lines.push(`${local(s.name)}[${expr(s.index)}] = ${expr(s.value)}`)
        break
      default:
        unreachable(s)
    }
  }
}

function expr(e: Expr): string {
  switch (e.kind) {
    case "const":
      return Object.is(e.value, -0) ? "(-0)" : e.value < 0 ? `(${e.value})` : `${e.value}`
    case "ref":
      return local(e.name)
    case "dim":
      return `dims.${e.symbol}`
    case "param":
      return `scalars.${e.name}`
    case "load":
      return e.width === 4
        ? `support.load4(KERNEL, "${e.buffer}", ${local(e.buffer)}, ${expr(e.index)}, ${step(e.buffer)})`
        : `support.load(KERNEL, "${e.buffer}", ${local(e.buffer)}, ${expr(e.index)})`
    case "guard":
      if (widthOf(e.cond) === 4 && e.then.kind === "load") {
        const lane = `c[i] ? support.load(KERNEL, "${e.then.buffer}", ${local(e.then.buffer)}, at + i) : o[i]`
        const args = [e.cond, e.then.index, e.otherwise].map(expr).join(", ")
        return `((c, at, o) => support.vector((i) => ${lane}))(${args})`
      }
      return `(${expr(e.cond)} ? ${expr(e.then)} : ${expr(e.otherwise)})`
    case "splat":
      return `((x) => [x, x, x, x])(${expr(e.value)})`
    case "vec":
      return `[${e.items.map(expr).join(", ")}]`
    case "lane":
      return `${expr(e.value)}[${e.lane}]`
    case "shared":
      return e.width === 4
        ? `support.vector((i) => ${local(e.name)}[${expr(e.index)} + i])`
        : `${local(e.name)}[${expr(e.index)}]`
    case "op": {
      const type = e.op === "select" ? e.type : typeOf(e.args[0]!)
      if (e.width === 1) return spell(e.op, type, e.args.map(expr))
      const names = e.args.map((_, i) => `a${i}`)
      const body = spell(
        e.op,
        type,
        names.map((n) => `${n}[i]`),
      )
      return `((${names.join(", ")}) => support.vector((i) => ${body}))(${e.args.map(expr).join(", ")})`
    }
    default:
      return unreachable(e)
  }
}

const typeOf = (e: Expr): ScalarType => (e.kind === "dim" ? "i32" : e.type)

const INFIX: Partial<Record<ScalarOp, string>> = { add: "+", sub: "-", mul: "*", div: "/" }
const COMPARE: Partial<Record<ScalarOp, string>> = {
  eq: "===",
  ne: "!==",
  lt: "<",
  le: "<=",
  gt: ">",
  ge: ">=",
}

/** The common operations in place, for speed; all others through the scalar table. */
function spell(op: ScalarOp, type: ScalarType, args: readonly string[]): string {
  const [a, b, c] = args
  const infix = INFIX[op]
  if (infix !== undefined && type === "f32") return `Math.fround(${a} ${infix} ${b})`
  if ((op === "add" || op === "sub") && type === "i32") return `((${a} ${infix} ${b}) | 0)`
  if (op === "mul" && type === "i32") return `Math.imul(${a}, ${b})`
  const compare = COMPARE[op]
  if (compare !== undefined) return `(${a} ${compare} ${b} ? 1 : 0)`
  if (op === "select") return `(${a} ? ${b} : ${c})`
  if (op === "and") return `(${a} && ${b} ? 1 : 0)`
  return `support.scalar("${op}", "${type}", [${args.join(", ")}])`
}
