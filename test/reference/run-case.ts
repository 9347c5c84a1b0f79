// One case: its program compiled, set to the given parameters, trained on the device, and compared.

import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { writeNpy, type NdArray } from "./arrays.js"
import { lossSteps, type Case } from "./case.js"
import { absolute, arrayDifference, lossDifference, relativeBeyondOne, type Differences } from "./compare.js"
import { compileText, standardNames } from "./compile-text.js"
import { gradientSlot, programOf, type Program } from "./program.js"
import { openSession, type Session } from "./session.js"

export interface RunOptions {
  readonly device: string
  readonly fusion: boolean
  /** Where programs and their data are written. */
  readonly folder: string
}

export async function runCase(given: Case, options: RunOptions): Promise<Differences> {
  const { program, bundle } = compileCase(given, join(options.folder, given.spec.name), options.fusion)
  const session = await openSession(bundle, join(options.folder, given.spec.name), options.device)
  try {
    const gradient = await gradients(given, program, session)
    start(given, program, session)
    const losses = await session.train("main")
    const steps = lossSteps(given.expected)
    const loss = Math.max(
      ...steps.map((step, i) => lossDifference(losses.get(step), given.expected.loss_float64[i] ?? NaN)),
    )
    const values = await session.slots()
    const parameter = Math.max(
      ...[...given.final].map(([name, { data }]) =>
        arrayDifference(values.get(program.slots.get(name) ?? ""), data, absolute),
      ),
    )
    return { loss, parameter, gradient, prediction: await predictions(given, program, session) }
  } finally {
    session.close()
  }
}

/** Written with a data set first; a graph whose parameters fix the number of rows takes its inputs as constants. */
export function compileCase(
  given: Case,
  folder: string,
  fusion: boolean,
): ReturnType<typeof compileText> & { readonly program: Program } {
  const { rows, size } = given.spec.batching
  const attempt = (batched: boolean): ReturnType<typeof compileText> & { readonly program: Program } => {
    const program = programOf(given, standardNames(), batched)
    mkdirSync(folder, { recursive: true })
    for (const [name, array] of given.inputs) writeNpy(join(folder, `${name}.npy`), array)
    const path = join(folder, `${given.spec.name}.nn`)
    writeFileSync(path, program.text)
    return { program, ...compileText({ path, text: program.text }, fusion) }
  }
  try {
    return attempt(true)
  } catch (error) {
    if (rows === null || rows !== size) throw error
    try {
      return attempt(false)
    } catch {
      throw error
    }
  }
}

function start(given: Case, program: Program, session: Session): void {
  for (const [slot, data] of Object.entries(firstValues(given, program))) session.set(slot, data)
}

/** By slot, the parameters that a case starts from and the inputs that are no rows. */
export function firstValues(given: Case, program: Program): Record<string, Float32Array | Int32Array> {
  const inputs = [...program.constants].flatMap(([name, slot]) => {
    const input = given.inputs.get(name)
    return input ? [[slot, input.data] as const] : []
  })
  return Object.fromEntries([
    ...[...given.init].map(([name, { data }]) => [program.slots.get(name) ?? name, data] as const),
    ...inputs,
  ])
}

async function gradients(given: Case, program: Program, session: Session): Promise<number> {
  start(given, program, session)
  await session.train("probe")
  const values = await session.slots()
  return Math.max(
    ...[...given.grad0].map(([name, { data }]) =>
      arrayDifference(values.get(gradientSlot(program.slots.get(name) ?? "")), data, relativeBeyondOne),
    ),
  )
}

async function predictions(given: Case, program: Program, session: Session): Promise<number> {
  const expected = given.expected.predictions
  if (expected === undefined) return 0
  const rows = expected.rows ?? 1
  const inputs = program.inputs.map(({ of, name }) => [name, firstRows(given.inputs.get(of), rows)] as const)
  const outputs = await session.predict("Net", new Map(inputs))
  return arrayDifference(outputs[0], expected.float64, relativeBeyondOne)
}

function firstRows(array: NdArray | undefined, rows: number): Float32Array | Int32Array {
  if (array === undefined) throw new Error("an input without values")
  const perRow = array.data.length / (array.shape[0] ?? 1)
  return array.data.slice(0, rows * perRow)
}
