/** schedule: rows and their reductions four at a time, for targets that load vectors from anywhere.   row group -> kernel body
 *  Along: the four are indices of a row; lanes are joined at the end. Across: they are neighbouring rows, each lane one of them.
 *  Guarantees: sums run in a fixed order.
 *  Not here:   the reductions themselves (`templates/row.ts`). */
import type { AcrossPlan, AlongPlan, LinesPlan } from "../../ir/groups/types.js"
import type { Expr, Stmt } from "../../ir/kernels/types.js"
import { typeOf } from "../../ir/kernels/walk.js"
import { type Dim, divDim, isStatic, mulDim, numel, type Shape } from "../../ir/tensor.js"
import { bug } from "../../source/bug.js"
import { countOf, perInvocation } from "../kernel/grid.js"
import type { BuiltBody, KernelBuild, PendingStore } from "../kernel/kernel-build.js"
import { keeping } from "./row-kept.js"
import { valuesThenStores } from "./map.js"
import {
  COMBINE_OP,
  elementStores,
  levelsOf,
  type Reduction,
  rowPoint,
  type RowPoint,
  rowStores,
} from "./reductions.js"

type Ref = Expr & { kind: "ref" }
/** The inner space as loops: all axes, or those before the last. */
type Given = ReadonlyMap<Expr, Expr>

/** A loop, or nothing around the body where there is one iteration. */
function loop(
  b: KernelBuild,
  extent: Expr,
  range: Dim | undefined,
  body: (i: Expr) => readonly Stmt[],
): Stmt[] {
  if (extent.kind === "const" && extent.value < 1) return []
  if (extent.kind === "const" && extent.value === 1) return [...body(b.k.int(0))]
  const v = b.variable("r", range)
  return [{ kind: "for", name: v.name, extent, on: "serial", body: body(v) }]
}
function loops(
  b: KernelBuild,
  extents: readonly Dim[],
  body: (at: readonly Expr[]) => readonly Stmt[],
): Stmt[] {
  const go = (n: number, at: readonly Expr[]): Stmt[] =>
    n === extents.length
      ? [...body(at)]
      : loop(b, b.k.dim(extents[n]!), extents[n]!, (i) => go(n + 1, [...at, i]))
  return go(0, [])
}
/** `e` at another index than that of `from`. */
const moved = (b: KernelBuild, e: Expr, from: readonly Ref[], to: readonly Expr[]): Expr =>
  from.reduce((x, v, n) => b.k.substitute(x, v.name, to[n]!), e)

// ---- along a row

export function buildAlong(b: KernelBuild, plan: AlongPlan): BuiltBody & { template: string } {
  const last = alongAxis(b.group.inner)
  const body = perInvocation(b, countOf(b, numel(b.group.outer)), plan.lanes, (row, lane) =>
    rowAlong(b, row, last, lane, plan),
  )
  return { ...b.finish(body), template: "row per invocation, vec4 along" }
}
/** The axis of the inner space that vectors lie along; -1: there is none. */
export const alongAxis = (inner: Shape): number => inner.findLastIndex((d) => d !== 1)

/** The indices of the inner space, in fours along axis `last`, then the remainder one by one. */
function inFours(
  b: KernelBuild,
  last: number,
  four: (r: readonly Expr[], j: Ref) => readonly Stmt[],
  one: (r: readonly Expr[]) => readonly Stmt[],
): { fours: Stmt[]; rest: Stmt[] } {
  const { k } = b
  const { inner } = b.group
  const end = k.dim(inner[last]!)
  const whole = k.div(end, k.int(4))
  const before = inner.slice(0, last)
  const after = inner.slice(last + 1).map(() => k.int(0))
  const extent = inner[last]!
  const fours = loops(b, before, (at) =>
    loop(b, whole, divDim(extent, 4) ?? (isStatic(extent) ? Math.floor(extent / 4) : undefined), (quad) => {
      const j = b.variable("j", 4)
      return four([...at, k.add(k.mul(quad, k.int(4)), j), ...after], j)
    }),
  )
  const left = k.rem(end, k.int(4))
  if (left.kind === "const" && left.value === 0) return { fours, rest: [] }
  const rest = loops(b, before, (at) =>
    loop(b, left, 4, (i) => one([...at, k.add(k.mul(whole, k.int(4)), i), ...after])),
  )
  return { fours, rest }
}

function rowAlong(b: KernelBuild, row: Expr, last: number, lane: Expr, plan: AlongPlan): Stmt[] {
  const { k } = b
  const out: Stmt[] = []
  const from = b.group.inner.map((d) => b.variable("r", d))
  const indices = b.group.inner.map((d, n) => (d === 1 ? k.int(0) : from[n]!))
  const point = rowPoint(b, row, indices)
  const levels = levelsOf(point.reductions)
  const stores = elementStores(b, point, indices)
  const walks = [...levels.map((level) => level.map((x) => x.next[0]!)), stores.map((s) => s.value)]
  const keep = keeping(b, walks, from, lane, plan)
  for (const [walk, level] of levels.entries()) {
    const names = level.map((x) => b.name(`${x.accumulators[0]!.name}_4`))
    const types = level.map((x) => typeOf(x.accumulators[0]!.init))
    const scalar = level.map((x, n) => k.ref(x.accumulators[0]!.name, types[n]!))
    const wide = level.map((_, n) => k.ref(names[n]!, types[n]!, 4))
    const { fours, rest } = inFours(
      b,
      last,
      (r, j) => {
        const { before, known } = keep.at(walk, r, j, (e) => moved(b, e, from, r))
        const sets = level.map((x, n): Stmt => {
          const given: Given = new Map([...known, [scalar[n]!, wide[n]!]])
          const value = b.widen(moved(b, x.next[0]!, from, r), j.name, given)
          return { kind: "set", name: names[n]!, value }
        })
        return [...before, ...sets]
      },
      (r) => {
        const { before, known } = keep.at(walk, r, undefined, (e) => moved(b, e, from, r))
        const sets = level.map((x): Stmt => {
          const value = replaced(b, moved(b, x.next[0]!, from, r), known)
          return { kind: "set", name: x.accumulators[0]!.name, value }
        })
        return [...before, ...sets]
      },
    )
    level.forEach((x, n) => {
      const init = k.splat(x.accumulators[0]!.init)
      out.push({ kind: "var", name: names[n]!, type: types[n]!, width: 4, init })
    })
    out.push(...fours)
    level.forEach((x, n) => {
      const op = COMBINE_OP[x.combine!]
      const lane = (i: number): Expr => k.lane(wide[n]!, i)
      const init = k.op(op, k.op(op, lane(0), lane(1)), k.op(op, lane(2), lane(3)))
      out.push({ kind: "var", name: x.accumulators[0]!.name, type: types[n]!, width: 1, init })
    })
    out.push(...rest)
    out.push(...level.map((x): Stmt => ({ kind: "let", name: x.name, value: x.result })))
  }
  out.push(...valuesThenStores(b, rowStores(b, point)))
  if (stores.length === 0) return out
  const at = (r: readonly Expr[]): PendingStore[] =>
    stores.map((s) => ({ ...s, index: moved(b, s.index, from, r), value: moved(b, s.value, from, r) }))
  const { fours, rest } = inFours(
    b,
    last,
    (r, j) => {
      const { before, known } = keep.at(levels.length, r, j, (e) => moved(b, e, from, r))
      return [...before, ...valuesThenStores(b, widened(b, at(r), j, known))]
    },
    (r) => {
      const { before, known } = keep.at(levels.length, r, undefined, (e) => moved(b, e, from, r))
      const values = at(r).map((s) => ({ ...s, value: replaced(b, s.value, known) }))
      return [...before, ...valuesThenStores(b, values)]
    },
  )
  return [...out, ...fours, ...rest]
}
const replaced = (b: KernelBuild, e: Expr, known: Given): Expr => b.k.rewrite(e, (x) => known.get(x))

/** The stores of four neighbours. */
const widened = (b: KernelBuild, stores: readonly PendingStore[], j: Ref, given: Given): PendingStore[] =>
  stores.flatMap((s) => b.wideStores(s.buffer, s.index, j.name, b.widen(s.value, j.name, given)))

// ---- across rows

/** Windows of so many taps are written out: the index of each is known then. */
const MOST_TAPS = 16

export function buildAcross(b: KernelBuild, plan: AcrossPlan): BuiltBody & { template: string } {
  const { k } = b
  const { vectors, lanes } = plan
  const count = divDim(numel(b.group.outer), 4 * vectors) ?? bug("rows come in whole vectors")
  const body = perInvocation(b, countOf(b, count), lanes, (i) => {
    const j = b.variable("j", 4)
    const first = (n: number): Expr => k.add(k.mul(i, k.int(4 * vectors)), k.int(4 * n))
    return rowsAcross(
      b,
      Array.from({ length: vectors }, (_, n) => k.add(first(n), j)),
      j,
    )
  })
  return { ...b.finish(body), template: vectors === 1 ? FOUR_ROWS : `${4 * vectors} rows per invocation` }
}

/** A line at a time, which leaves the indices of its axes out of the loop along it. Where four do not divide it, the last vector
 *  overlaps the one before. */
export function buildLines(b: KernelBuild, plan: LinesPlan): BuiltBody & { template: string } {
  const { outer } = b.group
  const { k } = b
  const width = lineOf(outer) ?? bug("lines are counted")
  const lines = outer.slice(0, outer.lastIndexOf(width)).reduce<Dim>((n, d) => mulDim(n, d), 1)
  const body = perInvocation(b, countOf(b, lines), plan.lanes, (line) => {
    const at = (first: Expr): Stmt[] => {
      const j = b.variable("j", 4)
      return rowsAcross(b, [k.add(k.mul(line, k.int(width)), k.add(first, j))], j)
    }
    const whole = Math.floor(width / 4)
    const fours = loop(b, k.int(whole), whole, (quad) => at(k.mul(quad, k.int(4))))
    return width % 4 === 0 ? fours : [...fours, ...at(k.int(width - 4))]
  })
  return { ...b.finish(body), template: `${FOUR_ROWS}, lines of ${width}` }
}
const FOUR_ROWS = "four rows per invocation"

/** The rows along the last axis of the outer space, where they are counted. */
export function lineOf(outer: Shape): number | undefined {
  const width = outer.findLast((d) => d !== 1)
  return width !== undefined && isStatic(width) ? width : undefined
}

/** Each of `rows`, for `j` from 0 to 3. */
function rowsAcross(b: KernelBuild, rows: readonly Expr[], j: Ref): Stmt[] {
  const { k } = b
  const { inner } = b.group
  const out: Stmt[] = []
  const given = new Map<Expr, Expr>()
  // Names whose values differ from row to row.
  const own = new Set([j.name])
  const wide = (e: Expr): Expr => b.widen(e, j.name, given)
  const from = inner.map((d) => b.variable("r", d))
  const indices = inner.map((d, n) => (d === 1 ? k.int(0) : from[n]!))
  const points = rows.map((row) => rowPoint(b, row, indices))
  for (const level of levelsOf(points.flatMap((x) => x.reductions))) {
    const written = writtenOut(b, level, from, own)
    const looped = level.filter((x) => !written.has(x))
    for (const { accumulators } of looped) {
      for (const { name, init } of accumulators) {
        out.push({ kind: "var", name, type: typeOf(init), width: 4, init: wide(init) })
        given.set(k.ref(name, typeOf(init)), k.ref(name, typeOf(init), 4))
        own.add(name)
      }
    }
    if (looped.length > 0)
      out.push(...joined(overInner(b, (r) => looped.flatMap((x) => stepAcross(b, x, from, r, own, wide)))))
    for (const x of level) {
      const value = wide(written.get(x) ?? x.result)
      out.push({ kind: "let", name: x.name, value })
      given.set(k.ref(x.name, typeOf(value)), k.ref(x.name, typeOf(value), 4))
      own.add(x.name)
    }
  }
  const stored = (of: (point: RowPoint) => PendingStore[]): Stmt[] =>
    points.flatMap((x) => valuesThenStores(b, widened(b, of(x), j, given)))
  out.push(...stored((x) => rowStores(b, x)))
  if (points.every((x) => elementStores(b, x, indices).length === 0)) return out
  return [...out, ...overInner(b, (r) => stored((x) => elementStores(b, x, r)))]
}

/** Neighbours under the same condition stand under one. */
function joined(body: readonly Stmt[]): Stmt[] {
  const out: Stmt[] = []
  for (const s of body) {
    const last = out.at(-1)
    if (s.kind === "when" && last?.kind === "when" && last.cond === s.cond)
      out[out.length - 1] = { ...last, then: [...last.then, ...s.then] }
    else out.push(s)
  }
  return out
}

/** All indices of the inner space: written out where they are few, else loops. */
function overInner(b: KernelBuild, body: (r: readonly Expr[]) => readonly Stmt[]): Stmt[] {
  return tapsOf(b)?.flatMap((r) => body(r)) ?? loops(b, b.group.inner, body)
}
/** The indices of an inner space small enough to be written out. */
function tapsOf(b: KernelBuild): Expr[][] | undefined {
  const { k } = b
  const { inner } = b.group
  const taps = numel(inner)
  if (!isStatic(taps) || taps > MOST_TAPS) return undefined
  const sizes = inner.map((d) => (isStatic(d) ? d : 1))
  return Array.from({ length: taps }, (_, tap) => {
    let rest = tap
    const r = sizes.map(() => 0)
    for (let n = sizes.length - 1; n >= 0; n--) {
      r[n] = rest % sizes[n]!
      rest = Math.floor(rest / sizes[n]!)
    }
    return r.map((n) => k.int(n))
  })
}

/** The results of reductions over few indices as expressions without accumulators, so that facts about the first index, such as that
 *  it wins, are known when compiling. Reductions that test a condition for all four rows at once are left out. */
function writtenOut(
  b: KernelBuild,
  level: readonly Reduction[],
  from: readonly Ref[],
  own: ReadonlySet<string>,
): Map<Reduction, Expr> {
  const { k } = b
  const out = new Map<Reduction, Expr>()
  const taps = tapsOf(b)
  for (const x of taps === undefined ? [] : level) {
    const refs = x.accumulators.map((a) => k.ref(a.name, typeOf(a.init)))
    const at = (e: Expr, values: readonly Expr[]): Expr => k.rewrite(e, (y) => values[refs.indexOf(y as Ref)])
    const steps = taps!.map((r) => x.next.map((e) => moved(b, e, from, r)))
    if (steps.some(([e]) => sharedConditions(b, x, e!, own).conditions.length > 0)) continue
    const last = steps.reduce<readonly Expr[]>(
      (values, next) => next.map((e) => at(e, values)),
      x.accumulators.map((a) => a.init),
    )
    out.set(x, at(x.result, last))
  }
  return out
}

/** All new values are known before the first accumulator changes. */
function stepAcross(
  b: KernelBuild,
  x: Reduction,
  from: readonly Ref[],
  r: readonly Expr[],
  own: ReadonlySet<string>,
  wide: (e: Expr) => Expr,
): Stmt[] {
  const next = x.next.map((e) => moved(b, e, from, r))
  if (next.length === 1) {
    const { conditions, value } = sharedConditions(b, x, next[0]!, own)
    const set: Stmt = { kind: "set", name: x.accumulators[0]!.name, value: wide(value) }
    return conditions.length === 0 ? [set] : [{ kind: "when", cond: b.k.and(...conditions), then: [set] }]
  }
  const names = x.accumulators.map((a) => b.name(`${a.name}_next`))
  return [
    ...names.map((name, n): Stmt => ({ kind: "let", name, value: wide(next[n]!) })),
    ...names.map((name, n): Stmt => {
      const value = b.k.ref(name, typeOf(next[n]!), 4)
      return { kind: "set", name: x.accumulators[n]!.name, value }
    }),
  ]
}

/** A term that is 0 unless some conditions hold changes no sum: conditions that all four rows share are tested once. `own`: names whose
 *  values differ from row to row. */
function sharedConditions(
  b: KernelBuild,
  x: Reduction,
  next: Expr,
  own: ReadonlySet<string>,
): { conditions: readonly Expr[]; value: Expr } {
  const { k } = b
  const none = { conditions: [], value: next }
  if (x.combine !== "sum" || next.kind !== "op" || next.op !== "add") return none
  const [acc, term] = next.args as [Expr, Expr]
  if (term.kind !== "op" || term.op !== "select") return none
  const [cond, value, otherwise] = term.args as [Expr, Expr, Expr]
  if (otherwise.kind !== "const" || otherwise.value !== 0) return none
  const parts = (e: Expr): Expr[] => (e.kind === "op" && e.op === "and" ? e.args.flatMap(parts) : [e])
  const isShared = (e: Expr): boolean => ![...k.namesIn(e)].some((name) => own.has(name))
  const conditions = parts(cond).filter((e) => e.kind !== "const" && isShared(e))
  const known = new Set(conditions)
  const holds = (e: Expr): Expr => k.rewrite(e, (y) => (known.has(y) ? k.constant(1, "bool") : undefined))
  return { conditions, value: k.op("add", acc, k.select(holds(cond), holds(value), otherwise)) }
}
