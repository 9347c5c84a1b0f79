/** test: many random programs, judged one after another, and the failures by kind, each with a program made as small as it gets. */
import { random } from "../support/random.js"
import type { Limits } from "./build.js"
import { Choices, shrink, type Tree } from "./choices.js"
import { type Backend, type Failure, judge, type Verdict } from "./judge.js"
import { type Program, randomProgram } from "./program.js"

export interface Found extends Failure {
  readonly seed: number
  /** As small as it gets. */
  readonly text: string
  times: number
}
export interface Figures {
  programs: number
  accepted: number
  readonly refused: Map<string, number>
  /** Programs without a failure, by device: compared, or for adapters that are not here compiled and verified. */
  readonly done: Map<Backend, number>
  /** Programs of which some number may be anything. */
  vague: number
  /** By kind. */
  readonly found: Map<string, Found>
}
export const noFigures = (): Figures => ({
  programs: 0,
  accepted: 0,
  refused: new Map(),
  done: new Map(),
  vague: 0,
  found: new Map(),
})

export const SMALL: Limits = { elements: 100, rules: 4 }
export const LARGE: Limits = { elements: 600, rules: 12 }

const SHRINKING = 80
/** One program in so many is evaluated and predicted with, too. */
const WHOLLY = 4

/** One program more. */
export async function fuzzOne(
  figures: Figures,
  seed: number,
  limits: Limits,
  backends: readonly Backend[],
): Promise<void> {
  const choices = Choices.drawn(random(seed))
  const { text } = randomProgram(choices, limits)
  const judged = (given: string): Promise<Verdict> => judge(given, backends, seed % WHOLLY === 0)
  const verdict = await judged(text)
  figures.programs++
  if (verdict.refused.length === 0) figures.accepted++
  else count(figures.refused, verdict.refused[0]!.code)
  if (verdict.refused.length + verdict.failures.length === 0)
    for (const backend of backends) count(figures.done, backend)
  if (verdict.vague) figures.vague++
  const [failure] = verdict.failures
  if (failure === undefined) return
  const known = figures.found.get(failure.kind)
  if (known !== undefined) known.times++
  else {
    const smallest = await smallestProgram(choices.tree, limits, judged, failure)
    figures.found.set(failure.kind, { ...smallest, seed, times: 1 })
  }
}

async function smallestProgram(
  tree: Tree,
  limits: Limits,
  judged: (text: string) => Promise<Verdict>,
  failure: Failure,
): Promise<Failure & Pick<Program, "text">> {
  const programOf = (t: Tree): Program => randomProgram(Choices.repeated(t), limits)
  let smallest = { ...failure, text: programOf(tree).text }
  await shrink(
    tree,
    async (t) => {
      const { text } = programOf(t)
      const same = (await judged(text)).failures.find((f) => f.kind === failure.kind)
      if (same === undefined) return false
      smallest = { ...same, text }
      return true
    },
    SHRINKING,
  )
  return smallest
}

const count = <K>(counts: Map<K, number>, key: K): void => void counts.set(key, (counts.get(key) ?? 0) + 1)
