/** check: data flow of a complete section: which of the user's calls computed a value, and which fields and parameters it depends on. */
import { type Producer, producersIn } from "../../ir/model/statements.js"
import type { ModelValue } from "../../ir/model/types.js"
import { opDef } from "../../ops/index.js"
import { zeroGrad } from "../../ops/op.js"
import type { SectionState } from "../section.js"
import type { TensorValue, Value } from "../values.js"
import type { Done } from "./done.js"

export class Flow {
  private readonly producers: ReadonlyMap<ModelValue, Producer>
  private readonly makers = new Map<ModelValue, Done>()
  private readonly fields = new Map<ModelValue, string>()

  constructor(readonly section: SectionState) {
    this.producers = producersIn(section.bodies[0]!)
    for (const { id, name, source } of section.inputs) if (source.kind === "data") this.fields.set(id, name)
    for (const done of section.done) {
      const { result } = done
      const handsOn = [...done.args.values()].some((arg) => sameValue(arg, result))
      if (result.kind === "tensor" && !handsOn) this.makers.set(result.id, done)
    }
  }

  get done(): readonly Done[] {
    return this.section.done
  }

  /** The call that made a value, where the user wrote one. */
  maker(value: Value | undefined): Done | undefined {
    return value?.kind === "tensor" ? this.makers.get(value.id) : undefined
  }

  /** The field that a value is, as it is read. */
  field(value: Value | undefined): string | undefined {
    return value?.kind === "tensor" ? this.fields.get(value.id) : undefined
  }

  producer(id: ModelValue): Producer | undefined {
    return this.producers.get(id)
  }

  /** Whether a value depends on one that `test` holds for, itself included. `past`: where the way ends. */
  comesFrom(
    from: ModelValue,
    test: (id: ModelValue, producer: Producer | undefined) => boolean,
    past: (producer: Producer) => boolean = () => false,
  ): boolean {
    const seen = new Set<ModelValue>()
    const stack = [from]
    for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
      if (seen.has(id)) continue
      seen.add(id)
      const producer = this.producers.get(id)
      if (test(id, producer)) return true
      if (producer?.kind !== "op" || past(producer)) continue
      stack.push(...producer.args, ...(producer.regions ?? []).flatMap((region) => region.results))
    }
    return false
  }

  /** Whether a small change of a parameter changes it a little: no step and no place is on every way. */
  isSmooth({ id }: TensorValue): boolean {
    return this.comesFrom(id, (_, producer) => producer?.kind === "read", isStep)
  }
}

function isStep(producer: Producer): boolean {
  const def = producer.kind === "op" ? opDef(producer.op) : undefined
  return (
    def !== undefined &&
    def.traits.kind !== "meta" &&
    (typeof def.grad !== "function" || def.grad === zeroGrad)
  )
}

export const sameValue = (a: Value | undefined, b: Value | undefined): boolean =>
  a?.kind === "tensor" && b?.kind === "tensor" && a.id === b.id
