/** codegen/wasm: Kernel -> a WebAssembly function, transcribed.
 *  The function runs the workgroups [from, to) of the flattened grid: (arguments, parameters, from, to). `arguments` points at one
 *  address per kernel parameter, `parameters` at the parameter block of the call.
 *  Assumes:    the kernel verified; addresses are multiples of 16.
 *  Guarantees: guarded loads read nothing outside their buffer; every workgroup can run in any thread.
 *  Not here:   expressions (expression.ts), the order of dispatches (module.ts). */
import { bug } from "../../source/bug.js"
import { PARAMETER_WORDS } from "../../../runtime/bundle/format.js"
import { openGrid } from "../../ir/kernels/grid.js"
import type { Expr, Kernel, Stmt } from "../../ir/kernels/types.js"
import {
  type Code,
  countLoop,
  get,
  i32,
  load,
  op,
  set,
  type FunctionType,
  type WasmFunction,
  when,
} from "./code.js"
import { Expressions } from "./expression.js"
import type { Functions } from "./functions.js"
import { typeOf, widthOf } from "../../ir/kernels/walk.js"
import { cutAtBarriers, hasBarrier, type Phase } from "./phases.js"

export const KERNEL_TYPE: FunctionType = { params: ["i32", "i32", "i32", "i32"], results: [] }
const [ARGUMENTS, PARAMETERS, FROM, TO] = [0, 1, 2, 3] as const

export interface KernelCode {
  readonly function: WasmFunction
  /** Bytes of memory that a thread needs of its own while it runs. */
  readonly scratch: number
}

/** `scratch`: the global that holds the address of the thread's own memory. */
export function kernelFunction(kernel: Kernel, functions: Functions, scratch: number): KernelCode {
  return new KernelFunction(kernel, functions, scratch).finish()
}

class KernelFunction {
  private readonly x: Expressions
  private scratchBytes = 0
  private lane: { readonly local: number; readonly extent: number } | undefined

  constructor(
    private readonly kernel: Kernel,
    functions: Functions,
    private readonly scratch: number,
  ) {
    this.x = new Expressions(kernel, KERNEL_TYPE.params.length, functions)
  }

  finish(): KernelCode {
    const { kernel, x } = this
    const entry: Code[] = [
      kernel.params.map((p, i) => set(x.bindBuffer(p.name), load("i32.load", get(ARGUMENTS), 4 * i))),
      PARAMETER_WORDS.map((word, i) => set(x.bindWord(word), load("i32.load", get(PARAMETERS), 4 * i))),
    ]
    const shared: Code[] = kernel.shared.map((s) => {
      const at = this.reserve(s.length * 4)
      return set(x.bindShared(s.name), op("i32.add", ["global.get", this.scratch], i32(at)))
    })
    const work = this.workgroups()
    return {
      function: {
        name: kernel.name,
        type: KERNEL_TYPE,
        locals: x.locals.types,
        code: [entry, shared, work],
      },
      scratch: this.scratchBytes,
    }
  }

  /** The loop over [from, to), with the grid variables taken from the flat number: x runs fastest. */
  private workgroups(): Code {
    const { x } = this
    const { grid, lanes, body } = openGrid(this.kernel.body)
    const flat = x.locals.add("i32")
    const byAxis = ["x", "y", "z"].flatMap((axis) => grid.filter((g) => g.axis === axis))
    const extents = byAxis.map((g) => ({ local: x.locals.add("i32"), code: x.expr(g.extent) }))
    const rest = x.locals.add("i32")
    const variables: Code[] = byAxis.map((g, i) => {
      const local = x.bind(g.name, "i32", 1, { index: true })
      if (byAxis.length === 1) return set(local, get(flat))
      const last = i === byAxis.length - 1
      return [
        i === 0 ? set(rest, get(flat)) : [],
        set(local, last ? get(rest) : op("i32.rem_u", get(rest), get(extents[i]!.local))),
        last ? [] : set(rest, op("i32.div_u", get(rest), get(extents[i]!.local))),
      ]
    })
    const sizes = byAxis.length === 1 ? [] : extents.map((e) => set(e.local, e.code))
    return [sizes, countLoop(flat, get(FROM), get(TO), [variables, this.lanes(lanes, body)])]
  }

  private lanes(lanes: { name: string; extent: number } | undefined, body: readonly Stmt[]): Code {
    const { x } = this
    if (lanes === undefined) return this.block(body.filter((s) => s.kind !== "barrier"))
    if (lanes.extent === 1 && !hasBarrier(body)) {
      x.define(lanes.name, { kind: "constant", value: 0 })
      return this.block(body)
    }
    if (!hasBarrier(body)) return this.count(lanes.name, i32(lanes.extent), body)
    const local = x.bind(lanes.name, "i32", 1, { index: true })
    this.lane = { local, extent: lanes.extent }
    const { phases, kept } = cutAtBarriers(body)
    for (const k of kept) {
      const size = k.width === 4 ? 16 : 4
      const at = this.reserve(lanes.extent * size)
      x.define(k.name, { kind: "memory", address: this.laneAddress(at, size), type: k.type, width: k.width })
    }
    return phases.map((p) => this.phase(p))
  }

  private phase(p: Phase): Code {
    const { x } = this
    if (p.kind === "lanes") return this.forEachLane(p.body)
    const first = set(this.lane!.local, i32(0))
    if (p.kind === "when")
      return [
        first,
        when(
          x.expr(p.stmt.cond),
          p.body.map((q) => this.phase(q)),
        ),
      ]
    const end = x.locals.add("i32")
    const iteration = x.bind(p.stmt.name, "i32", 1, { index: true })
    return [
      first,
      set(end, x.expr(p.stmt.extent)),
      countLoop(
        iteration,
        i32(0),
        get(end),
        p.body.map((q) => this.phase(q)),
      ),
    ]
  }

  private forEachLane(body: readonly Stmt[]): Code {
    const { local, extent } = this.lane!
    return countLoop(local, i32(0), i32(extent), this.block(body))
  }

  /** The address of a lane's own element of an array in scratch memory. */
  private laneAddress(at: number, size: number): Code {
    const { local } = this.lane ?? bug("no lanes")
    return op(
      "i32.add",
      ["global.get", this.scratch],
      op("i32.add", op("i32.mul", get(local), i32(size)), i32(at)),
    )
  }
  private reserve(bytes: number): number {
    const at = this.scratchBytes
    this.scratchBytes += Math.ceil(bytes / 16) * 16
    return at
  }

  private block(body: readonly Stmt[]): Code {
    const names = this.x.scope()
    const code = body.map((s) => this.stmt(s))
    this.x.leave(names)
    return code
  }

  private stmt(s: Stmt): Code {
    const { x } = this
    switch (s.kind) {
      case "for":
        return this.loop(s)
      case "let":
        return this.assign(s.name, s.value, true)
      case "var":
        return this.assign(s.name, s.init, false)
      case "set":
        return x.assign(s.name, x.expr(s.value))
      case "store":
        return x.store(s.buffer, s.index, s.value)
      case "store-shared":
        return x.storeShared(s.name, s.index, s.value)
      case "when":
        return when(
          x.expr(s.cond),
          x.inBranch(() => this.block(s.then)),
        )
      case "join":
        return bug("lanes are joined in subgroups, which a processor does not have")
      case "barrier":
        return bug("a barrier where lanes run alone")
    }
  }

  private assign(name: string, value: Expr, constant: boolean): Code {
    const { x } = this
    const code = x.expr(value)
    if (!x.isKept(name))
      x.bind(
        name,
        typeOf(value),
        widthOf(value),
        constant ? { index: x.isIndex(value), value } : { mutable: true },
      )
    return x.assign(name, code)
  }

  private loop(s: Stmt & { kind: "for" }): Code {
    const { x } = this
    if (s.on === "unroll") {
      if (s.extent.kind !== "const") return bug(`the extent of unrolled loop ${s.name} is not constant`)
      return Array.from({ length: s.extent.value }, (_, i) => {
        const names = x.scope()
        x.define(s.name, { kind: "constant", value: i })
        const code = this.block(s.body)
        x.leave(names)
        return code
      })
    }
    if (s.on !== "serial") return bug(`${s.on} loop ${s.name} inside a kernel body`)
    const extent = x.expr(s.extent)
    if (s.extent.kind === "const") return this.count(s.name, extent, s.body)
    const end = x.locals.add("i32")
    return [set(end, extent), this.count(s.name, get(end), s.body)]
  }

  /** `name` counts from 0 to `end` - 1. */
  private count(name: string, end: Code, statements: readonly Stmt[]): Code {
    const { iteration, before, body, step } = this.x.loop(name, () => this.block(statements))
    return [before, countLoop(iteration, i32(0), end, [body, step])]
  }
}
