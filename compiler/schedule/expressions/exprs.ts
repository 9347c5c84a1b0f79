/** schedule: makes kernel expressions. Equal expressions are one object, so equality is `===` and sharing is visible;
 *  index arithmetic is kept as linear forms and simplified with the ranges of loop variables.
 *  Guarantees: a `guard` chooses between one load and a value, so everything around it may be moved and shared freely.
 *  Not here:   where shared expressions are computed (`expressions/place-lets.ts`). */
import type { ExprBuilder } from "../../ops/op.js"
import type { ScalarName } from "../../ir/graph/types.js"
import { scalarDef, type ScalarOp } from "../../ir/kernels/scalar.js"
import type { Expr, ScalarType } from "../../ir/kernels/types.js"
import { childrenOf, typeOf, widthOf } from "../../ir/kernels/walk.js"
import { BATCH, DATA_ROWS, type Dim } from "../../ir/tensor.js"
import { Division } from "./division.js"
import { FormWriter } from "./forms.js"
import { simplifiedInteger } from "./integers.js"
import { constantForm, type Linear, nonNegative, type Range, rangeOfForm, scaled, sum } from "./linear.js"
import { type Bounds, rangeOfAtom } from "./ranges.js"

export const SCALAR_PARAM_TYPES: Readonly<Record<ScalarName, ScalarType>> = {
  step: "i32",
  epoch: "i32",
  seed: "u32",
  start: "i32",
  iteration: "i32",
}

interface Variable {
  readonly extent: Dim | undefined
  readonly depth: number
}

export class Exprs implements ExprBuilder {
  private readonly pool = new Map<string, Expr>()
  private readonly ids = new Map<Expr, number>()
  private readonly forms = new Map<Expr, Linear>()
  private readonly ranges = new Map<Expr, Range>()
  private readonly variables = new Map<string, Variable>()
  private readonly names = new Map<Expr, ReadonlySet<string>>()
  /** Results of index arithmetic: half of the requests repeat an earlier one. */
  private readonly results = new Map<number, Expr>()
  private readonly bounds: Bounds = {
    form: (e) => this.form(e),
    range: (e) => this.range(e),
    variable: (name) => this.variables.get(name),
  }
  private readonly writer = new FormWriter(this)
  private readonly division = new Division(this)

  /** A number of its own per distinct expression. */
  id(e: Expr): number {
    return this.ids.get(e) ?? this.ids.get(this.adopt(e))!
  }

  /** A loop variable running from 0 to extent - 1; unknown extent: any non-negative i32. Outer ones must be made first.
   *  `beside`: a variable that it stands for a part of. */
  variable(name: string, extent?: Dim, beside?: string): Expr {
    const depth = this.variables.get(beside ?? "")?.depth ?? this.variables.size + 1
    this.variables.set(name, { extent, depth })
    return this.ref(name, "i32")
  }
  ref(name: string, type: ScalarType, width: 1 | 4 = 1): Expr {
    return this.intern(`r ${name} ${type} ${width}`, () => ({ kind: "ref", name, type, width }))
  }

  int(value: number): Expr {
    return this.constant(value, "i32")
  }
  f32(value: number): Expr {
    return this.constant(value, "f32")
  }
  constant(value: number, type: ScalarType): Expr {
    const v = type === "f32" ? Math.fround(value) : type === "bool" ? (value ? 1 : 0) : value
    return this.intern(`c ${type} ${Object.is(v, -0) ? "-0" : v}`, () => ({ kind: "const", type, value: v }))
  }
  dim(d: Dim): Expr {
    return this.fromForm(constantForm(d))
  }
  param(name: ScalarName): Expr {
    return this.intern(`p ${name}`, () => ({ kind: "param", name, type: SCALAR_PARAM_TYPES[name] }))
  }

  add(a: Expr, b: Expr): Expr {
    if (typeOf(a) !== "i32" || widthOf(a) === 4) return this.op("add", a, b)
    if (isConst(a, 0)) return this.adopt(b)
    if (isConst(b, 0)) return this.adopt(a)
    return this.once(ADD, a, b, () => this.fromForm(sum(this.form(a), this.form(b))))
  }
  sub(a: Expr, b: Expr): Expr {
    if (typeOf(a) !== "i32" || widthOf(a) === 4) return this.op("sub", a, b)
    return this.fromForm(sum(this.form(a), scaled(this.form(b), -1)))
  }
  mul(a: Expr, b: Expr): Expr {
    if (typeOf(a) !== "i32" || widthOf(a) === 4) return this.op("mul", a, b)
    if (isConst(a, 1)) return this.adopt(b)
    if (isConst(b, 1)) return this.adopt(a)
    return this.once(MUL, a, b, () => {
      const x = this.form(a)
      const y = this.form(b)
      if (x.terms.length === 0) return this.fromForm(scaled(y, x.constant))
      if (y.terms.length === 0) return this.fromForm(scaled(x, y.constant))
      return this.raw("mul", this.id(a) <= this.id(b) ? [a, b] : [b, a])
    })
  }
  div(a: Expr, b: Expr): Expr {
    return this.once(DIV, a, b, () => this.division.split(a, b).quotient())
  }
  rem(a: Expr, b: Expr): Expr {
    return this.once(REM, a, b, () => this.division.split(a, b).remainder())
  }
  private once(operation: number, a: Expr, b: Expr, make: () => Expr): Expr {
    const key = (this.id(a) * MOST_IDS + this.id(b)) * OPERATIONS + operation
    let out = this.results.get(key)
    if (out === undefined) this.results.set(key, (out = make()))
    return out
  }

  op(op: ScalarOp, ...given: Expr[]): Expr {
    const args = given.map((a) => this.adopt(a))
    const [a, b, c] = args
    if (a !== undefined && b !== undefined && typeOf(a) === "i32" && args.every((x) => widthOf(x) === 1)) {
      const simpler = simplifiedInteger(this, op, a, b)
      if (simpler !== undefined) return simpler
    }
    if (op === "neg" && typeOf(a!) === "i32" && widthOf(a!) === 1)
      return this.fromForm(scaled(this.form(a!), -1))
    if (op.startsWith("to_") && op.slice(3) === typeOf(a!)) return a!
    if (op === "select") {
      if (a!.kind === "const") return a!.value ? b! : c!
      if (b === c) return b!
    }
    if (op === "and" || op === "or") {
      const absorbing = op === "or" ? 1 : 0
      for (const [x, other] of [
        [a!, b!],
        [b!, a!],
      ] as const) {
        if (x.kind === "const") return x.value === absorbing ? x : other
      }
      if (a === b) return a!
    }
    if (op === "not" && a!.kind === "op" && a!.op === "not") return a!.args[0]!
    if (args.every((x) => x.kind === "const")) return this.fold(op, args)
    // x * 1 == x, x / 1 == x: exact in floating point
    if ((op === "mul" || op === "div") && isOne(b!)) return a!
    if (op === "mul" && isOne(a!)) return b!
    return this.raw(op, args)
  }
  /** An operation that is not simplified: the test that makes a variable's declared range true. */
  asIs(op: ScalarOp, ...args: Expr[]): Expr {
    return this.raw(op, args)
  }
  select(cond: Expr, a: Expr, b: Expr): Expr {
    return this.op("select", cond, a, b)
  }
  and(...conds: Expr[]): Expr {
    return conds.reduce((x, y) => this.op("and", x, y), this.constant(1, "bool"))
  }

  /** `then` may load out of range where `cond` is false: every load in it is guarded on its own, so that the arithmetic
   *  around the loads stays outside the guard. */
  guard(cond: Expr, then: Expr, otherwise: Expr): Expr {
    const [c, t, o] = [this.adopt(cond), this.adopt(then), this.adopt(otherwise)]
    if (c.kind === "const") return c.value ? t : o
    if (t.kind === "load") return this.guardLoad(c, t, o)
    const safe = this.guardLoads(c, t, new Map())
    return this.select(c, safe, o)
  }

  load(buffer: string, index: Expr, type: ScalarType, width: 1 | 4 = 1): Expr {
    return this.intern(`l ${buffer} ${this.id(index)} ${type} ${width}`, () => ({
      kind: "load",
      buffer,
      index: this.adopt(index),
      type,
      width,
    }))
  }
  shared(name: string, index: Expr, type: ScalarType, width: 1 | 4 = 1): Expr {
    return this.intern(`s ${name} ${this.id(index)} ${type} ${width}`, () => ({
      kind: "shared",
      name,
      index: this.adopt(index),
      type,
      width,
    }))
  }
  splat(value: Expr): Expr {
    return this.intern(`w ${this.id(value)}`, () => ({
      kind: "splat",
      value: this.adopt(value),
      type: typeOf(value),
      width: 4,
    }))
  }
  vec(items: readonly [Expr, Expr, Expr, Expr]): Expr {
    if (items.every((i) => i === items[0])) return this.splat(items[0])
    const [a, b, c, d] = items
    return this.intern(`v ${items.map((i) => this.id(i)).join(" ")}`, () => ({
      kind: "vec",
      items: [this.adopt(a), this.adopt(b), this.adopt(c), this.adopt(d)],
      type: typeOf(a),
      width: 4,
    }))
  }
  lane(value: Expr, lane: number): Expr {
    if (value.kind === "splat") return value.value
    if (value.kind === "vec") return value.items[lane]!
    return this.intern(`n ${this.id(value)} ${lane}`, () => ({
      kind: "lane",
      value: this.adopt(value),
      lane,
      type: typeOf(value),
    }))
  }

  /** The linear form of an i32 expression. */
  form(e: Expr): Linear {
    const x = this.adopt(e)
    const known = this.forms.get(x)
    if (known !== undefined) return known
    let form: Linear
    if (x.kind === "const") form = constantForm(x.value)
    else if (x.kind === "dim") form = constantForm(x.symbol === "B" ? BATCH : DATA_ROWS)
    else form = { terms: [{ atom: x, coef: 1 }], constant: 0 }
    this.forms.set(x, form)
    return form
  }
  range(e: Expr): Range {
    return this.rangeOfForm(this.form(e))
  }
  rangeOfForm(form: Linear): Range {
    return rangeOfForm(form, (atom) => this.rangeOfAtom(atom))
  }
  divides(e: Expr): boolean | undefined {
    return this.division.divides(e)
  }
  fromForm(form: Linear): Expr {
    return this.writer.expr(form)
  }
  /** The form of an expression that was written for it. */
  setForm(e: Expr, form: Linear): void {
    if (!this.forms.has(e)) this.forms.set(e, form)
  }
  depthOf(variable: string): number {
    return this.variables.get(variable)?.depth ?? 0
  }

  /** Names (loop variables, lets, vars) that occur in `e`. */
  namesIn(e: Expr): ReadonlySet<string> {
    const x = this.adopt(e)
    const known = this.names.get(x)
    if (known !== undefined) return known
    let names: ReadonlySet<string> = x.kind === "ref" ? new Set([x.name]) : NO_NAMES
    for (const child of childrenOf(x)) names = union(names, this.namesIn(child))
    this.names.set(x, names)
    return names
  }

  /** Rebuilds `e` with `replace` applied to every subexpression first; undefined keeps it and goes into its parts. */
  rewrite(e: Expr, replace: (e: Expr) => Expr | undefined, memo: Map<Expr, Expr> = new Map()): Expr {
    const x = this.adopt(e)
    const known = memo.get(x)
    if (known !== undefined) return known
    const go = (y: Expr): Expr => this.rewrite(y, replace, memo)
    const out = replace(x) ?? this.rebuild(x, go)
    memo.set(x, out)
    return out
  }

  /** `e` with its direct parts mapped. */
  rebuild(x: Expr, go: (e: Expr) => Expr): Expr {
    switch (x.kind) {
      case "const":
      case "ref":
      case "dim":
      case "param":
        return x
      case "op": {
        const args = x.args.map(go)
        if (args.every((a, i) => a === x.args[i])) return x
        const [a, b] = args
        // Data may be negative: only a known index is divided as one.
        if ((x.op === "div" || x.op === "rem") && x.type === "i32" && x.width === 1 && this.isIndex(a!)) {
          return x.op === "div" ? this.div(a!, b!) : this.rem(a!, b!)
        }
        return this.op(x.op, ...args)
      }
      case "load":
        return this.load(x.buffer, go(x.index), x.type, x.width)
      case "guard": {
        return this.guard(go(x.cond), go(x.then), go(x.otherwise))
      }
      case "splat":
        return this.splat(go(x.value))
      case "vec":
        return this.vec([go(x.items[0]), go(x.items[1]), go(x.items[2]), go(x.items[3])])
      case "lane":
        return this.lane(go(x.value), x.lane)
      case "shared":
        return this.shared(x.name, go(x.index), x.type, x.width)
    }
  }

  /** Replaces the references to one name. */
  substitute(e: Expr, name: string, value: Expr): Expr {
    const memo = new Map<Expr, Expr>()
    return this.rewrite(
      e,
      (x) => (!this.namesIn(x).has(name) ? x : x.kind === "ref" ? value : undefined),
      memo,
    )
  }

  private intern(key: string, make: () => Expr): Expr {
    const old = this.pool.get(key)
    if (old !== undefined) return old
    const made = make()
    this.pool.set(key, made)
    this.ids.set(made, this.ids.size)
    return made
  }

  /** The pooled twin of an expression that may have been made elsewhere. */
  private adopt(e: Expr): Expr {
    if (this.ids.has(e)) return e
    switch (e.kind) {
      case "const":
        return this.constant(e.value, e.type)
      case "ref":
        return this.ref(e.name, e.type, e.width)
      case "dim":
        return this.dimSymbol(e.symbol)
      case "param":
        return this.param(e.name)
      case "op":
        return this.op(e.op, ...e.args)
      case "load":
        return this.load(e.buffer, e.index, e.type, e.width)
      case "guard":
        return this.guard(e.cond, e.then, e.otherwise)
      case "splat":
        return this.splat(e.value)
      case "vec":
        return this.vec(e.items)
      case "lane":
        return this.lane(e.value, e.lane)
      case "shared":
        return this.shared(e.name, e.index, e.type, e.width)
    }
  }

  private isIndex(e: Expr): boolean {
    const { lo } = this.range(e)
    return lo !== undefined && nonNegative(lo)
  }
  dimSymbol(symbol: "B" | "R"): Expr {
    return this.intern(`d ${symbol}`, () => ({ kind: "dim", symbol }))
  }
  /** An operation that is not simplified. */
  raw(op: ScalarOp, args: readonly Expr[]): Expr {
    const own = args.map((a) => this.adopt(a))
    let key = `o ${op}`
    for (const a of own) key += ` ${this.ids.get(a)!}`
    return this.intern(key, () => ({
      kind: "op",
      op,
      args: own,
      type: scalarDef(op).result(own.map(typeOf)),
      width: own.some((a) => widthOf(a) === 4) ? 4 : 1,
    }))
  }
  private fold(op: ScalarOp, args: readonly Expr[]): Expr {
    const values = args.map((a) => (a.kind === "const" ? a.value : 0))
    const type = scalarDef(op).result(args.map(typeOf))
    const value = scalarDef(op).eval(values, typeOf(args[0]!))
    // A result that is not a finite number has no literal in WGSL: it is computed at run time.
    return Number.isFinite(value) ? this.constant(value, type) : this.raw(op, args)
  }

  private guardLoad(cond: Expr, then: Expr, otherwise: Expr): Expr {
    return this.intern(`g ${this.id(cond)} ${this.id(then)} ${this.id(otherwise)}`, () => ({
      kind: "guard",
      cond,
      then,
      otherwise,
      type: typeOf(then),
      width: widthOf(then),
    }))
  }
  private guardLoads(cond: Expr, e: Expr, memo: Map<Expr, Expr>): Expr {
    const known = memo.get(e)
    if (known !== undefined) return known
    const go = (x: Expr): Expr => this.guardLoads(cond, x, memo)
    let out: Expr
    if (e.kind === "load") {
      const index = go(e.index)
      const zero = this.constant(0, e.type)
      out = this.guardLoad(
        cond,
        this.load(e.buffer, index, e.type, e.width),
        e.width === 4 ? this.splat(zero) : zero,
      )
    } else if (e.kind === "guard" && e.then.kind === "load") {
      // A load that is guarded already may index by other loads, and by expressions valid only under `cond`.
      const inner = this.load(e.then.buffer, go(e.then.index), e.then.type, e.then.width)
      out = this.guardLoad(this.and(cond, go(e.cond)), inner, go(e.otherwise))
    } else out = this.rebuild(e, go)
    memo.set(e, out)
    return out
  }

  private rangeOfAtom(atom: Expr): Range {
    const known = this.ranges.get(atom)
    if (known !== undefined) return known
    const range = rangeOfAtom(this.bounds, atom)
    this.ranges.set(atom, range)
    return range
  }
}

/** Index arithmetic that is remembered, as a part of its key. */
const [ADD, MUL, DIV, REM, OPERATIONS] = [0, 1, 2, 3, 4] as const
/** More than expressions that fit into memory. */
const MOST_IDS = 2 ** 25

const NO_NAMES: ReadonlySet<string> = new Set()
/** One of the two where it holds the other: most expressions have the names of one of their parts. */
function union(a: ReadonlySet<string>, b: ReadonlySet<string>): ReadonlySet<string> {
  if (a === b || b.size === 0) return a
  if (a.size === 0) return b
  const added = [...b].filter((n) => !a.has(n))
  return added.length === 0 ? a : new Set([...a, ...added])
}

const isConst = (e: Expr, value: number): boolean => e.kind === "const" && e.value === value

const isOne = (e: Expr): boolean =>
  (e.kind === "const" && e.value === 1 && e.type !== "bool") || (e.kind === "splat" && isOne(e.value))
