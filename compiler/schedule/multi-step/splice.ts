/** schedule: statements of one kernel made part of another: new local names, buffers at their locations there.
 *  Assumes: all accesses are of width 1. */
import type { Expr, Stmt } from "../../ir/kernels/types.js"
import { withChildren } from "../../ir/kernels/walk.js"
import { bug } from "../../source/bug.js"
import type { Location } from "./buffers.js"

export class Splice {
  private readonly names = new Map<string, string>()
  constructor(
    /** By parameter of the kernel. */
    private readonly locations: ReadonlyMap<string, Location>,
    /** Names of the kernel that is made. */
    private readonly taken: Set<string>,
  ) {}

  /** The new name for the declaration of `name`. */
  declare(name: string): string {
    let fresh = name
    for (let i = 1; this.taken.has(fresh); i++) fresh = `${name}_${i}`
    this.taken.add(fresh)
    this.names.set(name, fresh)
    return fresh
  }
  alias(name: string, fresh: string): void {
    this.names.set(name, fresh)
  }

  block(body: readonly Stmt[]): Stmt[] {
    return body.map((s) => this.stmt(s))
  }

  private stmt(s: Stmt): Stmt {
    switch (s.kind) {
      case "for": {
        const extent = this.expr(s.extent)
        const name = this.declare(s.name)
        return { ...s, name, extent, body: this.block(s.body) }
      }
      case "let": {
        const value = this.expr(s.value)
        return { ...s, name: this.declare(s.name), value }
      }
      case "var": {
        const init = this.expr(s.init)
        return { ...s, name: this.declare(s.name), init }
      }
      case "set":
        return { ...s, name: this.name(s.name), value: this.expr(s.value) }
      case "when":
        return { ...s, cond: this.expr(s.cond), then: this.block(s.then) }
      case "join":
        return bug("a kernel for one workgroup joins its lanes in subgroups")
      case "barrier":
        return s
      case "store-shared":
        return { ...s, name: this.name(s.name), index: this.expr(s.index), value: this.expr(s.value) }
      case "store": {
        const location = this.location(s.buffer)
        const index = at(location, this.expr(s.index))
        const value = this.expr(s.value)
        return location.kind === "shared"
          ? { kind: "store-shared", name: location.name, index, value }
          : { kind: "store", buffer: location.name, index, value }
      }
    }
  }

  private expr(e: Expr): Expr {
    const go = (x: Expr): Expr => this.expr(x)
    switch (e.kind) {
      case "ref":
        return { ...e, name: this.name(e.name) }
      case "shared":
        return { ...e, name: this.name(e.name), index: go(e.index) }
      case "load": {
        if (e.width !== 1) return bug(`a load of ${e.buffer} in fours`)
        const location = this.location(e.buffer)
        const index = at(location, go(e.index))
        return location.kind === "shared"
          ? { kind: "shared", name: location.name, index, type: e.type, width: 1 }
          : { ...e, buffer: location.name, index }
      }
      default:
        return withChildren(e, go)
    }
  }

  private name(name: string): string {
    return this.names.get(name) ?? bug(`${name} is not bound`)
  }
  private location(buffer: string): Location {
    return this.locations.get(buffer) ?? bug(`no location for ${buffer}`)
  }
}

/** The index in the whole for an index into one of its parts. */
function at(location: Location, index: Expr): Expr {
  if (index.kind === "const" && location.base.kind === "const")
    return { ...index, value: index.value + location.base.value }
  if (location.base.kind === "const" && location.base.value === 0) return index
  return { kind: "op", op: "add", args: [index, location.base], type: "i32", width: 1 }
}
