/** test: builds the expressions of a generated program from the shape that is wanted, so that what it builds is legal.
 *  Rules (rules.ts) make values of any shape; `fit` makes of them what was asked for. */
import type { Choices } from "./choices.js"
import { type Dim, isStatic, numel, type Piece, sameShape, type Shape, spliced } from "./shapes.js"

/** Makes a value, of the wanted shape if it can, else of another; undefined where it has no use here. */
export type Rule = (b: Builder, want: Shape) => Piece | undefined
/** By group: a group is chosen first, so that many alike rules are no more frequent than few. */
export type Rules = Readonly<Record<string, Readonly<Record<string, Rule>>>>

interface Named extends Piece {
  readonly text: string
}
/** Integers below `below`. */
interface Places extends Named {
  readonly below: number
}
interface Instance {
  readonly name: string
  readonly from: Shape
  readonly to: Shape
}
export interface UserLayer {
  readonly call: string
  readonly from: Shape
  readonly to: Shape
}

/** Where expressions stand: a model, a layer, a train section. */
export interface Frame {
  /** A declaration may own parameters here. */
  readonly owns: boolean
  /** The batch as written here; null where there is none. */
  readonly batch: string | null
  readonly values: Named[]
  readonly places: Places[]
  readonly instances: Instance[]
  /** Statements of the body so far; of a loop, those of its block. */
  readonly body: string[]
  block: string[]
  loops: number
}
export const newFrame = (owns: boolean, batch: string | null): Frame => {
  const body: string[] = []
  return { owns, batch, values: [], places: [], instances: [], body, block: body, loops: 0 }
}

export interface Limits {
  /** Elements of one value. */
  readonly elements: number
  /** Rules used in one program. */
  readonly rules: number
}

/** Sizes of every kind: 1, primes, around tiles. Common ones first. */
const SIZES = [2, 3, 1, 4, 5, 6, 7, 8, 9, 11, 13, 15, 16, 17, 23, 31, 32, 33, 63, 64, 65]
const NUMBERS = ["0.5", "2", "-1", "0.25", "1", "1.5", "0.1", "-0.75", "3"]
const LEAVES = 2

export class Builder {
  frame: Frame = newFrame(false, null)
  readonly userLayers: UserLayer[] = []
  /** Names of the rules that were used. */
  readonly used: string[] = []
  private readonly sizes: number[]
  private names = 0
  private fuel: number

  constructor(
    private choices: Choices,
    private readonly rules: Rules,
    readonly limits: Limits,
    /** Rows of the largest batch, to reckon with. */
    readonly rows: number,
  ) {
    this.fuel = limits.rules
    this.sizes = Array.from({ length: 3 }, () => this.anySize())
  }

  // Choices.

  below(count: number): number {
    return this.choices.below(count)
  }
  pick<T>(from: readonly T[]): T {
    return from[this.choices.below(from.length)]!
  }
  /** False is the simpler one. */
  flip(oneIn = 2): boolean {
    return this.choices.below(oneIn) === oneIn - 1
  }
  /** What `make` chooses, in a branch of its own. */
  apart<T>(make: () => T): T {
    const outer = this.choices
    this.choices = outer.branch()
    try {
      return make()
    } finally {
      this.choices = outer
    }
  }
  name(letter: string): string {
    return `${letter}${this.names++}`
  }

  // Sizes and shapes.

  /** Small sizes are more frequent, by the square. */
  private anySize(): number {
    const [a, b] = [this.below(SIZES.length), this.below(SIZES.length)]
    return SIZES[Math.min(a, b)]!
  }
  /** Of the few sizes of this program, mostly, so that they meet. */
  size(most = Infinity): number {
    const size = this.flip(4) ? this.anySize() : this.pick(this.sizes)
    return Math.min(size, most)
  }
  count(shape: Shape): number {
    return numel(shape, this.rows)
  }
  fits(shape: Shape): boolean {
    return this.count(shape) <= this.limits.elements
  }
  /** Static, of this rank, or of any from 0 to 5. */
  shape(rank = this.pick([2, 1, 3, 0, 4, 2, 3, 5])): readonly number[] {
    const shape: number[] = []
    for (let i = 0; i < rank; i++) {
      const size = this.size()
      shape.push(this.fits([...shape, size]) ? size : 1)
    }
    return shape
  }
  /** The same with the batch in front where there is one, mostly. */
  valueShape(rank?: number): Shape {
    const shape = this.shape(rank)
    return this.frame.batch !== null && shape.length > 0 && !this.flip(5)
      ? this.within(["B", ...shape.slice(1)])
      : shape
  }
  /** With sizes cut until the shape is small enough. */
  within(shape: Shape): Shape {
    let cut = shape
    for (let i = cut.length - 1; i >= 0 && !this.fits(cut); i--)
      if (cut[i] !== "B") cut = spliced(cut, i, 1, Math.min(cut[i] as number, 2))
    return cut
  }
  /** The first axis of what layers take: the batch where the wanted value has one, else a size. */
  lead(want: Shape): Dim {
    if (want.includes("B") && this.frame.batch !== null) return "B"
    return want.length > 0 && isStatic(want) ? Math.min(want[0]!, 4) : this.size(4)
  }
  dim(dim: Dim): string {
    return dim === "B" ? this.frame.batch! : String(dim)
  }
  dims(shape: Shape): string {
    return `[${shape.map((d) => this.dim(d)).join(", ")}]`
  }
  axis(shape: Shape): number {
    return this.below(shape.length)
  }
  /** An axis as written, from the front or from the end. */
  at(axis: number, rank: number): string {
    return String(this.flip(3) ? axis - rank : axis)
  }
  staticAxes(shape: Shape): number[] {
    return shape.flatMap((d, i) => (d === "B" ? [] : [i]))
  }

  // Expressions.

  number(): string {
    return this.pick(NUMBERS)
  }
  /** An expression of this shape. */
  expr(want: Shape): string {
    return this.apart(() => {
      const groups = Object.keys(this.rules)
      const chosen = this.below(LEAVES + groups.length) - LEAVES
      if (chosen < 0 || this.fuel <= 0) return this.leaf(want)
      const named = Object.entries(this.rules[groups[chosen]!]!)
      const [name, rule] = this.pick(named)
      this.fuel--
      const piece = rule(this, want)
      if (piece === undefined) return this.leaf(want)
      this.used.push(name)
      return this.fit(piece, want)
    })
  }
  /** What only has to broadcast to this shape: some axes may be 1 or, from the left, missing. */
  operand(want: Shape): Piece {
    const from = want.length > 0 ? this.below(Math.min(want.length, 3) + 1) % (want.length + 1) : 0
    const shape = want.slice(from).map((d) => (this.flip(4) ? 1 : d))
    return { text: this.expr(shape), shape }
  }
  /** Two operands that broadcast to this shape together. */
  pair(want: Shape): readonly [string, string] {
    const other = this.operand(want)
    const from = want.length - other.shape.length
    const full = this.flip(3)
      ? want.map((d, i) => (i >= from && other.shape[i - from] === d && this.flip(3) ? 1 : d))
      : want
    const texts = [this.expr(full), other.text] as const
    return this.flip() ? [texts[1], texts[0]] : texts
  }
  /** Above 0.5. */
  positive(want: Shape): string {
    return `(square(${this.expr(want)}) + 0.5)`
  }
  /** Between -1 and 1. */
  bounded(want: Shape): string {
    return `tanh(${this.expr(want)})`
  }
  /** Between 0 and 1. */
  share(want: Shape): string {
    return `sigmoid(${this.expr(want)})`
  }
  cond(want: Shape): string {
    return this.apart(() => {
      const square = want.length >= 2 && this.staticAxes(want).length >= 2 && isStatic(want.slice(-2))
      if (square && this.flip()) {
        const [rows, columns] = want.slice(-2)
        return this.fit(
          {
            text: `(unsqueeze(indices(${rows}), 1) ${this.pick([">=", "<", "=="])} indices(${columns}))`,
            shape: want.slice(-2),
          },
          want,
        )
      }
      if (this.flip(3)) return `(${this.cond(want)} ${this.pick(["&&", "||"])} ${this.cond(want)})`
      if (this.flip(4)) return `(!${this.cond(want)})`
      const [a, b] = this.pair(want)
      if (this.flip()) return `${this.pick(["gt", "lt", "ge", "le", "eq", "ne"])}(${a}, ${b})`
      return `(${a} ${this.pick([">", "<", ">=", "<=", "==", "!="])} ${b})`
    })
  }
  /** i32 numbers from 0 to `below` - 1. */
  index(want: Shape, below: number): string {
    return this.apart(() => {
      const known = this.frame.places.filter((p) => p.below <= below)
      if (known.length > 0 && !this.flip(3)) {
        const place = this.pick(known)
        if (sameShape(place.shape, want)) return place.text
      }
      if (isStatic(want) && this.flip()) {
        const text = `((indices(${numel(want, 1)}) * ${this.pick([1, 3, 7])}) % ${below})`
        return want.length === 1 ? text : `reshape(${text}, ${this.dims(want)})`
      }
      const scored = [...want, below]
      if (this.fits(scored)) return `${this.pick(["argmax", "argmin"])}(detach(${this.expr(scored)}))`
      return `expand(indices(1) * 0, ${this.dims(want)})`
    })
  }

  /** A value without a rule: one there is, a parameter, a constant. */
  private leaf(want: Shape): string {
    const { values, owns, loops } = this.frame
    const same = values.filter((v) => sameShape(v.shape, want))
    if (same.length > 0 && !this.flip(4)) return this.pick(same).text
    const kind = this.below(4)
    if (owns && (kind === 1 || want.length === 0)) return this.fit(this.parameter(want), want)
    if (values.length > 0 && kind !== 2) {
      const value = this.pick(values.slice(-6))
      return this.fit(value, want)
    }
    if (owns && loops === 0 && kind === 0) return this.fit(this.parameter(want), want)
    return this.constant(want)
  }
  /** A parameter that broadcasts to this shape, at least. */
  parameter(want: Shape, { moved = false } = {}): Piece {
    const from = this.flip(3) ? Math.min(want.length, this.below(3)) : 0
    const shape = want.slice(from).map((d) => (d === "B" || this.flip(6) ? 1 : d))
    const first = shape.findIndex((d) => d !== 1)
    const short = this.flip() && first > 0 ? shape.slice(first) : shape
    return { text: this.declare(short, moved), shape: short }
  }
  /** A parameter of exactly this shape; `moved`: not a frozen one. */
  declare(shape: readonly Dim[], moved = false): string {
    const name = this.name("p")
    const how = [
      "uniform(-0.7, 0.7)",
      "normal(0, 0.5)",
      "uniform(0.2, 0.9)",
      "trunc_normal(0, 0.5)",
      "ones",
      "full(0.3)",
      "zeros",
      "pattern",
      ...(shape.length >= 2
        ? ["xavier_uniform", "xavier_normal(0.5)", "kaiming_uniform", "kaiming_normal(0.1)"]
        : []),
    ]
    const type = shape.length === 0 ? "f32" : `f32[${shape.join(", ")}]`
    const frozen = !moved && this.flip(12) ? "frozen " : ""
    this.frame.body.push(`${frozen}param ${name}: ${type} = ${this.pick(how)}`)
    return name
  }
  private constant(want: Shape): string {
    const shape = want.map((d) => (d === "B" ? 1 : d))
    const made = this.pick([
      () => `full(${this.dims(shape)}, ${this.number()})`,
      () => `pattern(${this.dims(shape)})`,
      () => `ones(${this.dims(shape)})`,
      () => `zeros(${this.dims(shape)})`,
      () => {
        const size = numel(shape, 1)
        return `reshape(linspace(-1, 1, ${size}), ${this.dims(shape)})`
      },
    ])()
    return this.fit({ text: made, shape }, want)
  }

  /** A name for a value, to be used again. */
  let(piece: Piece): Piece {
    const named = { text: this.name("v"), shape: piece.shape }
    this.frame.block.push(`let ${named.text} = ${piece.text}`)
    this.frame.values.push(named)
    return named
  }
  /** A layer, applied: one that is there already, or a new one. */
  layer(call: string, from: Shape, to: Shape): Piece {
    const { instances, body, loops } = this.frame
    const shared = instances.filter((i) => sameShape(i.from, from) && sameShape(i.to, to))
    const known = shared.length > 0 && this.flip() ? this.pick(shared) : undefined
    if (known !== undefined) return { text: `${known.name}(${this.expr(from)})`, shape: to }
    if (loops === 0 && !this.flip()) return { text: `(${this.expr(from)} |> ${call})`, shape: to }
    const name = this.name("layer")
    const x = this.expr(from)
    body.push(`let ${name} = ${call}`)
    instances.push({ name, from, to })
    return { text: `${name}(${x})`, shape: to }
  }

  // Shapes made fit.

  /** The value in the wanted shape: axes without a counterpart are reduced away, or stretched from 1. */
  fit(piece: Piece, want: Shape): string {
    if (sameShape(piece.shape, want)) return piece.text
    return this.apart(() => {
      const { text, shape } = piece
      if (isStatic(shape) && isStatic(want) && numel(shape, 1) === numel(want, 1))
        return `reshape(${text}, ${this.dims(want)})`
      const cut = this.resized(piece, want)
      if (cut !== undefined) return cut
      const mapped = this.mapped(piece, want)
      if (mapped !== undefined) return mapped
      return this.aligned(piece, want)
    })
  }
  /** By a product with a parameter, where only the last axis differs. */
  private mapped({ text, shape }: Piece, want: Shape): string | undefined {
    const [from, to] = [shape.at(-1), want.at(-1)]
    if (!this.frame.owns || from === undefined || to === undefined || from === "B" || to === "B")
      return undefined
    if (!sameShape(shape.slice(0, -1), want.slice(0, -1)) || this.flip(3)) return undefined
    return this.flip()
      ? `(${text} @ ${this.declare([from, to])})`
      : `linear(${text}, ${this.declare([to, from])})`
  }
  /** By slices, zeros and copies, where the rank is the same. */
  private resized({ text, shape }: Piece, want: Shape): string | undefined {
    if (shape.length !== want.length || this.flip(3)) return undefined
    let cut = text
    for (const [i, to] of want.entries()) {
      const from = shape[i]!
      if (from === to) continue
      if (from === "B" || to === "B") return undefined
      if (from > to) {
        const start = this.below(from - to + 1)
        cut = this.flip()
          ? `narrow(${cut}, ${this.at(i, shape.length)}, ${start}, ${to})`
          : `${cut}[${[...Array.from({ length: i }, () => ":"), `${start}:${start + to}`].join(", ")}]`
      } else if (to % from === 0 && this.flip()) {
        cut = this.flip()
          ? `repeat_interleave(${cut}, ${to / from}, ${this.at(i, shape.length)})`
          : `repeat(${cut}, [${shape.map((_, n) => (n === i ? to / from : 1)).join(", ")}])`
      } else {
        const before = this.below(to - from + 1)
        const widths = shape.map((_, n) => (n === i ? `[${before}, ${to - from - before}]` : "[0, 0]"))
        cut = `pad(${cut}, [${widths.join(", ")}])`
      }
    }
    return cut
  }
  private aligned({ text, shape }: Piece, want: Shape): string {
    const place = matched(shape, want)
    const gone = shape.flatMap((_, i) => (place.has(i) ? [] : [i]))
    const kept = want.map((d, j) => ([...place.values()].includes(j) ? d : 1))
    let made = text
    if (gone.length > 0) {
      const axes = gone.length === 1 ? String(gone[0]) : `[${gone.join(", ")}]`
      const all = gone.length === shape.length && this.flip() ? "" : `, ${axes}`
      made = `${this.pick(["mean", "mean", "sum", "max", "min"])}(${made}${all})`
    }
    const left = shape.filter((_, i) => place.has(i))
    if (!sameShape(left, kept)) made = `reshape(${made}, ${this.dims(kept)})`
    return sameShape(kept, want) ? made : `expand(${made}, ${this.dims(want)})`
  }
}

/** Axes of `shape` to axes of `want` of the same size, in order, from the right. */
function matched(shape: Shape, want: Shape): Map<number, number> {
  const place = new Map<number, number>()
  let j = want.length - 1
  for (let i = shape.length - 1; i >= 0; i--) {
    const found = want.slice(0, j + 1).lastIndexOf(shape[i]!)
    if (found < 0) continue
    place.set(i, found)
    j = found - 1
  }
  return place
}
