/** schedule: sums of many terms become sums of sums of few, so that rounding errors do not grow with the size of a batch.
 *  Stmt[] -> Stmt[]
 *  A loop that adds many terms to a variable is cut into blocks; a block adds to a variable of its own, which is then one term. The
 *  rest of the loop is cut again while it is too long. Terms keep their order.
 *  Assumes:    an accumulator is a var that a loop does nothing with but add to it (`ir/kernels/sums.ts`).
 *  Guarantees: no loop adds more than MOST_TERMS to one var (`ir/kernels/verify.ts` checks it); loops that did not stay as they are.
 *  Not here:   sums in workgroup memory (`templates/panels.ts`). */
import { Most, MOST_ROWS } from "../../ir/kernels/most.js"
import { MOST_TERMS, type Sum, sumsIn } from "../../ir/kernels/sums.js"
import type { Expr, Stmt } from "../../ir/kernels/types.js"
import { withExprs } from "../../ir/kernels/walk.js"
import { FEW_TERMS } from "../cost/model.js"
import type { Exprs } from "../expressions/exprs.js"

type Loop = Stmt & { kind: "for" }
type Sums = ReadonlyMap<string, Sum>

/** The kernel that the sums are part of. */
interface Within {
  readonly k: Exprs
  /** The largest B that it will be run with. */
  readonly placed: { readonly mostRows: number }
  /** A local name not used before. */
  name(wanted: string): string
  variable(wanted: string, extent?: number, beside?: string): Expr & { kind: "ref" }
}

export const shortSums = (b: Within, body: readonly Stmt[]): Stmt[] => new ShortSums(b).block(body)

class ShortSums {
  private readonly most: Most
  private readonly iterations = new Map<string, number>()
  constructor(private readonly b: Within) {
    this.most = new Most({ B: b.placed.mostRows, R: MOST_ROWS })
  }

  block(body: readonly Stmt[]): Stmt[] {
    return body.map((s): Stmt => {
      if (s.kind === "let") this.most.let(s.name, s.value)
      if (s.kind === "when") return { ...s, then: this.block(s.then) }
      if (s.kind !== "for") return s
      this.enter(s)
      const loop = { ...s, body: this.block(s.body) }
      return s.on === "serial" ? this.short(loop) : loop
    })
  }

  private enter({ name, extent }: Loop): void {
    this.iterations.set(name, this.most.loop(name, extent) ?? MOST_ROWS)
  }
  private tripCount(name: string): number {
    return this.iterations.get(name) ?? 1
  }

  /** `loop`, with as many variables between its terms and its sums as it takes. */
  private short(loop: Loop): Loop {
    const sums = sumsIn(loop.body, (name) => this.tripCount(name))
    const terms = Math.max(0, ...[...sums.values()].map((s) => s.terms))
    if (terms * this.tripCount(loop.name) <= MOST_TERMS) return loop
    if (2 * terms > FEW_TERMS) return this.short({ ...loop, body: this.apart(loop.body, sums) })
    return this.short(this.inBlocks(loop, Math.floor(FEW_TERMS / terms), sums))
  }

  /** `body` with sums of its own, each added to the variable of the same sum outside. */
  private apart(body: readonly Stmt[], sums: Sums): Stmt[] {
    const { k } = this.b
    const parts = [...sums].map(([name, { type, width }]) => {
      const zero = k.constant(0, type)
      const init = width === 4 ? k.splat(zero) : zero
      return { whole: name, part: this.b.name(`${name}_part`), type, width, init }
    })
    const partOf = new Map(parts.map((p) => [p.whole, k.ref(p.part, p.type, p.width)]))
    const nameOf = new Map(parts.map((p) => [p.whole, p.part]))
    return [
      ...parts.map(({ part, type, width, init }): Stmt => ({ kind: "var", name: part, type, width, init })),
      ...changed(body, (e) => replaced(k, e, partOf), nameOf),
      ...parts.map(({ whole, part, type, width }): Stmt => {
        const value = k.op("add", k.ref(whole, type, width), k.ref(part, type, width))
        return { kind: "set", name: whole, value }
      }),
    ]
  }

  /** A loop over blocks of `most` iterations of `loop`, or of a few less so that all are equally long. */
  private inBlocks(loop: Loop, most: number, sums: Sums): Loop {
    const { k } = this.b
    const { name, extent } = loop
    const count = extent.kind === "const" ? extent.value : undefined
    const size = count === undefined ? most : evenBlocks(count, most)
    const blocks = count === undefined ? undefined : Math.ceil(count / size)
    const block = this.b.variable(`${name}_block`, blocks, name)
    const iteration = this.b.variable(`${name}_inner`, size, name)
    const first = k.mul(block, k.int(size))
    const iterations =
      count !== undefined && count % size === 0 ? k.int(size) : k.op("min", k.int(size), k.sub(extent, first))
    const linear = new Map([[name, k.add(first, iteration)]])
    const inner: Loop = {
      ...loop,
      name: iteration.name,
      extent: iterations,
      body: changed(loop.body, (e) => replaced(k, e, linear)),
    }
    const outer = { ...loop, name: block.name, extent: k.div(k.add(extent, k.int(size - 1)), k.int(size)) }
    this.enter(outer)
    this.enter(inner)
    return { ...outer, body: this.apart([inner], sums) }
  }
}

/** The size of blocks of at most `most` that divides `count`, if there is one that is not much smaller; else one that leaves the
 *  last block little shorter than the others. */
function evenBlocks(count: number, most: number): number {
  for (let size = most; 2 * size > most; size--) if (count % size === 0) return size
  return Math.ceil(count / Math.ceil(count / most))
}

const replaced = (k: Exprs, e: Expr, by: ReadonlyMap<string, Expr>): Expr =>
  [...by].reduce((x, [name, value]) => k.substitute(x, name, value), e)

/** `body` with other expressions, and other variables set. */
function changed(
  body: readonly Stmt[],
  change: (e: Expr) => Expr,
  set: ReadonlyMap<string, string> = new Map(),
): Stmt[] {
  return body.map((s) => {
    const made = withExprs(s, change, (inner) => changed(inner, change, set))
    return made.kind === "set" ? { ...made, name: set.get(made.name) ?? made.name } : made
  })
}
