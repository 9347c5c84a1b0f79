/** schedule: the values that a walk over a row keeps for the walks after it: those of its elements that take long to compute and are needed again,
 *  such as the exponentials of a softmax, in workgroup memory, each row in a part of its own.
 *  Guarantees: the first walk that needs such a value computes it; the others load it.
 *  Not here:   the walks (`templates/row-vectors.ts`). */
import type { AlongPlan } from "../../ir/groups/types.js"
import type { Expr, Stmt } from "../../ir/kernels/types.js"
import { childrenOf } from "../../ir/kernels/walk.js"
import { isStatic, numel } from "../../ir/tensor.js"
import { worthKeeping } from "../cost/model.js"
import type { KernelBuild } from "../kernel/kernel-build.js"
import { operationsIn } from "../expressions/operations.js"
import { linearIndex } from "../expressions/values.js"

type Ref = Expr & { kind: "ref" }

/** The statements that come first at an index of a walk, and the replacements of expressions from then on. */
interface AtIndex {
  readonly before: readonly Stmt[]
  readonly known: ReadonlyMap<Expr, Expr>
}
export interface Keeping {
  /** The same at the indices `r` for `j` from 0 to 3, or at one index. `moved` puts indices into an expression. */
  at(walk: number, r: readonly Expr[], j: Ref | undefined, moved: (e: Expr) => Expr): AtIndex
}

/** `walks`: the values that each needs, `indices` being where it stands; `lane`: which row of its workgroup this is. */
export function keeping(
  b: KernelBuild,
  walks: readonly (readonly Expr[])[],
  indices: readonly Ref[],
  lane: Expr,
  { lanes, keep }: AlongPlan,
): Keeping {
  const { k } = b
  const { inner } = b.group
  const size = numel(inner)
  if (!keep || !isStatic(size)) return { at: () => ({ before: [], known: new Map() }) }
  const varies = (e: Expr): boolean => indices.some((p) => k.namesIn(e).has(p.name))
  const kept = neededLater(walks, varies).map(({ value, walk }) => {
    const name = b.name("kept")
    b.shared.push({ name, type: "f32", length: size * lanes, width: 1 })
    return { value, walk, name }
  })
  return {
    at: (walk, r, j, moved) => {
      const before: Stmt[] = []
      const known = new Map<Expr, Expr>()
      const linear = k.add(k.mul(lane, k.int(size)), linearIndex(k, r, inner))
      const index = j === undefined ? linear : k.substitute(linear, j.name, k.int(0))
      const width = j === undefined ? 1 : 4
      for (const x of kept.filter((y) => y.walk <= walk)) {
        const value = moved(x.value)
        const name = b.name(`${x.name}_here`)
        const own = k.ref(name, "f32", width)
        const computed = (): Expr => (j === undefined ? value : b.widen(value, j.name))
        const first = x.walk === walk
        before.push({ kind: "let", name, value: first ? computed() : k.shared(x.name, index, "f32", width) })
        if (first) before.push({ kind: "store-shared", name: x.name, index, value: own })
        known.set(value, own)
      }
      return { before, known }
    },
  }
}

/** The largest values that are worth keeping, and the first walk that computes each. */
function neededLater(
  walks: readonly (readonly Expr[])[],
  varies: (e: Expr) => boolean,
): { value: Expr; walk: number }[] {
  const parts = walks.map((values) => partsOf(values))
  const out = new Map<Expr, number>()
  walks.forEach((values, walk) => {
    const later = parts.slice(walk + 1)
    const seen = new Set<Expr>()
    const visit = (e: Expr): void => {
      if (out.has(e) || seen.has(e) || !varies(e)) return
      seen.add(e)
      const again = e.kind === "op" && e.type === "f32" && later.some((all) => all.has(e))
      if (again && worthKeeping(operationsIn(e))) out.set(e, walk)
      else childrenOf(e).forEach(visit)
    }
    values.forEach(visit)
  })
  return [...out].map(([value, walk]) => ({ value, walk }))
}

function partsOf(values: readonly Expr[]): ReadonlySet<Expr> {
  const out = new Set<Expr>()
  const visit = (e: Expr): void => {
    if (out.has(e)) return
    out.add(e)
    childrenOf(e).forEach(visit)
  }
  values.forEach(visit)
  return out
}
