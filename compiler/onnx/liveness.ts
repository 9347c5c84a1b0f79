/** onnx: which values the results of a section need, and whether values inside a call are used outside of it. */
import type { ModelStmt, ModelValue, Section } from "../ir/model/types.js"
import type { TensorType } from "../ir/tensor.js"
import { type CallStmt, changesSlots, definedIn } from "../ir/model/statements.js"

export class Liveness {
  private readonly needed = new Set<ModelValue>()
  private readonly uses = new Map<ModelValue, number>()
  private readonly types = new Map<ModelValue, TensorType>()

  constructor(section: Section) {
    for (const { value } of section.results) this.use(value)
    this.walk(section.body)
  }

  needs(id: ModelValue): boolean {
    return this.needed.has(id)
  }
  typeOf(id: ModelValue): TensorType | undefined {
    return this.types.get(id)
  }
  /** Whether nothing but the results of a call is used outside of it, and it changes no slot. */
  isClosed(call: CallStmt): boolean {
    if (changesSlots(call.body)) return false
    const results = call.results.map((value) => ({ name: "", value }))
    const inside = new Liveness({ inputs: [], body: call.body, results })
    return [...definedIn(call.body)].every(
      (id) => call.results.includes(id) || (this.uses.get(id) ?? 0) === inside.countOf(id),
    )
  }

  private countOf(id: ModelValue): number {
    return this.uses.get(id) ?? 0
  }
  private use(id: ModelValue): void {
    this.needed.add(id)
    this.uses.set(id, (this.uses.get(id) ?? 0) + 1)
  }
  /** Goes from the last statement to the first, since the users of a value come after it. */
  private walk(body: readonly ModelStmt[]): void {
    for (const s of [...body].reverse()) {
      if (s.kind === "call") this.walk(s.body)
      if (s.kind === "update") this.use(s.value)
      if (s.kind === "op" || s.kind === "read") this.types.set(s.id, s.type)
      if (s.kind !== "op") continue
      if (!this.needed.has(s.id)) continue
      for (const arg of s.args) this.use(arg)
      for (const region of s.regions ?? []) {
        for (const id of region.results) this.use(id)
        this.walk(region.body)
      }
    }
  }
}
