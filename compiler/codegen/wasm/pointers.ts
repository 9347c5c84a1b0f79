/** codegen/wasm: addresses that a loop moves along. An access whose index is `a * iteration + b`, `b` fixed while the loop runs, gets a
 *  pointer: set before the loop, moved by `a` elements at the end of each iteration. Accesses that differ by a constant share one and
 *  have the difference in the instruction.
 *  Assumes:    names are bound once.
 *  Guarantees: no effective address of an access that runs lies below its pointer; accesses in a branch have pointers of their own,
 *              since the branch may be taken in no iteration whose addresses exist.
 *  Not here:   which loops there are (kernel.ts), other addresses (expression.ts). */
import type { Expr } from "../../ir/kernels/types.js"
import { type Code, get, i32, type Locals, op, set } from "./code.js"

/** iteration * `stride` + the sum of `fixed` + `constant`. */
export interface Form {
  readonly stride: number
  readonly fixed: ReadonlyMap<string, { readonly value: Expr; readonly times: number }>
  readonly constant: number
}

/** How the innermost loop changes a name. */
export type Role =
  | { readonly kind: "iteration" }
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "form"; readonly form: Form }
  | { readonly kind: "fixed" }
  | { readonly kind: "other" }

/** An instruction whose first immediate is written when the loop is left. */
export type Patched = [name: string, distance: number, ...lane: number[]]

interface Pointer {
  readonly local: number
  readonly base: number
  readonly form: Form
  readonly size: number
  readonly uses: { readonly constant: number; readonly instruction: Patched }[]
}

/** The pointers of one loop. */
export class LoopPointers {
  private readonly pointers = new Map<string, Pointer>()
  constructor(private readonly locals: Locals) {}

  /** The address of element `form` behind `base`, as the pointer's local; `instruction` gets the rest as its first immediate. */
  address(base: number, form: Form, size: number, branch: number, instruction: Patched): Code {
    const terms = [...form.fixed].map(([key, { times }]) => `${key}*${times}`)
    const key = `${base} ${size} ${branch} ${form.stride} ${terms.sort().join("+")}`
    let pointer = this.pointers.get(key)
    if (pointer === undefined)
      this.pointers.set(key, (pointer = { local: this.locals.add("i32"), base, form, size, uses: [] }))
    pointer.uses.push({ constant: form.constant, instruction })
    return get(pointer.local)
  }

  /** The code before the loop, and at the end of each iteration. */
  finish(expr: (e: Expr) => Code): { before: Code; step: Code } {
    const before: Code[] = []
    const step: Code[] = []
    for (const { local, base, form, size, uses } of this.pointers.values()) {
      const least = uses.reduce((n, u) => Math.min(n, u.constant), Infinity)
      for (const u of uses) u.instruction[1] = (u.constant - least) * size
      const offset = [...form.fixed.values()].reduce<Code>((sum, { value, times }) => {
        const bytes = expr(value)
        return op("i32.add", sum, times * size === 1 ? bytes : op("i32.mul", bytes, i32(times * size)))
      }, get(base))
      before.push(set(local, least === 0 ? offset : op("i32.add", offset, i32(least * size))))
      if (form.stride !== 0) step.push(set(local, op("i32.add", get(local), i32(form.stride * size))))
    }
    return { before, step }
  }
}

const FIXED = new Map<string, { readonly value: Expr; readonly times: number }>()
const constantForm = (constant: number): Form => ({ stride: 0, fixed: FIXED, constant })

/** The form of an i32 expression, if it has one. */
export function formOf(e: Expr, role: (name: string) => Role): Form | undefined {
  switch (e.kind) {
    case "const":
      return constantForm(e.value)
    case "ref": {
      const r = role(e.name)
      if (r.kind === "iteration") return { stride: 1, fixed: FIXED, constant: 0 }
      if (r.kind === "constant") return constantForm(r.value)
      if (r.kind === "form") return r.form
      return r.kind === "fixed" ? atom(e.name, e) : undefined
    }
    case "op": {
      const [a, b] = e.args
      if (e.op === "add" || e.op === "sub") {
        const [x, y] = [formOf(a!, role), formOf(b!, role)]
        return x && y && sum(x, y, e.op === "add" ? 1 : -1)
      }
      if (e.op === "mul") {
        const [x, y] = [formOf(a!, role), formOf(b!, role)]
        if (x === undefined || y === undefined) return undefined
        if (isConstant(y)) return sum(constantForm(0), x, y.constant)
        if (isConstant(x)) return sum(constantForm(0), y, x.constant)
      }
      return fixedAtom(e, role)
    }
    default:
      return fixedAtom(e, role)
  }
}

const isConstant = (f: Form): boolean => f.stride === 0 && f.fixed.size === 0

function sum(a: Form, b: Form, times: number): Form {
  const fixed = new Map(a.fixed)
  for (const [key, t] of b.fixed) {
    const all = (fixed.get(key)?.times ?? 0) + t.times * times
    if (all === 0) fixed.delete(key)
    else fixed.set(key, { value: t.value, times: all })
  }
  return { stride: a.stride + b.stride * times, fixed, constant: a.constant + b.constant * times }
}

const atom = (key: string, value: Expr): Form => ({
  stride: 0,
  fixed: new Map([[key, { value, times: 1 }]]),
  constant: 0,
})

/** A whole expression that the loop does not change. */
function fixedAtom(e: Expr, role: (name: string) => Role): Form | undefined {
  const key = fixedKey(e, role)
  return key === undefined ? undefined : atom(key, e)
}
function fixedKey(e: Expr, role: (name: string) => Role): string | undefined {
  switch (e.kind) {
    case "const":
      return `${e.value}`
    case "dim":
      return e.symbol
    case "param":
      return `@${e.name}`
    case "ref": {
      const r = role(e.name)
      return r.kind === "fixed" ? e.name : r.kind === "constant" ? `${r.value}` : undefined
    }
    case "op": {
      const parts = e.args.map((a) => fixedKey(a, role))
      return parts.includes(undefined) ? undefined : `${e.op}(${parts.join()})`
    }
    default:
      return undefined
  }
}
