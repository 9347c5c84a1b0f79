/** runtime/train: where the first NaN or infinity came from.
 *  Runs again from the last good state up to the step whose loss, or whose update, was not finite, then that step dispatch by
 *  dispatch, reading everything that is written. Values that were not finite in the good step before it too (a mask of -inf) are no finding. */
import type { BundleDType } from "../bundle/format.js"
import { ParameterBlocks, type CallParameters } from "../exec/blocks.js"
import { callOnce } from "../exec/calls.js"
import type { Program } from "../exec/program.js"
import { bytesOf, evalSize } from "../exec/size.js"
import type { Snapshot, State } from "../exec/state.js"
import { firstNonFinite } from "../exec/values.js"
import { RunError } from "../error.js"
import { causesOf, type FieldRange, type Origin } from "./causes.js"
import { originOf, updateOf } from "./trouble.js"
import type { FiniteCheck } from "./finite.js"

/** The state and parameters from which a step can run again. */
export interface Rerun {
  /** Its dispatches are looked at one by one. */
  readonly program: Program
  /** The program that ran, or its form for many calls. */
  readonly steps: Program
  readonly state: State
  /** The state before step `goodStep`, which was finite, as was the loss (or which is the run's first). */
  readonly good: Snapshot
  readonly goodStep: number
  /** The parameters of the next call. */
  readonly parametersOf: (step: number) => Promise<CallParameters>
  readonly epochOf: (step: number) => number
  /** The losses of the last steps that were finite, oldest first. */
  readonly losses: readonly number[]
  readonly fields: () => Promise<readonly FieldRange[]>
}

export function explainLoss(from: Rerun, badStep: number, loss: number): Promise<RunError> {
  return explain(from, badStep, `the loss is ${Number.isNaN(loss) ? "NaN" : loss} at step ${badStep}`)
}

/** Explains slots that are not finite before step `step`: finds the first step after which some are not. */
export async function explainState(
  from: Rerun,
  check: FiniteCheck,
  step: number,
  names: readonly string[],
): Promise<RunError> {
  const { steps, goodStep, parametersOf } = from
  restore(from)
  const atFirst = await check.now()
  if (atFirst.length > 0 || step === goodStep)
    return new RunError(
      "non-finite",
      `${areNot(atFirst.length > 0 ? atFirst : names)} before step ${goodStep}`,
      {
        help:
          "look at the first value, or take another checkpoint; a state that is infinite at first on purpose says so with a " +
          "constant such as `1 / 0`",
      },
    )
  for (let t = goodStep; t < step; t++) {
    callOnce(steps, await parametersOf(t))
    const found = await check.now()
    if (found.length > 0) return explain(from, t, `${areNot(found)} after step ${t}`)
  }
  return explain(from, step - 1, `${areNot(names)} after step ${step - 1}`)
}

function areNot(names: readonly string[]): string {
  const shown = names.slice(0, 3).map((name) => `"${name}"`)
  const more = names.length > shown.length ? ` and ${names.length - shown.length} more` : ""
  return `${shown.join(", ")}${more} ${names.length === 1 ? "is" : "are"} not finite`
}

function restore({ program, state, good }: Rerun): void {
  const recorder = program.loaded.device.record()
  state.recordRestore(recorder, good)
  recorder.submit()
}

async function explain(from: Rerun, badStep: number, what: string): Promise<RunError> {
  const { program, steps, state, goodStep, parametersOf } = from
  restore(from)
  for (let step = goodStep; step < badStep - 1; step++) {
    callOnce(steps, await parametersOf(step))
    await program.loaded.device.fence()()
  }
  const usual = new Set<number>()
  const before = await state.read()
  if (badStep > goodStep)
    for (const { dispatch } of await traceStep(program, await parametersOf(badStep - 1))) usual.add(dispatch)
  const update = badStep > goodStep ? updateOf(state, before, await state.read()) : undefined
  const lossScale = await lossScaleIn(state)
  const [first] = await traceStep(program, await parametersOf(badStep), usual)
  const origin = first && originOfFinding(program, first)
  const [likely, ...others] = causesOf({
    fields: await from.fields(),
    losses: from.losses,
    ...(update && { update }),
    ...(origin && { origin }),
    ...(lossScale !== undefined && { lossScale }),
  })
  const help = [`most likely ${likely}`, ...others.slice(0, 2).map((cause) => `or ${cause}`)].join("\n")
  return describe(program, `${what} (epoch ${from.epochOf(badStep)})`, first, help)
}

/** The scale of the loss under `precision mixed`, whose slot the compiler names after the train section. */
async function lossScaleIn(state: State): Promise<number | undefined> {
  const scales = [...(await state.tensors(["optimizer"]))].filter(([name]) => name.endsWith("/loss_scale"))
  return scales[0]?.[1].values[0]
}

interface Finding {
  readonly dispatch: number
  readonly name: string
  readonly dtype: BundleDType
  readonly element: number
}

/** All dispatches that write something non-finite; with `usual`, only the first that is not one of these. */
async function traceStep(
  program: Program,
  parameters: CallParameters,
  usual?: ReadonlySet<number>,
): Promise<Finding[]> {
  const { device } = program.loaded
  const blocks = new ParameterBlocks(device, program.iterations)
  const block = blocks.add(parameters, program.iterations)
  blocks.flush()
  const findings: Finding[] = []
  for (const { dispatch, iteration, last } of program.runOrder()) {
    const recorder = device.record()
    program.recordDispatch(recorder, dispatch, parameters.B, block + iteration)
    recorder.submit()
    // A loop fills its buffers iteration by iteration: before the last one they hold old values.
    if (!last || usual?.has(dispatch)) continue
    const finding = await inspect(program, dispatch, parameters.B)
    if (!finding) continue
    findings.push(finding)
    if (usual) break
  }
  return findings
}

async function inspect(program: Program, dispatch: number, batch: number): Promise<Finding | undefined> {
  const { bindings, writes } = program.spec.dispatches[dispatch]!
  for (const { binding, name, dtype, offset, elements } of writes) {
    const { memory, offset: base } = program.locate(bindings[binding]!)
    const count = evalSize(elements, program.sizes(batch))
    const at = base + offset * bytesOf(dtype)
    const bytes = await program.loaded.device.read(memory, at, count * bytesOf(dtype))
    const element = firstNonFinite(dtype, bytes, count)
    if (element >= 0) return { dispatch, name, dtype, element }
  }
  return undefined
}

const kernelOf = (program: Program, { dispatch }: Finding): string =>
  program.spec.dispatches[dispatch]!.kernel
const originsOf = (program: Program, finding: Finding): readonly string[] =>
  program.loaded.bundle.manifest.kernels.find(({ name }) => name === kernelOf(program, finding))?.origins ??
  []
const originOfFinding = (program: Program, finding: Finding): Origin =>
  originOf(finding.name, kernelOf(program, finding), finding.dtype, originsOf(program, finding))

function describe(program: Program, what: string, first: Finding | undefined, help: string): RunError {
  if (!first)
    return new RunError("non-finite", `${what}; it did not come back when the step was run again`, { help })
  const origins = originsOf(program, first)
  const place = origins.length > 0 ? ` at ${origins.join(", ")}` : ""
  return new RunError(
    "non-finite",
    `${what}; the first value that is not finite is element ${first.element} of "${first.name}", ` +
      `computed by kernel ${kernelOf(program, first)}${place}`,
    { help },
  )
}
