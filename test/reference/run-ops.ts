// The op cases of a folder, many to a program. A program that does not compile is cut in two until the guilty cases stand
// alone, so that one missing word fails one case.

import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Values } from "../../runtime/exec/values.js"
import { arrayDifference, printDifference, relativeBeyondOne } from "./compare.js"
import { compileText, DoesNotCompile, standardNames } from "./compile-text.js"
import { expectedGrads, feeds, modelOf, numbers, type OpCase } from "./op-case.js"
import { DECLARED } from "./operations.js"
import type { Verdict } from "./report.js"
import type { RunOptions } from "./run-case.js"
import { openSession, type Session } from "./session.js"

const CASES_PER_PROGRAM = 25
/** Rounding of one operation in float32, relative to at least 1; a case whose own rounding is larger says so. */
const LEAST_TOLERANCE = 1e-5
const TIMES_ROUNDING = 20

/** Calls back with every verdict as it is known. */
export async function runOps(
  cases: readonly OpCase[],
  options: RunOptions,
  verdict: (verdict: Verdict) => void,
): Promise<void> {
  const written: { readonly given: OpCase; readonly text: string }[] = []
  cases.forEach((given, i) => {
    try {
      written.push({ given, text: modelOf(given, modelName(given, i), standardNames()) })
    } catch (error) {
      verdict({ name: given.id, ok: false, detail: error instanceof Error ? error.message : String(error) })
    }
  })
  for (let from = 0; from < written.length; from += CASES_PER_PROGRAM)
    await runTogether(written.slice(from, from + CASES_PER_PROGRAM), from, options, verdict)
}

const modelName = (given: OpCase, i: number): string => `Case${i}_${given.id.replace(/\W/g, "_")}`

type Written = readonly { readonly given: OpCase; readonly text: string }[]

async function runTogether(
  written: Written,
  number: number,
  options: RunOptions,
  verdict: (verdict: Verdict) => void,
): Promise<void> {
  const folder = join(options.folder, "ops")
  mkdirSync(folder, { recursive: true })
  const path = join(folder, `ops-${number}.nn`)
  const declared = new Set(
    written.flatMap(({ given }) => (isDeclared(given) ? [DECLARED[given.op] ?? ""] : [])),
  )
  const text = [...declared, ...written.map((each) => each.text)].join("\n")
  writeFileSync(path, text)
  const half = Math.ceil(written.length / 2)
  const split = async (): Promise<void> => {
    await runTogether(written.slice(0, half), number, options, verdict)
    await runTogether(written.slice(half), number + half, options, verdict)
  }
  let session: Session
  try {
    session = await openSession(compileText({ path, text }, options.fusion).bundle, folder, options.device)
  } catch (error) {
    if (written.length > 1) return split()
    const detail = error instanceof DoesNotCompile ? error.message : `bug: ${String(error)}`
    return verdict({ name: written[0]?.given.id ?? "", ok: false, detail })
  }
  try {
    for (const { given, text } of written) verdict(await judge(given, modelIn(text), session))
  } finally {
    session.close()
  }
}

const isDeclared = ({ op }: OpCase): boolean => !standardNames().has(op) && op !== "batch_norm"
const modelIn = (text: string): string => /^model (\w+)/m.exec(text)?.[1] ?? ""

async function judge(given: OpCase, model: string, session: Session): Promise<Verdict> {
  const { id, output } = given
  try {
    const inputs = modelInputs(given)
    const [value, ...gradients] = await session.predict(model, inputs)
    const tolerance = toleranceOf(given)
    const out = difference(value, numbers(output))
    const grad = Math.max(
      0,
      ...expectedGrads(given).map((expected, i) => difference(gradients[i], numbers(expected))),
    )
    const detail = `output ${printDifference(out)}  gradients ${printDifference(grad)}  (allowed ${printDifference(tolerance)})`
    return { name: id, ok: out <= tolerance && grad <= tolerance, detail }
  } catch (error) {
    return { name: id, ok: false, detail: error instanceof Error ? error.message : String(error) }
  }
}

const difference = (measured: Values | undefined, expected: readonly number[]): number =>
  arrayDifference(measured, expected, relativeBeyondOne)

function modelInputs(given: OpCase): Map<string, readonly number[]> {
  const names = [...given.inputs.map((_, i) => `x${i}`), ...(given.upstream ? ["upstream"] : [])]
  return new Map(feeds(given).map((array, i) => [names[i] ?? "", numbers(array)]))
}

/** `rounding` is a number, or one for the output and one for each gradient: the largest counts. */
function toleranceOf({ rounding }: OpCase): number {
  const parts = typeof rounding === "number" ? [rounding] : Object.values(rounding).flat()
  const largest = Math.max(0, ...parts.filter((part) => typeof part === "number"))
  return Math.max(LEAST_TOLERANCE, TIMES_ROUNDING * largest)
}
