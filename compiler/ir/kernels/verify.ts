/** ir/kernels: checks a kernel program:
 *  names are bound once and before use; types and widths of operations, stores and assignments agree; loads and stores use the
 *  width and access of their parameter; grid loops stand outermost, each dimension once, then at most one lane loop, of constant
 *  extent; loops over calls, barriers, joins and workgroup arrays only inside it; no loop adds more than MOST_TERMS to a
 *  floating-point variable; bindings, invocations and workgroup memory within the target's limits; dispatches name kernels and bind
 *  one buffer once; dtypes and sizes of arguments fit; every output has a buffer. */
import { DEFAULT_TARGET, type TargetProfile } from "../../targets/index.js"
import type { Complaint } from "../complaint.js"
import { bytesOf } from "../tensor.js"
import { MOST_ROWS } from "./most.js"
import { scalarDef } from "./scalar.js"
import { longSums, MOST_TERMS } from "./sums.js"
import { printExpr } from "./text.js"
import type { Buffer, Dispatch, Expr, Kernel, KernelProgram, Pack, ScalarType, Stmt } from "./types.js"

/** All that is wrong; empty when all is well. `mostRows`: the largest B. */
export function verifyKernels(
  p: KernelProgram,
  target: TargetProfile = DEFAULT_TARGET,
  mostRows = MOST_ROWS,
): Complaint[] {
  const out: Complaint[] = []
  const say = (where: string, message: string, of: object): void => void out.push({ where, message, of })
  const kernels = new Map<string, Kernel>()
  for (const k of p.kernels) {
    if (kernels.has(k.name)) say(`kernel ${k.name}`, "defined twice", k)
    kernels.set(k.name, k)
    out.push(...verifyKernel(k, target, mostRows))
  }
  const buffers = new Map(p.buffers.map((b) => [b.id, b]))
  p.buffers.forEach((b, i) => {
    if (p.buffers.findIndex((x) => x.id === b.id) < i)
      say(`buffer ${b.id}`, "two buffers have this number", b)
  })
  const packs = new Map(p.packs.map((x) => [x.id, x]))
  const packed = new Set<number>()
  for (const pack of p.packs) {
    for (const id of pack.members) {
      if (!buffers.has(id)) say(`pack ${pack.name}`, `no buffer ${id}`, pack)
      if (packed.has(id)) say(`pack ${pack.name}`, `buffer ${id} is in two packs`, pack)
      packed.add(id)
    }
  }
  p.dispatches.forEach((d, i) => {
    const kernel = kernels.get(d.kernel)
    const at = `dispatch ${i} of ${d.kernel}`
    if (kernel === undefined) say(at, "no such kernel", d)
    else for (const message of verifyDispatch(d, kernel, buffers, packs)) say(at, message, d)
  })
  let after = 0
  for (const l of p.loops ?? []) {
    if (l.first < after || l.end <= l.first || l.end > p.dispatches.length || l.iterations < 1)
      say(`the loop over dispatches ${l.first} to ${l.end}`, "it is empty, or not after the one before", l)
    after = l.end
  }
  for (const o of p.outputs) if (!buffers.has(o.buffer)) say(`output ${o.name}`, `no buffer ${o.buffer}`, o)
  return out
}

function verifyDispatch(
  d: Dispatch,
  kernel: Kernel,
  buffers: ReadonlyMap<number, Buffer>,
  packs: ReadonlyMap<number, Pack>,
): string[] {
  if (kernel.params.length !== d.args.length) {
    return [`${d.args.length} arguments for ${kernel.params.length} parameters`]
  }
  const out: string[] = []
  const bound = new Set<number>()
  d.args.forEach((ref, j) => {
    const param = kernel.params[j]!
    const members = ref.kind === "buffer" ? [ref.id] : (packs.get(ref.id)?.members ?? [])
    if (members.length === 0) out.push(`no pack ${ref.id}`)
    for (const id of members) {
      const b = buffers.get(id)
      if (b === undefined) out.push(`no buffer ${id}`)
      else if ((b.dtype === "bool" ? "u32" : b.dtype) !== param.dtype) {
        out.push(`${param.name} is ${param.dtype}, buffer ${b.name} is ${b.dtype}`)
      }
      if (bound.has(id)) out.push(`buffer ${id} is bound twice`)
      bound.add(id)
    }
  })
  return out
}

/** Kernels are immutable, and many pass through several passes: a kernel found sound for a target and a number of rows is not checked again. */
const sound = new WeakMap<Kernel, { readonly target: TargetProfile; readonly mostRows: number }>()

export function verifyKernel(
  k: Kernel,
  target: TargetProfile = DEFAULT_TARGET,
  mostRows = MOST_ROWS,
): Complaint[] {
  const known = sound.get(k)
  if (known?.target === target && known.mostRows >= mostRows) return []
  const check = new KernelCheck(k, target)
  check.limits(target)
  check.sums(mostRows)
  check.outer(k.body, target)
  if (check.complaints.length === 0) sound.set(k, { target, mostRows })
  return check.complaints
}

interface Bound {
  readonly type: ScalarType
  readonly width: 1 | 4
  readonly mutable: boolean
}
type Scope = ReadonlyMap<string, Bound>

class KernelCheck {
  readonly complaints: Complaint[] = []
  /** The object being checked. */
  private at: object
  private readonly seen = new Set<string>()
  /** Invocations of a workgroup. */
  private lanes = 1
  constructor(
    private readonly k: Kernel,
    private readonly target: TargetProfile,
  ) {
    this.at = k
  }

  limits(target: TargetProfile): void {
    const { k } = this
    if (k.params.length > target.maxStorageBuffersPerStage) {
      this.say(`${k.params.length} buffers, ${target.name} allows ${target.maxStorageBuffersPerStage}`)
    }
    const bytes = k.shared.reduce((sum, s) => sum + (s.own ? 0 : s.length * bytesOf(s.type)), 0)
    if (bytes > target.maxWorkgroupMemory) {
      this.say(`${bytes} bytes of workgroup memory, ${target.name} allows ${target.maxWorkgroupMemory}`)
    }
    for (const p of [...k.params, ...k.shared]) this.name(p.name)
    for (const p of k.params) if (p.dtype === "bool") this.say(`${p.name}: bools are stored as u32`)
  }

  sums(mostRows: number): void {
    for (const [name, terms] of longSums(this.k.body, { B: mostRows, R: MOST_ROWS }))
      this.say(`${name} takes ${terms} terms, a sum at most ${MOST_TERMS}`)
  }

  /** Grid loops, then the lane loop, then the rest. */
  outer(body: readonly Stmt[], target: TargetProfile): void {
    let at = body
    const scope = new Map<string, Bound>()
    const grids = new Set<string>()
    for (;;) {
      const loop = at.find((s) => s.kind === "for")
      if (loop?.kind !== "for" || !loop.on.startsWith("grid")) break
      this.at = loop
      if (grids.has(loop.on)) this.say(`two loops on ${loop.on}`)
      grids.add(loop.on)
      for (const s of at) {
        if (s === loop) break
        if (s.kind !== "let") this.say(`${s.kind} outside the ${loop.on} loop`)
        this.statement(s, scope, false)
      }
      if (at.at(-1) !== loop) this.say(`statements after the ${loop.on} loop`)
      this.expect(loop.extent, "i32", 1, scope)
      for (const name of namesIn(loop.extent))
        this.say(`the extent of the ${loop.on} loop depends on ${name}`)
      this.bind(scope, loop.name, { type: "i32", width: 1, mutable: false })
      at = loop.body
    }
    const lane = at.find((s) => s.kind === "for" && s.on === "lane")
    if (lane?.kind === "for") {
      if (lane.extent.kind !== "const") this.say("the extent of the lane loop is not a constant")
      else if (lane.extent.value > target.maxInvocations || lane.extent.value < 1) {
        this.say(`${lane.extent.value} lanes, ${target.name} allows ${target.maxInvocations}`)
      } else this.lanes = lane.extent.value
    }
    this.block(at, scope, false)
  }

  private block(body: readonly Stmt[], outer: Scope, inLane: boolean): void {
    const scope = new Map(outer)
    for (const s of body) this.statement(s, scope, inLane)
  }

  private statement(s: Stmt, scope: Map<string, Bound>, inLane: boolean): void {
    this.at = s
    switch (s.kind) {
      case "for": {
        if (s.on.startsWith("grid")) this.say(`the ${s.on} loop ${s.name} is not outermost`)
        if (s.on === "lane" && inLane) this.say("a lane loop within a lane loop")
        if (s.on === "calls" && !(inLane && s.extent.kind === "const"))
          this.say("a loop over calls outside the lane loop, or not of constant extent")
        this.expect(s.extent, "i32", 1, scope)
        const inner = new Map(scope)
        this.bind(inner, s.name, { type: "i32", width: 1, mutable: false })
        return this.block(s.body, inner, inLane || s.on === "lane")
      }
      case "when":
        this.expect(s.cond, "bool", 1, scope)
        return this.block(s.then, scope, inLane)
      case "let":
        this.expr(s.value, scope)
        return this.bind(scope, s.name, { type: typeOf(s.value), width: widthOf(s.value), mutable: false })
      case "var":
        this.expect(s.init, s.type, s.width, scope)
        return this.bind(scope, s.name, { type: s.type, width: s.width, mutable: true })
      case "set": {
        const target = scope.get(s.name)
        if (target === undefined) return this.say(`${s.name} is set but not bound`)
        if (!target.mutable) this.say(`${s.name} is set but is no var`)
        return this.expect(s.value, target.type, target.width, scope)
      }
      case "store": {
        const p = this.k.params.find((x) => x.name === s.buffer)
        this.expect(s.index, "i32", 1, scope)
        if (p === undefined) return this.say(`store into ${s.buffer}, which is no parameter`)
        if (p.access === "read") this.say(`store into ${s.buffer}, which is read only`)
        return this.expect(s.value, p.dtype, this.widthIn(p.width, widthOf(s.value)), scope)
      }
      case "store-shared": {
        const a = this.k.shared.find((x) => x.name === s.name)
        this.expect(s.index, "i32", 1, scope)
        if (!inLane) this.say(`workgroup array ${s.name} outside the lane loop`)
        if (a === undefined) return this.say(`store into ${s.name}, which is no workgroup array`)
        return this.expect(s.value, a.type, this.widthIn(a.width, widthOf(s.value)), scope)
      }
      case "join": {
        const a = this.k.shared.find((x) => x.name === s.through)
        const type = typeOf(s.value)
        this.expect(s.value, type, 1, scope)
        this.expect(s.neutral, type, 1, scope)
        if (!inLane) this.say(`${s.name} is joined outside the lane loop`)
        if (!this.target.subgroups)
          this.say(`${s.name} is joined in subgroups, which the target does not promise`)
        if (type === "bool") this.say(`${s.name} is joined out of bools`)
        if (a?.type !== type || a.width !== 1)
          this.say(`${s.name}: ${s.through} is no workgroup array of ${type}`)
        else if (a.length < this.lanes) this.say(`${s.name}: ${s.through} has no element for each lane`)
        return this.bind(scope, s.name, { type, width: 1, mutable: false })
      }
      case "barrier":
        if (!inLane) this.say("a barrier outside the lane loop")
    }
  }

  private expect(e: Expr, type: ScalarType, width: 1 | 4, scope: Scope): void {
    this.expr(e, scope)
    if (typeOf(e) !== type || widthOf(e) !== width) {
      this.say(`${printExpr(e)} is ${shape(typeOf(e), widthOf(e))} where ${shape(type, width)} is needed`)
    }
  }

  private expr(e: Expr, scope: Scope): void {
    switch (e.kind) {
      case "const":
      case "dim":
      case "param":
        return
      case "ref": {
        const b = scope.get(e.name)
        if (b === undefined) this.say(`${e.name} is used before it is bound`)
        else if (b.type !== e.type || b.width !== e.width) {
          this.say(`${e.name} is ${shape(b.type, b.width)}, read as ${shape(e.type, e.width)}`)
        }
        return
      }
      case "load": {
        this.expect(e.index, "i32", 1, scope)
        const p = this.k.params.find((x) => x.name === e.buffer)
        if (p === undefined) return this.say(`load from ${e.buffer}, which is no parameter`)
        if (p.access === "write") this.say(`load from ${e.buffer}, which is write only`)
        if (p.dtype !== e.type || (e.width === 4 && this.widthIn(p.width, e.width) !== 4)) {
          this.say(`load of ${shape(e.type, e.width)} from ${e.buffer}: ${shape(p.dtype, p.width)}`)
        }
        return
      }
      case "guard":
        this.expect(e.cond, "bool", e.then.kind === "load" ? this.widthIn(1, widthOf(e.cond)) : 1, scope)
        this.expect(e.then, e.type, e.width, scope)
        return this.expect(e.otherwise, e.type, e.width, scope)
      case "splat":
        return this.expect(e.value, e.type, 1, scope)
      case "vec":
        return e.items.forEach((i) => this.expect(i, e.type, 1, scope))
      case "lane":
        if (!(e.lane >= 0 && e.lane < 4)) this.say(`lane ${e.lane} of a vector of four`)
        return this.expect(e.value, e.type, 4, scope)
      case "shared": {
        this.expect(e.index, "i32", 1, scope)
        const a = this.k.shared.find((x) => x.name === e.name)
        if (a === undefined) this.say(`read of ${e.name}, which is no workgroup array`)
        else if (a.type !== e.type || this.widthIn(a.width, e.width) !== e.width)
          this.say(`${e.name} is ${a.type}, read as ${shape(e.type, e.width)}`)
        return
      }
      case "op": {
        const def = scalarDef(e.op)
        for (const a of e.args) this.expr(a, scope)
        if (e.args.length !== def.arity)
          return this.say(`${e.op} takes ${def.arity} arguments, not ${e.args.length}`)
        if (e.args.some((a) => widthOf(a) !== e.width))
          this.say(`${printExpr(e)}: arguments of different widths`)
        const types = e.args.map(typeOf)
        const operands = e.op === "select" ? types.slice(1) : types
        if (operands.some((t) => t !== operands[0]))
          this.say(`${printExpr(e)}: arguments are ${types.join(", ")}`)
        if (e.op === "select" && types[0] !== "bool")
          this.say(`${printExpr(e)}: the condition is ${types[0]}`)
        if (def.result(types) !== e.type)
          this.say(`${printExpr(e)} gives ${def.result(types)}, not ${e.type}`)
      }
    }
  }

  /** The width that an access has to have: its own where the target allows both. */
  private widthIn(declared: 1 | 4, own: 1 | 4): 1 | 4 {
    return this.target.anyVectors ? own : declared
  }

  private bind(scope: Map<string, Bound>, name: string, b: Bound): void {
    this.name(name)
    scope.set(name, b)
  }
  /** Names are unique within a kernel, so that text and generated code need no scoping rules. */
  private name(name: string): void {
    if (this.seen.has(name)) this.say(`${name} is bound twice`)
    this.seen.add(name)
  }
  private say(text: string): void {
    this.complaints.push({ where: `kernel ${this.k.name}`, message: text, of: this.at })
  }
}

const typeOf = (e: Expr): ScalarType => (e.kind === "dim" ? "i32" : e.type)
const widthOf = (e: Expr): 1 | 4 => ("width" in e ? e.width : 1)
const shape = (type: ScalarType, width: 1 | 4): string => (width === 4 ? `${type} x4` : type)

function namesIn(e: Expr): string[] {
  if (e.kind === "ref") return [e.name]
  if (e.kind === "op") return e.args.flatMap(namesIn)
  return e.kind === "load" ? [e.buffer, ...namesIn(e.index)] : []
}
