/** runtime/session: the state that all calls of a session share, and lookups of the sections and models that callers name. */
import type { AnyManifest } from "../bundle/builds.js"
import type { PredictSpec, TrainSpec } from "../bundle/format.js"
import type { DeviceInfo } from "../device/device.js"
import { RunError } from "../error.js"
import type { LoadedBundle } from "../exec/loaded-bundle.js"
import { named } from "../named.js"
import type { CommonPace } from "../train/pace.js"
import type { Stepper } from "../train/stepper.js"
import type { DataSets } from "./data-sets.js"
import type { TrainedState } from "./trained-state.js"

export interface Opened {
  readonly loaded: LoadedBundle
  /** The one in use, always named. */
  readonly device: DeviceInfo
  readonly data: DataSets
  readonly state: TrainedState
  /** By train section: of those that made a step by itself. */
  readonly steppers: Map<string, Stepper>
  readonly now: () => number
  /** The common pace of sessions that train at once. */
  readonly pace: ((most: number) => CommonPace) | undefined
}

/** `name` may be left out where there is one. */
export function trainSpec({ trains }: AnyManifest, name: string | undefined): TrainSpec {
  if (name !== undefined)
    return named(trains, name, (each) => each.name, `there is no train section "${name}"`)
  if (trains.length === 1) return trains[0]!
  const names = trains.map((each) => `"${each.name}"`).join(", ")
  throw new RunError(
    "unknown-name",
    trains.length === 0 ? "the program has no train section" : "which train section?",
    {
      help: names === "" ? "it can only predict" : `choose one of ${names}`,
    },
  )
}

export const predictSpec = ({ predicts }: AnyManifest, model: string): PredictSpec =>
  named(predicts, model, (each) => each.model, `there is no model "${model}"`)
