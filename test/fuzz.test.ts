/** Whole programs at random, over all of the library, as a user would compile and train them: nothing crashes, every pass verifies,
 *  and the parameters are those of the float64 interpreter, as far as rounding lets anything be said. `npm run fuzz` runs more. */
import { readdirSync, readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { parse } from "../compiler/parse/parse.js"
import { Diagnostics } from "../compiler/source/diagnostic.js"
import { Choices, shrink } from "./fuzz/choices.js"
import { type Backend, judge } from "./fuzz/judge.js"
import { RULES, randomProgram } from "./fuzz/program.js"
import {
  AFTER,
  AVERAGES,
  FOLLOWING,
  LOSSES,
  METRICS,
  OPTIMIZERS,
  SCHEDULES,
  SETTINGS,
} from "./fuzz/rules-training.js"
import { LARGE } from "./fuzz/run.js"
import { expectNoFailures } from "./support/fuzzed.js"
import { programs } from "./support/programs.js"
import { random } from "./support/random.js"

const EVERYWHERE: readonly Backend[] = ["wasm", "webgpu", "gpu", "subgroups"]

/** The declarations of the library for programs to use. */
const library = programs()
  .filter(({ path }) => path.startsWith("stdlib/"))
  .flatMap((file) => parse(file, new Diagnostics()).declarations)
  .flatMap(({ name }) => (name === undefined || name.text.startsWith("_") ? [] : [name.text]))

/** Functions that stand in every program: initialisers (`Builder.declare`), and a constant. */
const ELSEWHERE =
  "zeros ones full uniform normal trunc_normal kaiming_uniform kaiming_normal xavier_uniform xavier_normal pi".split(
    " ",
  )

/** Augmentations, which augment.test.ts tries on random images. */
const AUGMENTATION = "random_flip random_crop cutout gaussian_noise color_jitter random_rotate mixup".split(
  " ",
)

/** Draws, functions that need well-conditioned matrices, choose by order or read texts, and updates that magnify rounding.
 *  library-values, stdlib-layers and stdlib-functions compare their values and gradients, or their distribution. */
const BY_VALUES =
  "randint randperm permutation multinomial gumbel_softmax cholesky solve inverse rfft dice ctc_loss auroc average_precision bleu weight_norm SpectralNorm Muon global_norm median quantile sort unfold fold".split(
    " ",
  )

it("every declaration of the library has a rule", () => {
  const training = [LOSSES, METRICS, OPTIMIZERS, SCHEDULES, AVERAGES, AFTER, SETTINGS, FOLLOWING]
  const rules = [...Object.values(RULES), ...training].flatMap(Object.keys)
  const known = new Set([...rules, ...ELSEWHERE, ...AUGMENTATION, ...BY_VALUES])
  expect(library.filter((name) => !known.has(name))).toEqual([])
})

describe("choices", () => {
  it("make the same program again", () => {
    const drawn = Choices.drawn(random(7))
    const { text } = randomProgram(drawn, LARGE)
    expect(randomProgram(Choices.repeated(drawn.tree), LARGE).text).toBe(text)
  })

  it("are shrunk to those that a property needs", async () => {
    const programOf = (tree: Parameters<typeof Choices.repeated>[0]): string =>
      randomProgram(Choices.repeated(tree), LARGE).text
    const seed = Array.from({ length: 200 }, (_, n) => n).find((n) =>
      randomProgram(Choices.drawn(random(n)), LARGE).text.includes("softplus("),
    )
    const drawn = Choices.drawn(random(seed!))
    const { text } = randomProgram(drawn, LARGE)
    const least = programOf(
      await shrink(drawn.tree, (tree) => Promise.resolve(programOf(tree).includes("softplus(")), 2000),
    )
    expect(least).toContain("softplus(")
    expect(least.length).toBeLessThan(Math.min(1200, text.length))
  })
})

const FOUND = new URL("fuzz/found/", import.meta.url)

describe("programs that failed once", () => {
  it.each(readdirSync(FOUND))("%s", async (file) => {
    const { refused, failures } = await judge(readFileSync(new URL(file, FOUND), "utf8"), EVERYWHERE)
    expect([refused.map((d) => d.message), failures.map((f) => f.message)]).toEqual([[], []])
  })
})

it("8 programs, everywhere", async () => {
  await expectNoFailures({ from: 0, count: 8, limits: LARGE, backends: EVERYWHERE })
}, 300_000)
