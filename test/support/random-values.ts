/** test: what a random program knows of its values, so that it stays one whose results are worth comparing.
 *  A comparison or a rounding of a computed number may go the other way when the last digit differs, so these take exact
 *  values only: multiples of a power of two, so few digits long that f32 holds them, and every sum and product of them
 *  within bounds, in any order.   Not here: which operations are tried (`random-steps.ts`). */
import type { OpName } from "../../compiler/ir/op-name.js"
import { GraphBuild } from "../../compiler/ir/graph/build.js"
import type { Attrs } from "../../compiler/ir/graph/types.js"
import {
  type DimValues,
  evalDim,
  numel,
  scalarType,
  type Shape,
  tensorType,
} from "../../compiler/ir/tensor.js"
import { ConstraintError, type Value } from "../../compiler/ops/op.js"

export interface Known {
  readonly value: Value
  /** Of exact values: they are multiples of 2^-grain. null: rounded somewhere. */
  readonly grain: number | null
  /** No element is larger, in size. */
  readonly size: number
  /** Integers from 0 to below - 1; null: any. */
  readonly below: number | null
}

/** Digits that f32 holds, less one for signs and ties. */
const DIGITS = 22
/** Larger numbers leave too few digits for what comes after. */
const LARGEST = 64
const ELEMENTS = 1024

export class Values {
  readonly g = new GraphBuild("random")
  readonly all: Known[] = []
  private names = 0

  constructor(readonly dims: DimValues) {}

  get floats(): readonly Known[] {
    return this.all.filter((k) => k.value.type.dtype === "f32")
  }
  get exact(): readonly Known[] {
    return this.floats.filter((k) => k.grain !== null)
  }
  get integers(): readonly Known[] {
    return this.all.filter((k) => k.value.type.dtype === "i32")
  }
  get bools(): readonly Known[] {
    return this.all.filter((k) => k.value.type.dtype === "bool")
  }

  /** Quarters from -2 to 2: the harness draws the inputs of a program so. */
  input(shape: Shape): Known {
    const value = this.g.input(`x${this.names++}`, tensorType("f32", shape))
    return this.keep({ value, grain: 2, size: 2, below: null })!
  }
  /** Any numbers from -1 to 1. */
  slot(shape: Shape): Known {
    const value = this.g.slot(`w${this.names++}`, tensorType("f32", shape), "param")
    return this.keep({ value, grain: null, size: 1, below: null })!
  }
  places(shape: Shape, count: number): Known {
    const raw = this.g.input(`i${this.names++}`, tensorType("i32", shape))
    return this.keep({
      value: this.g.apply("below", [raw], { count }),
      grain: 0,
      size: count - 1,
      below: count,
    })!
  }
  scalar(name: "step" | "seed"): Value {
    const known = this.scalars.get(name)
    if (known !== undefined) return known
    const made = this.g.input(name, scalarType(name === "seed" ? "u32" : "i32"), {
      kind: "scalar",
      scalar: name,
    })
    this.scalars.set(name, made)
    return made
  }
  private readonly scalars = new Map<string, Value>()

  /** Applies an operation; undefined where it does not take these arguments. */
  apply(op: OpName, args: readonly Value[], attrs: Attrs = {}): Value | undefined {
    try {
      return this.g.apply(op, args, attrs)
    } catch (error) {
      if (error instanceof ConstraintError) return undefined
      throw error
    }
  }
  /** Adds a value to those that later steps take, unless it is too large. Numbers that stopped being exact are rounded ones. */
  keep(known: Known): Known | undefined {
    const { value, size } = known
    const exact = known.grain !== null && known.grain + Math.log2(Math.max(1, size)) <= DIGITS
    if (value.type.dtype === "i32" ? size >= 2 ** DIGITS : !exact && size > LARGEST) return undefined
    if (this.count(value.type.shape) > ELEMENTS) return undefined
    const kept = { ...known, grain: exact ? known.grain : null }
    this.all.push(kept)
    return kept
  }
  count(shape: Shape): number {
    return evalDim(numel(shape), this.dims)
  }
}
