/** codegen/wgsl: Kernel -> WGSL text. Almost a transcription.
 *  Assumes:    the kernel verified; binding accesses are those of the plan.
 *  Guarantees: one module with entry point `main`; @group(0) @binding(0) is the parameter block, or an array of them in a
 *              kernel that makes many calls; @group(1) the buffers.
 *  Not here:   any choice about loops, tiles or placement. */
import { bug, unreachable } from "../../source/bug.js"
import { MULTI_STEP_WORDS, PARAMETER_WORDS } from "../../../runtime/bundle/format.js"
import { callsOf, openGrid } from "../../ir/kernels/grid.js"
import type { Expr, Kernel, KernelParam, ScalarType, Stmt } from "../../ir/kernels/types.js"
import { eachStmt } from "../../ir/kernels/walk.js"
import { type Helper, helperName, helperText } from "./helpers.js"
import { identifier } from "./identifier.js"
import { WGSL_SCALARS } from "./scalar.js"

/** The WGSL module of one kernel. */
export function emitWgsl(kernel: Kernel): string {
  const { grid, lanes, body } = openGrid(kernel.body)
  const size = lanes?.extent ?? 1
  const cx = new ModuleText(kernel, size)
  const main: string[] = []
  for (const { name, axis } of grid) main.push(`let ${identifier(name)} = i32(group.${axis});`)
  if (lanes) main.push(`let ${identifier(lanes.name)} = i32(lane_index);`)
  main.push(...cx.block(body))
  const inSubgroups = hasJoin(kernel.body)
  const calls = callsOf(kernel)
  const builtins = [
    "@builtin(workgroup_id) group: vec3<u32>",
    "@builtin(local_invocation_index) lane_index: u32",
    ...(inSubgroups
      ? ["@builtin(subgroup_invocation_id) subgroup_lane: u32", "@builtin(subgroup_size) subgroup_size: u32"]
      : []),
  ]
  const module = [
    `struct Parameters {`,
    ...(calls === undefined ? PARAMETER_WORDS : MULTI_STEP_WORDS).map(
      (word) => `  ${word}: ${word === "seed" ? "u32" : "i32"},`,
    ),
    `}`,
    calls === undefined
      ? `@group(0) @binding(0) var<uniform> parameters: Parameters;`
      : `@group(0) @binding(0) var<uniform> blocks: array<Parameters, ${calls}>;`,
    ...kernel.params.map(
      (p, i) =>
        `@group(1) @binding(${i}) var<storage, ${p.access === "read" ? "read" : "read_write"}> ${identifier(p.name)}: array<${elementType(p)}>;`,
    ),
    ...kernel.shared.map(
      (s) =>
        `var<${s.own ? "private" : "workgroup"}> ${identifier(s.name)}: array<${wide(s.type, s.width)}, ${s.length / s.width}>;`,
    ),
    ...(cx.special ? [`var<private> ${SPECIAL} = 0x7f800000u;`] : []),
    "",
    ...cx.helperTexts.flatMap((text) => [text, ""]),
    `@compute @workgroup_size(${size})`,
    `fn main(${builtins.join(", ")}) {`,
    ...indent(main),
    `}`,
    "",
  ]
  return [
    `// ${kernel.name}: ${kernel.template}`,
    ...new Set(
      kernel.origins.filter((o) => o.at !== "").map((o) => `// ${o.at}${o.in ? ` in ${o.in}` : ""}`),
    ),
    "",
    // Devices without halves refuse the extension, so only modules that have some ask for it.
    ...(module.some((line) => /\bf16\b/.test(line)) ? ["enable f16;", ""] : []),
    ...(inSubgroups ? ["enable subgroups;", ""] : []),
    ...module,
  ].join("\n")
}

function hasJoin(body: readonly Stmt[]): boolean {
  let found = false
  eachStmt(body, (s) => (found ||= s.kind === "join"))
  return found
}
const storageType = (type: ScalarType): ScalarType => (type === "bool" ? "u32" : type)
const elementType = (p: KernelParam): string => wide(storageType(p.dtype), p.width)
const wide = (type: ScalarType, width: 1 | 4): string => (width === 4 ? `vec4<${type}>` : type)
const indent = (lines: readonly string[]): string[] => lines.map((line) => (line === "" ? line : `  ${line}`))

const widthOf = (e: Expr): 1 | 4 => ("width" in e ? e.width : 1)
const typeOf = (e: Expr): ScalarType => (e.kind === "dim" ? "i32" : e.type)

class ModuleText {
  readonly helperTexts: string[] = []
  /** Whether infinities or NaN stand in the text. */
  special = false
  private readonly have = new Set<string>()
  private readonly params: ReadonlyMap<string, KernelParam>

  constructor(
    kernel: Kernel,
    private readonly lanes: number,
  ) {
    this.params = new Map(kernel.params.map((p) => [p.name, p]))
  }

  block(body: readonly Stmt[]): string[] {
    return body.flatMap((s) => this.stmt(s))
  }

  private stmt(s: Stmt): string[] {
    switch (s.kind) {
      case "for": {
        const name = identifier(s.name)
        if (s.on === "calls")
          return [
            `for (var ${name} = 0; ${name} < blocks[0].calls; ${name}++) {`,
            `  let parameters = blocks[${name}];`,
            ...indent(this.block(s.body)),
            `}`,
          ]
        if (s.on === "serial")
          return [
            `for (var ${name} = 0; ${name} < ${this.expr(s.extent)}; ${name}++) {`,
            ...indent(this.block(s.body)),
            `}`,
          ]
        if (s.on === "unroll") {
          if (s.extent.kind !== "const") return bug(`the extent of unrolled loop ${s.name} is not constant`)
          const inner = indent(this.block(s.body))
          return Array.from({ length: s.extent.value }, (_, i) => [
            `{`,
            `  const ${name} = ${i};`,
            ...inner,
            `}`,
          ]).flat()
        }
        return bug(`${s.on} loop ${s.name} inside a kernel body`)
      }
      case "let":
        return [`let ${identifier(s.name)} = ${this.expr(s.value)};`]
      case "var":
        return [`var ${identifier(s.name)}: ${wide(s.type, s.width)} = ${this.expr(s.init)};`]
      case "set":
        return [`${identifier(s.name)} = ${this.expr(s.value)};`]
      case "store": {
        const p = this.param(s.buffer)
        const value = this.expr(s.value)
        const stored =
          p.dtype === "bool"
            ? `select(${wide("u32", p.width)}(0), ${wide("u32", p.width)}(1), ${value})`
            : value
        return [`${identifier(s.buffer)}[${this.element(s.index, p.width)}] = ${stored};`]
      }
      case "when":
        return [`if (${this.expr(s.cond)}) {`, ...indent(this.block(s.then)), `}`]
      case "join":
        return this.join(s)
      case "barrier":
        return [s.memory === "storage" ? `storageBarrier();` : `workgroupBarrier();`]
      case "store-shared":
        return [`${identifier(s.name)}[${this.element(s.index, widthOf(s.value))}] = ${this.expr(s.value)};`]
      default:
        return unreachable(s)
    }
  }

  /** A lane of each subgroup stores the sum of its subgroup, the others the neutral element. Then every subgroup adds up all elements, whichever of
   *  them are whose: how lanes are spread over subgroups is up to the device. */
  private join({ name, op, value, neutral, through }: Stmt & { kind: "join" }): string[] {
    const [own, part, at, array] = [`${name}_own`, `${name}_part`, `${name}_at`, through].map(identifier)
    const given = identifier(`${name}_lane`)
    const type = typeOf(value)
    const spelling = {
      argType: type,
      resultType: type,
      scalar: type,
      helper: (h: Helper) => this.helper(h, 1),
    }
    const both = WGSL_SCALARS[op]([part!, `${array}[${at}]`], spelling)
    const subgroup = `subgroup${op[0]!.toUpperCase()}${op.slice(1)}`
    // WGSL leaves open which value is the largest or smallest of a subgroup where one of them is NaN.
    const whole = (of: string): string =>
      (op === "max" || op === "min") && (type === "f32" || type === "f16")
        ? `select(${subgroup}(${of}), ${this.literal(NaN, type)}, subgroupAny(${WGSL_SCALARS.isnan([of], spelling)}))`
        : `${subgroup}(${of})`
    return [
      `let ${given} = ${this.expr(value)};`,
      `let ${own} = ${whole(given)};`,
      `${array}[lane_index] = select(${this.expr(neutral)}, ${own}, subgroup_lane == 0u);`,
      `workgroupBarrier();`,
      `var ${part} = ${this.expr(neutral)};`,
      `for (var ${at} = subgroup_lane; ${at} < ${this.lanes}u; ${at} += subgroup_size) {`,
      `  ${part} = ${both};`,
      `}`,
      `let ${identifier(name)} = ${whole(part!)};`,
    ]
  }

  private param(name: string): KernelParam {
    return this.params.get(name) ?? bug(`no kernel parameter ${name}`)
  }

  /** The subscript of an element or, in a buffer of vectors, of the vector that starts at a multiple of 4. */
  private element(index: Expr, width: 1 | 4): string {
    if (width === 1) return this.expr(index)
    if (index.kind === "const") return `${Math.floor(index.value / 4)}`
    return `${this.expr(index)} >> 2u`
  }
  /** The element among the four of its vector: an address of its own, so no vector is loaded for it. */
  private component(index: Expr): string {
    if (index.kind === "const") return `.${"xyzw"[index.value % 4]!}`
    return `[${this.expr(index)} & 3]`
  }

  private expr(e: Expr): string {
    switch (e.kind) {
      case "const":
        return this.literal(e.value, e.type)
      case "ref":
        return identifier(e.name)
      case "dim":
        return `parameters.${e.symbol}`
      case "param":
        return `parameters.${e.name}`
      case "op": {
        const width = Math.max(e.width, ...e.args.map(widthOf)) === 4 ? 4 : 1
        const argType = wide(typeOf(e.args[0]!), width)
        return WGSL_SCALARS[e.op](
          e.args.map((a) => this.expr(a)),
          {
            argType,
            resultType: wide(e.type, e.width),
            scalar: typeOf(e.args[0]!),
            helper: (h) => this.helper(h, width),
          },
        )
      }
      case "load": {
        const p = this.param(e.buffer)
        const vector = `${identifier(e.buffer)}[${this.element(e.index, p.width)}]`
        const text = p.width > e.width ? `${vector}${this.component(e.index)}` : vector
        return p.dtype === "bool" ? `(${text} != ${wide("u32", e.width)}(0))` : text
      }
      case "guard":
        // Reads out of range are clamped by WebGPU, so both sides may be evaluated.
        return `select(${this.expr(e.otherwise)}, ${this.expr(e.then)}, ${this.expr(e.cond)})`
      case "splat":
        return `${wide(e.type, 4)}(${this.expr(e.value)})`
      case "vec":
        return `${wide(e.type, 4)}(${e.items.map((item) => this.expr(item)).join(", ")})`
      case "lane":
        return `${this.expr(e.value)}.${"xyzw"[e.lane]!}`
      case "shared":
        return `${identifier(e.name)}[${this.element(e.index, e.width)}]`
      default:
        return unreachable(e)
    }
  }

  private literal(value: number, type: ScalarType): string {
    const held = type === "f16" ? nearestHalf(value) : type === "f32" ? Math.fround(value) : value
    if (Number.isFinite(held)) return literal(held, type)
    this.special = true
    const single = `bitcast<f32>(${SPECIAL}${Number.isNaN(held) ? " | 0x400000u" : held < 0 ? " | 0x80000000u" : ""})`
    return type === "f16" ? `f16(${single})` : single
  }

  private helper(helper: Helper, width: 1 | 4): string {
    this.helperTexts.push(...helperText(helper, width, this.have))
    return helperName(helper, width)
  }
}

/** A literal of its type, for a number that it holds; f32 as the shortest decimal that reads back as the same f32. */
function literal(value: number, type: ScalarType): string {
  switch (type) {
    case "bool":
      return value ? "true" : "false"
    case "i32":
      return value === -2147483648 ? "i32(-2147483647 - 1)" : value < 0 ? `i32(${value})` : `${value}i`
    case "u32":
      return `${value >>> 0}u`
    case "f16":
      return value < 0 || Object.is(value, -0) ? `(${value}h)` : `${value}h`
    case "f32": {
      const text = shortestF32(value)
      return value < 0 || Object.is(value, -0) ? `(${text}f)` : `${text}f`
    }
    default:
      return unreachable(type)
  }
}
/** The bits of infinity. WGSL has no literals of infinities and NaN, and refuses constants that are found to be one: they are
 *  made of the bits in a variable. */
const SPECIAL = "nnc_infinity"
/** The value, or an infinity where halves end. */
const nearestHalf = (value: number): number => (Math.abs(value) < 65520 ? value : value * Infinity)
const LARGEST_F32 = 3.4028234663852886e38
/** Rounding the decimal up past the largest f32 would make a literal that WGSL refuses. */
function shortestF32(value: number): string {
  const single = Math.fround(value)
  for (let digits = 1; digits <= 9; digits++) {
    const text = single.toPrecision(digits)
    if (Math.fround(Number(text)) === single && Math.abs(Number(text)) <= LARGEST_F32) return withPoint(text)
  }
  return withPoint(single.toPrecision(17))
}
const withPoint = (text: string): string => (/[.e]/.test(text) ? text : `${text}.0`)
