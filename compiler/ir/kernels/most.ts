/** ir/kernels: the largest values that integers of a kernel can have, told from the sizes of a call. */
import type { DimValues } from "../tensor.js"
import type { Expr } from "./types.js"

/** Sizes that only a run tells are taken to be this large. */
export const MOST_ROWS = 2 ** 24

const OPERATIONS: Readonly<Record<string, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  mul: (a, b) => a * b,
  div: (a, b) => Math.floor(a / b),
  rem: (a, b) => Math.min(a, b - 1),
  min: Math.min,
  max: Math.max,
}

export class Most {
  /** The largest value of each name; only integers that follow from sizes are here. */
  readonly byName = new Map<string, number>()

  constructor(private readonly dims: DimValues) {}

  /** How often a loop runs at most; its variable is known from now on. */
  loop(name: string, extent: Expr): number | undefined {
    const iterations = this.of(extent)
    if (iterations === undefined) return undefined
    this.byName.set(name, Math.max(0, iterations) - 1)
    return Math.max(0, iterations)
  }
  let(name: string, value: Expr): void {
    const most = this.of(value)
    if (most !== undefined) this.byName.set(name, most)
  }

  of(e: Expr): number | undefined {
    if (e.kind === "const") return e.type === "i32" ? e.value : undefined
    if (e.kind === "dim") return this.dims[e.symbol]
    if (e.kind === "ref") return this.byName.get(e.name)
    if (e.kind !== "op" || e.type !== "i32") return undefined
    if (e.op === "sub") {
      const from = this.of(e.args[0]!)
      return from === undefined ? undefined : from - this.leastOf(e.args[1]!)
    }
    const [a, b] = e.args.map((x) => this.of(x))
    if (e.op === "min" && (a === undefined || b === undefined)) return a ?? b
    return a === undefined || b === undefined ? undefined : OPERATIONS[e.op]?.(a, b)
  }
  /** Counters begin at 0. */
  private leastOf(e: Expr): number {
    if (e.kind === "const") return e.value
    if (e.kind === "dim") return this.dims[e.symbol]
    if (e.kind !== "op" || (e.op !== "add" && e.op !== "mul")) return 0
    const [a, b] = e.args.map((x) => this.leastOf(x))
    return OPERATIONS[e.op]!(a!, b!)
  }
}
