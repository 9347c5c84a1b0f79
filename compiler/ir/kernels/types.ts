/** ir/kernels: loop nests over buffers. How a loop runs is a field of the loop; the grid is read off the `grid` loops.
 *  WGSL and WASM are two transcribers of this IR. */
import type { ScalarName } from "../graph/types.js"
import type { Origin } from "../origin.js"
import type { Dim, DimSymbol, DType } from "../tensor.js"
import type { ScalarOp } from "./scalar.js"

/** Element types of expressions. Index arithmetic is i32. */
export type ScalarType = "f32" | "f16" | "i32" | "u32" | "bool"

/** Expressions are pure. `width` 4 is a vector of four lanes; scalars must be splat explicitly to meet vectors. */
export type Expr =
  | { readonly kind: "const"; readonly type: ScalarType; readonly value: number }
  /** A loop variable, `let` or `var` by name. */
  | { readonly kind: "ref"; readonly name: string; readonly type: ScalarType; readonly width: 1 | 4 }
  /** The value of a dimension symbol in this call (i32). */
  | { readonly kind: "dim"; readonly symbol: DimSymbol }
  /** A run-time scalar of the call. */
  | { readonly kind: "param"; readonly name: ScalarName; readonly type: ScalarType }
  | {
      readonly kind: "op"
      readonly op: ScalarOp
      readonly args: readonly Expr[]
      readonly type: ScalarType
      readonly width: 1 | 4
    }
  /** `width` 4: four consecutive elements from `index`, which is a multiple of 4 unless the target allows vectors anywhere.
   *  An index outside the buffer is a bug unless the load stands in the `then` of a guard whose condition is false there. */
  | {
      readonly kind: "load"
      readonly buffer: string
      readonly index: Expr
      readonly type: ScalarType
      readonly width: 1 | 4
    }
  /** `then` where `cond`, else `otherwise`; only the chosen side is meaningful. A `cond` of width 4 chooses lane by lane, and
   *  `then` is a load. */
  | {
      readonly kind: "guard"
      readonly cond: Expr
      readonly then: Expr
      readonly otherwise: Expr
      readonly type: ScalarType
      readonly width: 1 | 4
    }
  | { readonly kind: "splat"; readonly value: Expr; readonly type: ScalarType; readonly width: 4 }
  | {
      readonly kind: "vec"
      readonly items: readonly [Expr, Expr, Expr, Expr]
      readonly type: ScalarType
      readonly width: 4
    }
  /** Lane `lane` (0..3) of a vector. */
  | { readonly kind: "lane"; readonly value: Expr; readonly lane: number; readonly type: ScalarType }
  /** An element of a workgroup array, or four from `index` on where the target allows vectors anywhere. */
  | {
      readonly kind: "shared"
      readonly name: string
      readonly index: Expr
      readonly type: ScalarType
      readonly width: 1 | 4
    }

/** grid.*: one workgroup per iteration. lane: invocations of one workgroup (extent constant). serial: a loop. unroll: copied out.
 *  calls: one iteration for each call that the dispatch makes, at most as many as the extent (constant); within, dimensions and
 *  run-time scalars are those of the iteration's call. */
export type LoopKind = "grid.x" | "grid.y" | "grid.z" | "lane" | "calls" | "serial" | "unroll"

/** The most calls of one dispatch: their parameters fill the largest uniform binding that WebGPU guarantees. */
export const MOST_CALLS = 2048

export type Stmt =
  | {
      readonly kind: "for"
      readonly name: string
      readonly extent: Expr
      readonly on: LoopKind
      readonly body: readonly Stmt[]
    }
  | { readonly kind: "let"; readonly name: string; readonly value: Expr }
  | {
      readonly kind: "var"
      readonly name: string
      readonly type: ScalarType
      readonly width: 1 | 4
      readonly init: Expr
    }
  | { readonly kind: "set"; readonly name: string; readonly value: Expr }
  | { readonly kind: "store"; readonly buffer: string; readonly index: Expr; readonly value: Expr }
  | { readonly kind: "when"; readonly cond: Expr; readonly then: readonly Stmt[] }
  /** All lanes get here before any goes on, and see what the others wrote into workgroup arrays or, `storage`, into buffers. */
  | { readonly kind: "barrier"; readonly memory?: "storage" }
  | { readonly kind: "store-shared"; readonly name: string; readonly index: Expr; readonly value: Expr }
  /** The values of all lanes combined, which all lanes then know: within subgroups, whatever their size, then through the workgroup
   *  array `through`, with an element per lane. The order depends on the device alone. All lanes get here. */
  | {
      readonly kind: "join"
      readonly name: string
      readonly op: JoinOp
      readonly value: Expr
      /** Changes no value that it is combined with. */
      readonly neutral: Expr
      readonly through: string
    }

export type JoinOp = "add" | "mul" | "max" | "min"

export interface KernelParam {
  /** The name inside the kernel text: `x`, `linear_0_weight`. */
  readonly name: string
  readonly dtype: DType
  readonly access: "read" | "write" | "read_write"
  /** The buffer is declared as an array of such vectors, and written in them; of vectors, single elements may be loaded too. 1 where
   *  the target allows vectors anywhere: accesses of both widths. */
  readonly width: 1 | 4
}
/** An array of a workgroup or, `own`, of each lane by itself. */
export interface SharedArray {
  readonly name: string
  readonly type: ScalarType
  readonly length: number
  /** All accesses are of this width; 1 where the target allows vectors anywhere: accesses of both widths. */
  readonly width: 1 | 4
  readonly own?: true
}
export interface Kernel {
  readonly name: string
  readonly params: readonly KernelParam[]
  readonly shared: readonly SharedArray[]
  /** grid loops outermost, then at most one `lane` loop, then at most one `calls` loop, then the rest. */
  readonly body: readonly Stmt[]
  /** The template that built it and its choices, for people: `contract 8x8`, `map vec4`. */
  readonly template: string
  readonly origins: readonly Origin[]
}

/** A value in device memory. */
export interface Buffer {
  readonly id: number
  /** Slots: the slot's name. Inputs: the input's. Others: made from the op and its origin. */
  readonly name: string
  readonly dtype: DType
  readonly elements: Dim
  readonly role: "slot" | "data" | "feed" | "temp" | "output"
}
/** Each member of a pack starts at a multiple of this many elements: 256 bytes, so that it can be bound on its own too. */
export const PACK_ALIGN = 64
/** Several buffers laid one after another in memory, so that one kernel walks over all of them. Each member starts at a
 *  multiple of PACK_ALIGN elements. */
export interface Pack {
  readonly id: number
  readonly name: string
  readonly members: readonly number[]
}
export type BufferRef =
  { readonly kind: "buffer"; readonly id: number } | { readonly kind: "pack"; readonly id: number }
export interface Dispatch {
  readonly kernel: string
  /** One per kernel parameter. */
  readonly args: readonly BufferRef[]
  /** No dispatch moves across it, since its results are not wanted any earlier. */
  readonly waits?: true
}
/** The dispatches from `first` up to but not including `end` run `iterations` times over; `iteration` counts from 0. Loops do not nest. */
export interface Loop {
  readonly first: number
  readonly end: number
  readonly iterations: number
}
/** One graph, scheduled. */
export interface KernelProgram {
  readonly name: string
  readonly buffers: readonly Buffer[]
  readonly packs: readonly Pack[]
  readonly kernels: readonly Kernel[]
  readonly dispatches: readonly Dispatch[]
  /** The loops in order; absent when there is none. */
  readonly loops?: readonly Loop[]
  /** `at`: the element of the buffer, of an output that shares it with others. */
  readonly outputs: readonly { readonly name: string; readonly buffer: number; readonly at?: number }[]
}
