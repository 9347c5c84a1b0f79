/** test: what is wrong with how a program compiles and trains, on any device; nothing, if it is right. */
import { tmpdir } from "node:os"
import { fileHost } from "../../compiler/cli/host.js"
import { compile, type Compiled } from "../../compiler/driver/compile.js"
import type { Graph } from "../../compiler/ir/graph/types.js"
import type { Diagnostic } from "../../compiler/source/diagnostic.js"
import {
  DEFAULT_TARGET,
  SOFTWARE_TARGET,
  SUBGROUP_TARGET,
  type TargetProfile,
} from "../../compiler/targets/index.js"
import { apart, RUNS } from "../../compiler/validate/nearness.js"
import { type Difference, validate, type Validated } from "../../compiler/validate/validate.js"
import { slotsOf } from "../../runtime/bundle/builds.js"
import type { Bundle, TrainSpec } from "../../runtime/bundle/format.js"
import { RunError } from "../../runtime/error.js"
import { openBundle, type ReportEvent, type Trainer } from "../../runtime/node.js"
import { onDevice } from "./afterwards.js"
import { type Course, type Numbers, type Reference, referenceOf } from "./reference.js"
import { type TrainingData, trainingData } from "./training-data.js"

/** wasm and webgpu are run; the others are compiled and verified: kernels for adapters that are not here. */
export type Backend = "wasm" | "webgpu" | "gpu" | "subgroups"
export interface Failure {
  /** The same for failures with the same cause, as far as can be told. */
  readonly kind: string
  readonly message: string
}
export interface Verdict {
  /** Errors, where the program is refused. */
  readonly refused: readonly Diagnostic[]
  readonly failures: readonly Failure[]
  /** Rounding leaves some number open, so little is known of it. */
  readonly vague: boolean
}

const PROFILES: Readonly<Record<Exclude<Backend, "wasm">, TargetProfile>> = {
  webgpu: SOFTWARE_TARGET,
  gpu: DEFAULT_TARGET,
  subgroups: SUBGROUP_TARGET,
}
const PATH = "program.nn"
const STEPS = 2
/** Optimizers whose update is the sign of a mean of gradients: where that is 0 but for rounding, it may come out either way. */
const STEEP = /\bLion\(/

/** `wholly`: the result of every pass is compared with what it was given, and evaluation and prediction after training, too. */
export async function judge(text: string, backends: readonly Backend[], wholly = true): Promise<Verdict> {
  const failed = (failure: Failure): Verdict => ({ refused: [], failures: [failure], vague: false })
  let built: ReturnType<typeof compiled>
  try {
    built = compiled(text, backends, wholly)
  } catch (error) {
    return failed(failureOf("compiling", error))
  }
  const { bundle, diagnostics, graphs, difference: translated } = built
  const refused = diagnostics.filter((d) => d.severity === "error")
  if (bundle === undefined) {
    const lost = refused.filter((d) => d.primary === undefined)
    const failures = lost.map(({ code, message }) => ({
      kind: `a message without a place: ${code}`,
      message,
    }))
    return { refused, failures, vague: false }
  }
  const failures: Failure[] = translated ? [mistranslation(translated)] : []
  let vague = false
  for (const section of bundle.manifest.trains) {
    const data = await trainingData(bundle.manifest, section.data)
    try {
      const reference = referenceOf(graphs, bundle.manifest, section, data, STEPS, wholly)
      for (const device of backends) {
        if (device !== "wasm" && device !== "webgpu") continue
        const found = await compare(bundle, section, data, reference, device, STEEP.test(text))
        failures.push(...found.failures)
        vague ||= found.vague
      }
    } catch (error) {
      failures.push(failureOf("interpreting", error))
    }
  }
  return { refused, failures, vague }
}

/** For all these devices, each pass verified; `wholly`: and its result evaluated. `graphs`: what the reference runs. */
function compiled(text: string, backends: readonly Backend[], wholly: boolean) {
  const [target = DEFAULT_TARGET, ...variants] = backends.flatMap((b) => (b === "wasm" ? [] : [PROFILES[b]]))
  const devices = [
    ...(backends.includes("wasm") ? (["wasm"] as const) : []),
    ...(backends.some((b) => b !== "wasm") ? (["webgpu"] as const) : []),
  ]
  const source = { path: PATH, text }
  const options = { target, variants, devices, verify: true }
  const built: Partial<Validated> & Compiled = wholly
    ? validate(source, fileHost(PATH), options)
    : compile(source, fileHost(PATH), options)
  const graphsAfter = (stage: string): readonly Graph[] =>
    (built.stages.get(stage)?.json() ?? []) as readonly Graph[]
  const differentiated = graphsAfter("autodiff")
  const graphs = differentiated.some((g) => g.mixed) ? graphsAfter("autocast") : differentiated
  return { ...built, graphs }
}

function mistranslation(difference: Difference): Failure {
  const { stage, target, program, result, element, is, expected } = difference
  const message = `${stage} (for ${target}) makes ${program} compute another ${result}[${element}]: ${is}, was ${expected}`
  return { kind: `translation by ${stage} differs`, message }
}

/** A short training by the reference and on the device. */
async function compare(
  bundle: Bundle,
  section: TrainSpec,
  data: TrainingData,
  reference: Reference,
  device: "wasm" | "webgpu",
  isSteep: boolean,
): Promise<{ failures: readonly Failure[]; vague: boolean }> {
  const failures: Failure[] = []
  let vague = false
  const look = (
    where: string,
    ...of: Parameters<typeof difference> extends [Reference, ...infer Rest] ? Rest : never
  ): void => {
    const found = difference(reference, ...of)
    const [kind, step] = of
    const isAfterUpdate = kind !== "outputs" || step > 0
    if (found === "vague" || (found !== "near" && isSteep && isAfterUpdate)) vague = true
    else if (found !== "near") failures.push({ kind: `${device} differs`, message: `${where}: ${found}` })
  }
  let trainer: Trainer | undefined
  try {
    const opened = await openBundle(bundle, tmpdir(), { device, threads: 1 })
    trainer = opened
    for (let steps = 1; steps <= STEPS && failures.length === 0; steps++) {
      const reports: ReportEvent[] = []
      await opened.train({
        train: section.name,
        steps,
        reportEvery: { unit: "steps", count: 1 },
        onEvent: (e) => void (e.event === "report" && reports.push(e)),
      })
      const where = `${device}, after ${steps === 1 ? "a step" : `${steps} steps`}`
      const slots = await opened.parameters(true)
      for (const { name, role } of slotsOf(bundle.manifest))
        if (role !== "run") look(where, "slots", steps, name, slots.get(name)!.values)
      for (const { step, metrics } of reports)
        for (const name of reference.course.outputs[step]?.keys() ?? []) {
          const value = metrics[name]
          if (typeof value === "number") look(where, "outputs", step, name, [value])
        }
    }
    const { afterwards } = reference.course
    if (failures.length === 0 && afterwards[0].size > 0) {
      const got = await onDevice({ manifest: bundle.manifest, section, data }, opened)
      for (const name of afterwards[0].keys()) look(device, "afterwards", 0, name, got.get(name) ?? [])
    }
  } catch (error) {
    const isExpected = error instanceof RunError && error.code === "non-finite" && !isFinite(reference)
    if (isExpected) vague = true
    else failures.push(failureOf(`running on ${device}`, error))
  } finally {
    trainer?.close()
  }
  return { failures, vague }
}

/** Of numbers below the last f32 has few digits, or none. */
const ALLOWED = { relative: 2e-6, absolute: 1e-30 }

/** The first element that differs by more than rounding can explain; or that there is none, or that rounding explains anything. */
function difference(
  reference: Reference,
  kind: keyof Course,
  step: number,
  name: string,
  got: ArrayLike<number>,
): string {
  const want = reference.course[kind][step]!.get(name)!
  if (got.length !== want.length) return `${name} has ${got.length} elements, should have ${want.length}`
  const found = apart(want, got, (runs) => reference.spread(runs)[kind][step]!.get(name)!, ALLOWED)
  if (found === "near" || found === "vague") return found
  const { element, within } = found
  return `${name}[${element}] is ${got[element]}, should be ${want[element]} within ${within}`
}
/** What a training looks at. */
const isFinite = ({ course, spread }: Reference): boolean => {
  const finite = (all: readonly Numbers[]): boolean =>
    all.every((numbers) => [...numbers].every(([, values]) => values.every((v) => Number.isFinite(v))))
  const rounded = spread(RUNS.at(-1)!)
  return [course, rounded].every(({ outputs, slots }) => finite(outputs) && finite(slots))
}

function failureOf(what: string, error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error)
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const stack = cause instanceof Error ? (cause.stack ?? "") : ""
  return { kind: `${what}: ${blurred(message)}`, message: `${message}\n${stack}` }
}
/** Without names and numbers of the one program. */
const blurred = (message: string): string =>
  message
    .split("\n")[0]!
    .replace(/kernel \S+:/, "kernel:")
    .replace(/"kernel [^"]*"/, "a kernel")
    .replace(/[a-zA-Z_.]*\d[\w.]*/g, "N")
    .slice(0, 120)
