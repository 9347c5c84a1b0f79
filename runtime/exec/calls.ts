/** runtime/exec: calls of one program one after another, each by its own dispatches, or many in one.
 *  Guarantees: a program that makes many calls in one dispatch gives the results of its single form, within rounding. */
import { MULTI_STEP_STRIDE, PARAMETER_STRIDE } from "../bundle/format.js"
import type { Recorder } from "../device/device.js"
import { ParameterBlocks, type CallParameters } from "./blocks.js"
import type { History } from "./history.js"
import type { Program } from "./program.js"

/** The form of the program that makes many calls in one dispatch, where the bundle has one. */
export function multiStepOf(program: Program): Program {
  const { loaded, spec, data } = program
  const name = `${spec.name}.multi`
  return loaded.has(name) ? loaded.program(name, data) : program
}

/** How many calls of the program one submission can make. */
export function callsPerSubmit(program: Program, parameterBlocks: number): number {
  const { calls } = program.spec
  if (!calls) return Math.floor(parameterBlocks / program.iterations)
  return calls.most * Math.floor(parameterBlocks / blocksOf(calls.most))
}

/** Records `count` calls, with the parameters `at(0)`, `at(1)`, ...; their outputs go into the history. */
export function recordCalls(
  program: Program,
  count: number,
  at: (index: number) => CallParameters,
  to: { readonly recorder: Recorder; readonly blocks: ParameterBlocks; readonly history?: History },
): void {
  const { recorder, blocks, history } = to
  const most = program.spec.calls?.most
  for (let first = 0; first < count;) {
    const now = most === undefined ? 1 : Math.min(most, count - first)
    const parameters = at(first)
    const block =
      most === undefined
        ? blocks.add(parameters, program.iterations)
        : blocks.addCalls(now, (index) => at(first + index))
    program.record(recorder, parameters.B, block)
    history?.recordCalls(recorder, now)
    first += now
  }
}

/** One call by itself, submitted. */
export function callOnce(program: Program, parameters: CallParameters): void {
  const { device } = program.loaded
  const blocks = new ParameterBlocks(device, program.iterations)
  const recorder = device.record()
  recordCalls(program, 1, () => parameters, { recorder, blocks })
  blocks.flush()
  recorder.submit()
}

const blocksOf = (calls: number): number => Math.ceil((calls * MULTI_STEP_STRIDE) / PARAMETER_STRIDE)
