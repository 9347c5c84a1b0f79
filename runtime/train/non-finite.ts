/** runtime/train: where the first NaN or infinity came from.
 *  Runs again from the last good state up to the step whose loss was not finite, then that step dispatch by dispatch, reading
 *  everything that is written. Values that were not finite in the good step before it too (a mask of -inf) are no finding. */
import { ParameterBlocks, type CallParameters } from "../exec/blocks.js"
import { callOnce } from "../exec/calls.js"
import type { Program } from "../exec/program.js"
import { bytesOf, evalSize } from "../exec/size.js"
import type { Snapshot, State } from "../exec/state.js"
import { firstNonFinite } from "../exec/values.js"
import { RunError } from "../error.js"

export interface NonFiniteLoss {
  /** Its dispatches are looked at one by one. */
  readonly program: Program
  /** What ran: the program, or its form for many calls. */
  readonly steps: Program
  readonly state: State
  /** The state before step `goodStep`, whose loss was finite (or which is the run's first). */
  readonly good: Snapshot
  readonly goodStep: number
  readonly badStep: number
  readonly loss: number
  readonly parametersOf: (step: number) => CallParameters
}

export async function explainNonFinite(found: NonFiniteLoss): Promise<RunError> {
  const { program, steps, state, good, goodStep, badStep, parametersOf } = found
  const { device } = program.machine
  const restore = device.record()
  state.recordRestore(restore, good)
  restore.submit()
  for (let step = goodStep; step < badStep - 1; step++) {
    callOnce(steps, parametersOf(step))
    await device.fence()()
  }
  const usual = new Set<number>()
  if (badStep > goodStep)
    for (const { dispatch } of await traceStep(program, parametersOf(badStep - 1))) usual.add(dispatch)
  const [first] = await traceStep(program, parametersOf(badStep), usual)
  return describe(found, first)
}

interface Finding {
  readonly dispatch: number
  readonly name: string
  readonly element: number
}

/** All dispatches that write something non-finite; with `usual`, only the first that is not one of these. */
async function traceStep(
  program: Program,
  parameters: CallParameters,
  usual?: ReadonlySet<number>,
): Promise<Finding[]> {
  const { device } = program.machine
  const blocks = new ParameterBlocks(device, program.turns)
  const block = blocks.add(parameters, program.turns)
  blocks.flush()
  const findings: Finding[] = []
  for (const { dispatch, turn, last } of program.runOrder()) {
    const recorder = device.record()
    program.recordDispatch(recorder, dispatch, parameters.B, block + turn)
    recorder.submit()
    // A loop fills its buffers turn by turn: before the last one they hold what was there before.
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
    const bytes = await program.machine.device.read(memory, at, count * bytesOf(dtype))
    const element = firstNonFinite(dtype, bytes, count)
    if (element >= 0) return { dispatch, name, element }
  }
  return undefined
}

function describe(
  { program, badStep, loss, parametersOf }: NonFiniteLoss,
  first: Finding | undefined,
): RunError {
  const { epoch } = parametersOf(badStep)
  const what = `the loss is ${Number.isNaN(loss) ? "NaN" : loss} at step ${badStep} (epoch ${epoch})`
  const help =
    "lower the learning rate, clip gradients (`clip_norm 1.0`), or look for a division, log or sqrt of 0 there"
  if (!first)
    return new RunError("non-finite", `${what}; it did not come back when the step was run again`, { help })
  const { kernel } = program.spec.dispatches[first.dispatch]!
  const origins = program.machine.bundle.manifest.kernels.find(({ name }) => name === kernel)?.origins ?? []
  const place = origins.length > 0 ? ` at ${origins.join(", ")}` : ""
  return new RunError(
    "non-finite",
    `${what}; the first value that is not finite is element ${first.element} of "${first.name}", ` +
      `computed by kernel ${kernel}${place}`,
    { help },
  )
}
