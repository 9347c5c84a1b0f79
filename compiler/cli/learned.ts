/** cli: the trained values of a checkpoint: parameters, or their averages where these are kept, and running statistics; no optimizer state. */
import { type AnyManifest, slotsOf } from "../../runtime/bundle/builds.js"
import type { SlotSpec } from "../../runtime/bundle/format.js"
import type { loadCheckpoint } from "../../runtime/node.js"
import { nearest } from "../source/suggest.js"
import { EXIT, Failure } from "./failure.js"

type Slots = Awaited<ReturnType<typeof loadCheckpoint>>["slots"]

export interface Learned {
  readonly specs: readonly SlotSpec[]
  readonly values: Slots
}

export function learnedValues(manifest: AnyManifest, values: Slots): Learned {
  const specs = slotsOf(manifest).filter(({ role }) => role === "param" || role === "state")
  const read = specs.map(({ name }): [string, Uint8Array] => [
    name,
    values.get(`${name}/average`) ?? values.get(name)!,
  ])
  return { specs, values: new Map(read) }
}

/** Those of one model, its name left out. */
export function ofModel({ predicts }: AnyManifest, { specs, values }: Learned, model: string): Learned {
  requireModel(predicts, model)
  const own = specs.filter(({ name }) => name.startsWith(`${model}.`))
  const short = (name: string): string => name.slice(model.length + 1)
  return {
    specs: own.map((spec) => ({ ...spec, name: short(spec.name) })),
    values: new Map(own.map(({ name }) => [short(name), values.get(name)!])),
  }
}

export function requireModel<T extends { readonly model: string }>(predicts: readonly T[], model: string): T {
  const found = predicts.find((each) => each.model === model)
  if (found !== undefined) return found
  const models = predicts.map((each) => each.model)
  const near = nearest(model, models)
  throw new Failure(
    "unknown-name",
    `there is no model "${model}"`,
    near === undefined ? `there is ${models.join(", ")}` : `did you mean "${near}"?`,
  )
}

/** The one that is named, or the only one. */
export function oneModel<T extends { readonly model: string }>(predicts: readonly T[], named?: string): T {
  if (named !== undefined) return requireModel(predicts, named)
  const [only, ...more] = predicts
  if (only === undefined) throw new Failure("io-program", "the program has no model to predict with")
  if (more.length === 0) return only
  throw new Failure(
    "usage",
    `the program has several models: ${predicts.map(({ model }) => model).join(", ")}`,
    "choose one with --model",
    EXIT.usage,
  )
}
