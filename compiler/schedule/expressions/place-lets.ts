/** schedule: gives shared and loop-invariant expressions a name.   Stmt[] -> Stmt[]
 *  Assumes:    equal expressions are one object (`expressions/exprs.ts`); a `guard` chooses between one load and a value; a buffer that is both
 *              read and written is read into lets before it is written.
 *  Guarantees: an expression used twice, or in a loop that does not change it, is computed once, in the outermost block where
 *              its names are bound. Loads never leave the `when` they stand in, nor loops that may run zero times.
 *  Not here:   simplification (`expressions/exprs.ts`). */
import type { Expr, Stmt } from "../../ir/kernels/types.js"
import { childrenOf, typeOf, widthOf } from "../../ir/kernels/walk.js"
import { isStatic } from "../../ir/tensor.js"
import type { Exprs } from "./exprs.js"

export function placeLets(body: readonly Stmt[], k: Exprs, taken: ReadonlySet<string>): Stmt[] {
  const mutable = new Set<string>()
  collectVars(body, mutable)
  const placer = new Placer(k, mutable, new Set([...taken, ...boundNames(body)]))
  placer.count(body, placer.root)
  return placer.rewrite(placer.root)
}

/** A block as the placer sees it: where names become known, and which expressions live here. */
interface Block {
  readonly parent: Block | undefined
  body: readonly Stmt[]
  /** The statement of the parent that this block is part of. */
  readonly at: number
  /** Loads do not move out of here. */
  readonly keepsLoads: boolean
  /** Runs many times, so its invariants are worth moving out. */
  readonly loop: boolean
  readonly names: Set<string>
  /** Expressions that live here, in the order of first use. */
  readonly homes: Map<Expr, Home>
  readonly blocks: Map<Stmt, Block>
}
interface Home {
  uses: number
  /** First statement that uses it. */
  at: number
  hoisted: boolean
  name?: string
}

class Placer {
  readonly root: Block = block(undefined, [], -1, true, false)
  private next = 0
  private readonly volatileMemo = new Map<Expr, boolean>()
  private readonly loadMemo = new Map<Expr, boolean>()
  /** The extents of the loops so far. */
  private readonly extents = new Map<string, Expr>()
  constructor(
    private readonly k: Exprs,
    private readonly mutable: ReadonlySet<string>,
    private readonly taken: Set<string>,
  ) {}

  count(body: readonly Stmt[], into: Block): void {
    into.body = body
    body.forEach((s, at) => {
      switch (s.kind) {
        case "for": {
          const parallel = s.on === "lane" || s.on.startsWith("grid")
          if (!parallel) this.use(s.extent, into, at)
          // Nothing moves out of the lane loop: outside, every invocation would compute it all the same, and the extents
          // of grid loops have to stand alone.
          const inner = block(parallel ? undefined : into, s.body, at, !this.runs(s.extent), !parallel)
          this.extents.set(s.name, s.extent)
          inner.names.add(s.name)
          into.blocks.set(s, inner)
          return this.count(s.body, inner)
        }
        case "when": {
          this.use(s.cond, into, at)
          const inner = block(into, s.then, at, true, false)
          into.blocks.set(s, inner)
          return this.count(s.then, inner)
        }
        case "let":
          this.use(s.value, into, at)
          into.names.add(s.name)
          return
        case "var":
          this.use(s.init, into, at)
          into.names.add(s.name)
          return
        case "set":
          return this.use(s.value, into, at)
        case "store":
        case "store-shared":
          this.use(s.index, into, at)
          return this.use(s.value, into, at)
        case "join":
          this.use(s.value, into, at)
          into.names.add(s.name)
          return
        case "barrier":
          return
      }
    })
  }

  /** Whether the body of a loop surely runs, so that loads may move before it. Every dimension is at least 1. */
  private runs(extent: Expr): boolean {
    if (extent.kind === "dim") return true
    if (extent.kind === "const") return extent.value > 0
    if (extent.kind !== "op") return false
    const [a, b] = extent.args as [Expr, Expr]
    if (extent.op === "mul" || extent.op === "min") return this.runs(a) && this.runs(b)
    if (extent.op === "div") return b.kind === "const" && this.runs(this.k.sub(a, this.k.int(b.value - 1)))
    return extent.op === "sub" && this.isRest(extent)
  }
  /** Whether an extent is the rest that earlier blocks leave: n - block * size, within a loop over ceil(n / size) blocks. */
  private isRest(extent: Expr): boolean {
    const { k } = this
    const taken = k
      .form(extent)
      .terms.find(({ atom, coef }) => atom.kind === "ref" && isStatic(coef) && coef < 0)
    if (taken?.atom.kind !== "ref" || !isStatic(taken.coef)) return false
    const size = k.int(-taken.coef)
    const all = k.add(extent, k.mul(taken.atom, size))
    const blocks = this.extents.get(taken.atom.name)
    return blocks !== undefined && blocks === k.div(k.add(all, k.sub(size, k.int(1))), size) && this.runs(all)
  }

  private use(e: Expr, from: Block, at: number): void {
    if (isLeaf(e)) return
    // Reads of vars and workgroup arrays stay in their statement.
    if (this.isVolatile(e)) return this.useParts(e, from, at)
    // A lane of a vector that has a name needs none: four of them may be one shuffle.
    if (e.kind === "lane") return this.use(e.value, from, at)
    let home = from
    let block = at
    const loads = this.hasLoad(e)
    while (home.parent !== undefined && !(loads && home.keepsLoads) && !this.needs(e, home)) {
      block = home.at
      home = home.parent
    }
    const crossed = crossesLoop(from, home)
    const known = home.homes.get(e)
    if (known !== undefined) {
      known.uses++
      known.hoisted ||= crossed
      return
    }
    home.homes.set(e, { uses: 1, at: block, hoisted: crossed })
    this.useParts(e, home, block)
  }
  private useParts(e: Expr, home: Block, at: number): void {
    if (e.kind === "guard") {
      this.use(e.cond, home, at)
      if (e.then.kind === "load") this.use(e.then.index, home, at)
      else this.use(e.then, home, at)
      this.use(e.otherwise, home, at)
      return
    }
    for (const part of childrenOf(e)) this.use(part, home, at)
  }

  rewrite(b: Block): Stmt[] {
    const lets = new Map<number, [Expr, Home][]>()
    for (const [e, home] of b.homes) {
      if (home.uses < 2 && !home.hoisted) continue
      lets.set(home.at, [...(lets.get(home.at) ?? []), [e, home]])
    }
    const out: Stmt[] = []
    b.body.forEach((s, at) => {
      // Parts are pooled before the whole.
      const here = (lets.get(at) ?? []).sort(([x], [y]) => this.k.id(x) - this.k.id(y))
      for (const [e, home] of here) {
        const value = this.named(e, b, true)
        home.name = this.fresh(e)
        out.push({ kind: "let", name: home.name, value })
      }
      out.push(this.statement(s, b))
    })
    return out
  }

  private statement(s: Stmt, b: Block): Stmt {
    switch (s.kind) {
      case "for":
        return { ...s, extent: this.named(s.extent, b), body: this.rewrite(b.blocks.get(s)!) }
      case "when":
        return { ...s, cond: this.named(s.cond, b), then: this.rewrite(b.blocks.get(s)!) }
      case "let":
      case "set":
        return { ...s, value: this.named(s.value, b) }
      case "var":
        return { ...s, init: this.named(s.init, b) }
      case "store":
      case "store-shared":
        return { ...s, index: this.named(s.index, b), value: this.named(s.value, b) }
      case "join":
        return { ...s, value: this.named(s.value, b) }
      case "barrier":
        return s
    }
  }

  /** `e` with the names that are known in block `b` put in. `inside`: `e` itself is being named. */
  private named(e: Expr, b: Block, inside = false): Expr {
    if (isLeaf(e)) return e
    if (!inside) {
      for (let at: Block | undefined = b; at !== undefined; at = at.parent) {
        const name = at.homes.get(e)?.name
        if (name !== undefined) return { kind: "ref", name, type: typeOf(e), width: widthOf(e) }
      }
    }
    const go = (x: Expr): Expr => this.named(x, b)
    switch (e.kind) {
      case "op":
        return { ...e, args: e.args.map(go) }
      case "load":
      case "shared":
        return { ...e, index: go(e.index) }
      case "guard": {
        const then = e.then.kind === "load" ? { ...e.then, index: go(e.then.index) } : go(e.then)
        return { ...e, cond: go(e.cond), then, otherwise: go(e.otherwise) }
      }
      case "splat":
      case "lane":
        return { ...e, value: go(e.value) }
      case "vec": {
        const [x, y, z, w] = e.items
        return { ...e, items: [go(x), go(y), go(z), go(w)] }
      }
      default:
        return e
    }
  }

  private fresh(e: Expr): string {
    const stem = typeOf(e) === "i32" ? "i" : typeOf(e) === "bool" ? "c" : "t"
    let name: string
    do name = `${stem}${this.next++}`
    while (this.taken.has(name))
    this.taken.add(name)
    return name
  }

  private needs(e: Expr, b: Block): boolean {
    const names = this.k.namesIn(e)
    for (const n of names) if (b.names.has(n)) return true
    return false
  }
  private isVolatile(e: Expr): boolean {
    const known = this.volatileMemo.get(e)
    if (known !== undefined) return known
    const is =
      e.kind === "shared" ||
      (e.kind === "ref" && this.mutable.has(e.name)) ||
      childrenOf(e).some((part) => this.isVolatile(part))
    this.volatileMemo.set(e, is)
    return is
  }
  /** Whether a load in `e` would run where the program may not have run it. */
  private hasLoad(e: Expr): boolean {
    const known = this.loadMemo.get(e)
    if (known !== undefined) return known
    // Guards too: their conditions are simplified with the ranges that hold in the `when`.
    const is = e.kind === "load" || e.kind === "guard" || childrenOf(e).some((part) => this.hasLoad(part))
    this.loadMemo.set(e, is)
    return is
  }
}

const block = (
  parent: Block | undefined,
  body: readonly Stmt[],
  at: number,
  keepsLoads: boolean,
  loop: boolean,
): Block => ({ parent, body, at, keepsLoads, loop, names: new Set(), homes: new Map(), blocks: new Map() })

/** Whether moving from `from` out to `home` leaves a loop that would compute it again each iteration. */
function crossesLoop(from: Block, home: Block): boolean {
  for (let b: Block | undefined = from; b !== undefined && b !== home; b = b.parent) if (b.loop) return true
  return false
}

const isLeaf = (e: Expr): boolean =>
  e.kind === "const" ||
  e.kind === "ref" ||
  e.kind === "dim" ||
  e.kind === "param" ||
  (e.kind === "splat" && e.value.kind === "const")

function collectVars(body: readonly Stmt[], into: Set<string>): void {
  for (const s of body) {
    if (s.kind === "var") into.add(s.name)
    if (s.kind === "for") collectVars(s.body, into)
    if (s.kind === "when") collectVars(s.then, into)
  }
}
function boundNames(body: readonly Stmt[]): string[] {
  return body.flatMap((s) => {
    if (s.kind === "for") return [s.name, ...boundNames(s.body)]
    if (s.kind === "when") return boundNames(s.then)
    return s.kind === "let" || s.kind === "var" || s.kind === "join" ? [s.name] : []
  })
}
