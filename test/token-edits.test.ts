// Programs with one token changed, as a typist changes them: the compiler answers all of them, mostly with one error at the place.
// `npm run bench:errors` measures the same on more edits, and says where the answers are worst.
import { expect, test } from "vitest"
import { programs } from "./support/programs.js"
import { random } from "./support/random.js"
import { answerTo, EDITS, measure, tokenEdits } from "./support/token-edits.js"

const examples = programs().filter(({ path }) => path.startsWith("examples/"))
/** The least share of edits that are refused, of these with a mark at the edit, and with one error only. */
const FLOORS = {
  deleted: { refused: 0.93, placed: 0.79, single: 0.92 },
  doubled: { refused: 0.94, placed: 0.94, single: 0.94 },
  swapped: { refused: 0.97, placed: 0.94, single: 0.88 },
  misspelt: { refused: 0.95, placed: 0.86, single: 0.92 },
}

test("an edit of one token is answered by one error where it was made", () => {
  const draw = tokenEdits(examples, random(7))
  const answers = Array.from({ length: 2000 }, () => answerTo(draw()))
  for (const kind of EDITS) {
    const { edits, refused, placed, single } = measure(answers.filter(({ edit }) => edit.kind === kind))
    const shares = { refused: refused / edits, placed: placed / refused, single: single / refused }
    for (const share of ["refused", "placed", "single"] as const)
      expect(shares[share], `${kind}: ${share}`).toBeGreaterThan(FLOORS[kind][share])
  }
})

test("edits are the same for a seed, and change some token", () => {
  const drawn = [3, 3].map((seed) => {
    const draw = tokenEdits(examples, random(seed))
    return Array.from({ length: 100 }, draw)
  })
  expect(drawn[0]).toEqual(drawn[1])
  const texts = new Set(examples.map(({ text }) => text))
  expect(drawn[0]!.filter(({ text }) => texts.has(text))).toEqual([])
})
