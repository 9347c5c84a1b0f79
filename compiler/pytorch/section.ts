/** pytorch: facts about the values of a whole section: where each is used, which depend on constants alone, and with respect to which values
 *  gradients are taken. */
import type { ModelStmt, ModelValue, Section } from "../ir/model/types.js"
import type { ScalarName } from "../ir/graph/types.js"
import { type CallStmt, definedIn, type OpStmt, usesIn } from "../ir/model/statements.js"

export class SectionFacts {
  /** The number of uses in the whole section, calls and loops included. */
  private readonly uses: ReadonlyMap<ModelValue, number>
  /** Operations on nothing but constants and sizes: written again wherever they are needed. */
  readonly sources = new Map<ModelValue, OpStmt>()
  readonly scalars: ReadonlyMap<ModelValue, ScalarName>
  /** By which a gradient is taken. */
  readonly differentiated = new Set<ModelValue>()

  /** `passesScalars`: functions are given the numbers of a run as arguments, and do not look them up. */
  constructor(
    section: Section,
    private readonly passesScalars = false,
  ) {
    this.uses = usesIn(
      section.body,
      section.results.map(({ value }) => value),
    )
    this.scalars = new Map(
      section.inputs.flatMap(({ id, source }) =>
        source.kind === "scalar" ? [[id, source.scalar] as const] : [],
      ),
    )
    this.look(section.body)
  }

  private look(body: readonly ModelStmt[]): void {
    for (const s of body) {
      if (s.kind === "call") this.look(s.body)
      if (s.kind !== "op") continue
      if (s.op === "grad") this.differentiated.add(s.args[1]!)
      else if (s.regions === undefined && s.args.every((a) => this.sources.has(a))) this.sources.set(s.id, s)
      for (const region of s.regions ?? []) this.look(region.body)
    }
  }

  /** The values of a call that are used outside of it: its results, and inner values that other calls took. */
  resultsOf(call: CallStmt): readonly ModelValue[] {
    const inside = usesIn(call.body, [])
    const own = [...definedIn(call.body)].filter(
      (id) =>
        !this.sources.has(id) &&
        !call.results.includes(id) &&
        (this.uses.get(id) ?? 0) > (inside.get(id) ?? 0),
    )
    return [...call.results, ...own]
  }

  /** The values that a call takes from outside: all its arguments, then any others that it uses. */
  freeIn(call: CallStmt): readonly ModelValue[] {
    const defined = definedIn(call.body)
    const others = [...usesIn(call.body, call.results).keys()].filter(
      (id) =>
        !defined.has(id) &&
        !call.args.includes(id) &&
        !this.sources.has(id) &&
        (this.passesScalars || !this.scalars.has(id)),
    )
    return [...call.args, ...others]
  }
}
