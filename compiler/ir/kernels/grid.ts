/** ir/kernels: the grid of a kernel, read off its outermost loops. */
import { bug } from "../../source/bug.js"
import { type DimValues } from "../tensor.js"
import { scalarDef } from "./scalar.js"
import type { Expr, Kernel, Stmt } from "./types.js"

export interface OpenGrid {
  readonly grid: readonly { readonly name: string; readonly axis: "x" | "y" | "z"; readonly extent: Expr }[]
  readonly lanes?: { readonly name: string; readonly extent: number }
  readonly body: readonly Stmt[]
}

const AXES = { "grid.x": "x", "grid.y": "y", "grid.z": "z" } as const

/** The grid loops (outermost) and the lane loop taken off a kernel body. */
export function openGrid(body: readonly Stmt[]): OpenGrid {
  const grid: { name: string; axis: "x" | "y" | "z"; extent: Expr }[] = []
  let rest = body
  for (;;) {
    const only = rest.length === 1 ? rest[0]! : undefined
    if (only?.kind !== "for") return { grid, body: rest }
    if (only.on === "lane") {
      if (only.extent.kind !== "const") return bug(`the extent of lane loop ${only.name} is not constant`)
      return { grid, lanes: { name: only.name, extent: only.extent.value }, body: only.body }
    }
    if (only.on === "serial" || only.on === "unroll" || only.on === "calls") return { grid, body: rest }
    grid.push({ name: only.name, axis: AXES[only.on], extent: only.extent })
    rest = only.body
  }
}

/** The most calls that one dispatch of the kernel makes; undefined for a kernel that knows only one. */
export function callsOf(kernel: Kernel): number | undefined {
  const [loop] = openGrid(kernel.body).body
  return loop?.kind === "for" && loop.on === "calls" && loop.extent.kind === "const"
    ? loop.extent.value
    : undefined
}

const ONE: Expr = { kind: "const", type: "i32", value: 1 }

/** Workgroups along x, y, z. */
export function gridOf(kernel: Kernel): readonly [Expr, Expr, Expr] {
  const { grid } = openGrid(kernel.body)
  const along = (axis: "x" | "y" | "z"): Expr => grid.find((g) => g.axis === axis)?.extent ?? ONE
  return [along("x"), along("y"), along("z")]
}

/** The value of an extent: constants, dimensions and integer operations on them. */
export function evalSize(e: Expr, dims: DimValues): number {
  if (e.kind === "const") return e.value
  if (e.kind === "dim") return dims[e.symbol]
  if (e.kind === "op")
    return scalarDef(e.op).eval(
      e.args.map((a) => evalSize(a, dims)),
      "i32",
    )
  return bug(`a grid extent depends on ${e.kind}`)
}
