/** schedule: turns an expression in a variable `j` of 0..3 into one over vectors of four: element j is the expression at j.
 *  A load whose index is a multiple of 4 plus j becomes one wide load; a buffer has one width in a kernel, so a buffer that is
 *  also read in another way is read element by element everywhere. On targets with vectors anywhere neither holds: any index
 *  plus j will do, and conditions may differ from lane to lane.
 *  Not here:   choosing the loops to vectorize (the templates). */
import type { Expr } from "../../ir/kernels/types.js"
import { childrenOf, typeOf } from "../../ir/kernels/walk.js"
import { type Dim, divDim } from "../../ir/tensor.js"
import type { Exprs } from "./exprs.js"

export interface VectorRules {
  /** Buffers that are read by element. */
  readonly narrow: (buffer: string) => boolean
  /** Vectors may start at any element. */
  readonly anywhere: boolean
}

/** `given`: scalars whose vector is known already (accumulators). */
export function vectorize(
  k: Exprs,
  e: Expr,
  j: string,
  rules: VectorRules,
  given: ReadonlyMap<Expr, Expr> = new Map(),
): Expr {
  const memo = new Map<Expr, Expr>(given)
  const names = new Set<string>([j])
  for (const g of given.keys()) if (g.kind === "ref") names.add(g.name)
  const scalars = (x: Expr): Expr => {
    const at = (n: number): Expr =>
      k.rewrite(x, (y) => {
        const vector = given.get(y)
        if (vector !== undefined) return k.lane(vector, n)
        return y.kind === "ref" && y.name === j ? k.int(n) : undefined
      })
    return k.vec([at(0), at(1), at(2), at(3)])
  }
  const go = (x: Expr): Expr => {
    const known = memo.get(x)
    if (known !== undefined) return known
    const made = wide(x)
    memo.set(x, made)
    return made
  }
  const varies = (x: Expr): boolean => {
    for (const n of k.namesIn(x)) if (names.has(n)) return true
    return false
  }
  const wide = (x: Expr): Expr => {
    if (!varies(x)) return k.splat(x)
    switch (x.kind) {
      case "ref":
        return rules.anywhere && x.name === j ? k.vec([k.int(0), k.int(1), k.int(2), k.int(3)]) : scalars(x)
      case "op": {
        const alike = rules.anywhere ? inAllLanes(k, x, j) : undefined
        if (alike !== undefined) return k.splat(alike)
        // Vectors of integers cannot be divided, and a scalar quotient may be simplified.
        if (rules.anywhere && (x.type === "i32" || x.type === "bool")) {
          if (x.op === "div" || x.op === "rem") return scalars(x)
          const lanes = scalars(x)
          if (isConstant(lanes)) return lanes
        }
        return k.op(x.op, ...x.args.map(go))
      }
      case "load": {
        // An index that a vector says, such as that of a sorted element, is another one in each lane.
        const scattered = [...k.namesIn(x.index)].some((n) => n !== j && names.has(n))
        const base = scattered ? undefined : vectorBase(k, x.buffer, x.index, j, rules)
        if (base !== undefined) return k.load(x.buffer, base, x.type, 4)
        return (rules.anywhere && nearby(k, scalars(x))) || scalars(x)
      }
      case "guard": {
        const cond = rules.anywhere ? k.rewrite(x.cond, (y) => inAllLanes(k, y, j)) : x.cond
        if (varies(cond)) {
          const loaded = rules.anywhere ? go(x.then) : x.then
          const wide = loaded.kind === "load" && loaded.width === 4
          return wide ? k.guard(go(x.cond), loaded, go(x.otherwise)) : scalars(x)
        }
        const then = go(x.then)
        return then.kind === "load" ? k.guard(cond, then, go(x.otherwise)) : scalars(x)
      }
      default:
        return scalars(x)
    }
  }
  return go(e)
}

/** A comparison of indices that is the same for all four: rest + j < 0 == rest < 0 where 4 divides the rest, and so for >=. */
function inAllLanes(k: Exprs, x: Expr, j: string): Expr | undefined {
  if (x.kind !== "op" || (x.op !== "lt" && x.op !== "ge") || !k.namesIn(x).has(j)) return undefined
  const [a, b] = x.args as [Expr, Expr]
  if (typeOf(a) !== "i32" || x.width === 4) return undefined
  const { terms, constant } = k.form(k.sub(a, b))
  const own = terms.find((t) => t.atom.kind === "ref" && t.atom.name === j)
  const others = terms.filter((t) => t !== own)
  if (own?.coef !== 1 || !fourfold(constant)) return undefined
  if (others.some((t) => !fourfold(t.coef) || k.namesIn(t.atom).has(j))) return undefined
  const at = (e: Expr): Expr => k.substitute(e, j, k.int(0))
  return k.op(x.op, at(a), at(b))
}

/** Four loads within eight elements, such as every second one or each one twice, as the first four of those and the last four: each
 *  lane is in one. */
function nearby(k: Exprs, four: Expr): Expr | undefined {
  if (four.kind !== "vec") return undefined
  const loads = four.items.flatMap((i) => (i.kind === "load" ? [i] : []))
  const first = loads[0]
  if (loads.length < 4 || first === undefined || first.type === "f16") return undefined
  if (loads.some((l) => l.buffer !== first.buffer)) return undefined
  const steps = loads.map((l) => k.sub(l.index, first.index))
  const indices = steps.flatMap((d) => (d.kind === "const" ? [d.value] : []))
  const [least, most] = [Math.min(...indices), Math.max(...indices)]
  if (indices.length < 4 || most - least > 7) return undefined
  const from = (linear: number): Expr =>
    k.load(first.buffer, k.add(first.index, k.int(linear)), first.type, 4)
  const whole = most - least >= 3
  const low = whole ? from(least) : firstOf(k, most - least + 1, from(least))
  const high = whole ? from(most - 3) : low
  const lanes = indices.map((p) => (p - least < 4 ? k.lane(low, p - least) : k.lane(high, p - most + 3)))
  return k.vec([lanes[0]!, lanes[1]!, lanes[2]!, lanes[3]!])
}
/** The first lanes of a load, behind which the buffer may end. */
function firstOf(k: Exprs, count: number, load: Expr): Expr {
  const there = (lane: number): Expr => k.constant(Number(lane < count), "bool")
  const none = k.splat(k.constant(0, typeOf(load)))
  return k.guard(k.vec([there(0), there(1), there(2), there(3)]), load, none)
}

/** Where the vector of the elements of `buffer` at `index` starts, if they are one. */
export function vectorBase(
  k: Exprs,
  buffer: string,
  index: Expr,
  j: string,
  rules: VectorRules,
): Expr | undefined {
  if (rules.narrow(buffer)) return undefined
  const fits = (d: Dim): boolean => rules.anywhere || fourfold(d)
  const form = k.form(index)
  let found = false
  for (const t of form.terms) {
    if (t.atom.kind === "ref" && t.atom.name === j) {
      if (t.coef !== 1) return undefined
      found = true
    } else if (k.namesIn(t.atom).has(j) || !fits(t.coef)) return undefined
  }
  if (!found || !fits(form.constant)) return undefined
  return k.substitute(index, j, k.int(0))
}

const isConstant = (e: Expr): boolean =>
  (e.kind === "vec" && e.items.every((i) => i.kind === "const")) ||
  (e.kind === "splat" && e.value.kind === "const")
const fourfold = (d: Dim): boolean => divDim(d, 4) !== undefined

/** Whether lanes are put together one by one somewhere in `e`. */
export const isScattered = (e: Expr): boolean =>
  (e.kind === "vec" && e.items.some((i) => i.kind !== "const")) || childrenOf(e).some(isScattered)
