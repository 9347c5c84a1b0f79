/** bench: messages for programs with one token changed: `npm run bench:errors [-- EDITS [SEED]]` changes the programs of examples/
 *  (deleted, doubled, swapped with the next, misspelt), checks each, and prints for every kind how many are refused, how many of
 *  those with a mark at the change, how many errors they get, and the codes that answer worst. Exit code 1 when the compiler fails. */
import { programs } from "../support/programs.js"
import { random } from "../support/random.js"
import { answerTo, EDITS, marks, measure, tokenEdits, type Answer } from "../support/token-edits.js"

const [count = "10000", seed = "1"] = process.argv.slice(2)
const WORST = 25

const draw = tokenEdits(
  programs().filter(({ path }) => path.startsWith("examples/")),
  random(Number(seed)),
)
const answers: Answer[] = []
const failures: unknown[] = []
for (let i = 0; i < Number(count); i++) {
  try {
    answers.push(answerTo(draw()))
  } catch (failure) {
    failures.push(failure)
  }
}
for (const failure of failures.slice(0, 5)) console.log(failure)
if (failures.length > 0) process.exitCode = 1

console.log(`${count} edits, seed ${seed}: the compiler failed on ${failures.length}\n`)
row(["", "edits", "refused", "placed", "one error", "median", "p90", "most", "slowest ms"])
for (const kind of EDITS)
  summary(
    kind,
    answers.filter(({ edit }) => edit.kind === kind),
  )
summary("all", answers)
worst("misplaced first errors", ({ edit, errors }) =>
  errors.length > 0 && !marks(edit, errors[0]!) ? [errors[0]!.code] : [],
)
worst("errors after the first", ({ errors }) => errors.slice(1).map(({ code }) => code))

function summary(name: string, of: readonly Answer[]): void {
  const { edits, refused, placed, single } = measure(of)
  const errors = of.flatMap((a) => (a.errors.length > 0 ? [a.errors.length] : [])).sort((a, b) => a - b)
  const share = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(1)} %`
  row([
    name,
    `${edits}`,
    share(refused, edits),
    share(placed, refused),
    share(single, refused),
    `${errors[errors.length >> 1]}`,
    `${errors[Math.floor(errors.length * 0.9)]}`,
    `${errors.at(-1)}`,
    Math.max(...of.map(({ milliseconds }) => milliseconds)).toFixed(0),
  ])
}

/** Codes by how often they answer badly, each with an edit where they do. */
function worst(title: string, codesOf: (answer: Answer) => readonly string[]): void {
  const found = new Map<string, { count: number; example: Answer }>()
  for (const answer of answers)
    for (const code of codesOf(answer)) {
      const key = `${answer.edit.kind} ${code}`
      found.set(key, { count: (found.get(key)?.count ?? 0) + 1, example: answer })
    }
  console.log(`\n${title}:`)
  for (const [key, { count: times, example }] of [...found]
    .sort((a, b) => b[1].count - a[1].count)
    .slice(0, WORST))
    console.log(
      `${times} ${key}: ${example.edit.path.split("/").at(-1)}: ${example.edit.change} => ${said(example)}`,
    )
}

function said({ errors }: Answer): string {
  return errors
    .map(({ code, message }) => `[${code}] ${message}`)
    .slice(0, 4)
    .join("; ")
}

function row(cells: readonly string[]): void {
  console.log(cells.map((cell, i) => (i === 0 ? cell.padEnd(9) : cell.padStart(11))).join(""))
}
