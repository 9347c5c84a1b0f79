/** schedule: loops over a reduction's inner space, by one invocation or by the lanes of a workgroup. */
import type { Expr, Stmt } from "../../ir/kernels/types.js"
import { numel, type Shape } from "../../ir/tensor.js"
import type { KernelBuild } from "./kernel-build.js"
import { unravel } from "../expressions/values.js"

/** One walk: its variables, the index they stand for, and the loops around a body. */
export interface Walk {
  readonly variables: readonly (Expr & { kind: "ref" })[]
  readonly r: readonly Expr[]
  readonly around: (body: readonly Stmt[]) => readonly Stmt[]
}

/** A loop nest, in row-major order. */
export function serialWalk(b: KernelBuild, inner: Shape): Walk {
  const { k } = b
  const axes = inner.map((d) => (d === 1 ? undefined : b.variable("r", d)))
  return {
    variables: axes.filter((v) => v !== undefined),
    r: axes.map((v) => v ?? k.int(0)),
    around: (body) =>
      axes.reduceRight<readonly Stmt[]>((rest, v, n) => {
        if (v === undefined) return rest
        return [{ kind: "for", name: v.name, extent: k.dim(inner[n]!), on: "serial", body: rest }]
      }, body),
  }
}

/** Each lane strides over the inner space. */
export function stridedWalk(b: KernelBuild, inner: Shape, lane: Expr, lanes: number): Walk {
  const { k } = b
  const count = numel(inner)
  const iteration = b.variable("iteration")
  const linear = b.variable("p", count)
  const iterations = k.div(k.add(k.dim(count), k.int(lanes - 1)), k.int(lanes))
  return {
    variables: [linear],
    r: unravel(k, linear, inner),
    around: (body) => [
      {
        kind: "for",
        name: iteration.name,
        extent: iterations,
        on: "serial",
        body: [
          { kind: "let", name: linear.name, value: k.add(k.mul(iteration, k.int(lanes)), lane) },
          { kind: "when", cond: k.asIs("lt", linear, k.dim(count)), then: body },
        ],
      },
    ],
  }
}
