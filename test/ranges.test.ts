// Values of fields that a loss does not take, that a model cannot give, or that are large: said once the rows are read.
import { expect, test } from "vitest"
import { check } from "../compiler/check/check.js"
import { warnOfRanges } from "../compiler/check/doubts/ranges.js"
import type { RunLength } from "../compiler/check/run-length.js"
import { fileHost } from "../compiler/cli/host.js"
import { rangesRead, readData } from "../compiler/driver/read-data.js"
import { parse } from "../compiler/parse/parse.js"
import { Diagnostics, type Diagnostic } from "../compiler/source/diagnostic.js"
import { applyFixes } from "../compiler/source/fixes.js"

const host = fileHost("program.nn")

function said(text: string): readonly Diagnostic[] {
  const diagnostics = new Diagnostics()
  const module = parse({ path: "program.nn", text }, diagnostics)
  const lengths: RunLength[] = []
  const model = check(module, { lengths, stdlib: host.stdlib, load: () => undefined, diagnostics })
  if (!model) return diagnostics.all
  const facts = readData(model, [module], host, diagnostics, lengths)
  for (const each of lengths) warnOfRanges(each.ranges, rangesRead(each, facts), diagnostics)
  return diagnostics.all
}

interface Program {
  readonly x?: string
  readonly stage?: string
  readonly y: string
  readonly last?: string
  readonly loss: string
}
const program = ({
  x = "[[0, 1], [2, 3], [1, 1], [0, 2]]",
  stage = "",
  y,
  last = "",
  loss,
}: Program): string =>
  `data d = array(x: ${x}, y: ${y}) {
  x: f32[2] = column("x")${stage}
  y: f32[1] = column("y")
}
model M(x: f32[B, 2]) -> f32[B, 1] { x |> Linear(1)${last} }
train on d { minimize ${loss}(M(x), y) with SGD(lr: 0.1)  steps 10 }`

const BITS = "[[0], [1], [1], [0]]"
const SIGNS = "[[-1], [1], [1], [-1]]"
const PRICES = "[[5.5], [20], [12.5], [50]]"

test.each<[Program, string]>([
  [{ y: BITS, loss: "hinge" }, "`hinge` takes targets of 1 and -1, and `y` goes from 0 to 1"],
  [
    { y: SIGNS, loss: "bce_with_logits" },
    "`bce_with_logits` takes targets from 0 to 1, and `y` goes from -1 to 1",
  ],
  [
    { y: PRICES, loss: "bce_with_logits" },
    "`bce_with_logits` takes targets from 0 to 1, and `y` goes from 5.5 to 50",
  ],
  [{ y: SIGNS, loss: "poisson_nll" }, "`poisson_nll` takes counts, and `y` goes from -1 to 1"],
  [
    { y: PRICES, last: " |> sigmoid", loss: "mse" },
    "after `sigmoid` the model gives 0 to 1, and the target `y` goes from 5.5 to 50",
  ],
  [
    { y: SIGNS, last: " |> relu", loss: "l1" },
    "after `relu` the model gives 0 and more, and the target `y` goes from -1 to 1",
  ],
  [
    { x: "[[0, 1], [2, 5000], [1, 1], [0, 2]]", y: PRICES, loss: "mse" },
    "`Linear` reads `x`, which goes from 0 to 5000",
  ],
  [{ stage: " |> scale(255)", y: PRICES, loss: "mse" }, "`Linear` reads `x`, which goes from 0 to 765"],
])("%o", (given, message) => {
  const found = said(program(given))
  const code = message.startsWith("`Linear` reads") ? "features-large" : "target-range"
  expect(found.map((d) => [d.code, d.message])).toEqual([[code, message]])
  const [repaired] = applyFixes(found)
  expect(repaired ? said(repaired.text).map((d) => d.message) : ["no repair"]).toEqual(
    message.includes("counts") ? ["no repair"] : [],
  )
})

test.each<Program>([
  { y: BITS, loss: "bce_with_logits" },
  { y: SIGNS, loss: "hinge" },
  { y: PRICES, loss: "mse" },
  { y: PRICES, loss: "poisson_nll" },
  { y: BITS, last: " |> sigmoid", loss: "mse" },
  { y: PRICES, last: " |> relu", loss: "mse" },
  { x: "[[0, 1], [2, 5000], [1, 1], [0, 2]]", stage: " |> standardize", y: PRICES, loss: "mse" },
])("nothing is said of %o", (given) => expect(said(program(given))).toEqual([]))
