/** bench: how fast the services of an editor answer: `npm run bench:editor [-- PREFIXES [SEED]]` cuts the programs of examples/ at
 *  places drawn at random, as if they were being typed, and asks each for diagnostics, and then for hover, completion and inlay hints at
 *  the place; it does the same with whole programs of 1,000 and 5,000 lines, whose last character is typed. Milliseconds of the
 *  process, so that other work of the machine counts little. Exit code 1 when a service throws. */
import { fileHost } from "../../compiler/cli/host.js"
import { analyse, type Analysis } from "../../compiler/editor/analysis.js"
import { completionsAt } from "../../compiler/editor/completion.js"
import { hoverAt } from "../../compiler/editor/hover.js"
import { inlayHints } from "../../compiler/editor/inlay-hints.js"
import { lenses } from "../../compiler/editor/lenses.js"
import { semanticTokens } from "../../compiler/editor/semantic-tokens.js"
import { programs } from "../support/programs.js"
import { random } from "../support/random.js"

const [count = "10000", seed = "1"] = process.argv.slice(2)
const draw = random(Number(seed))
const { stdlib } = fileHost("")
const host = { stdlib, load: () => undefined }
const texts = programs().flatMap(({ path, text }) => (path.startsWith("examples/") ? [text] : []))

const SERVICES: Readonly<Record<string, (analysis: Analysis, offset: number) => unknown>> = {
  hover: hoverAt,
  completion: completionsAt,
  "inlay hints": inlayHints,
  lenses,
  "semantic tokens": semanticTokens,
}

type Times = Map<string, number[]>

/** Milliseconds of this process. */
function timed<T>(times: Times, name: string, act: () => T): T {
  const before = process.cpuUsage()
  const result = act()
  const { user, system } = process.cpuUsage(before)
  const all = times.get(name) ?? []
  times.set(name, all)
  all.push((user + system) / 1000)
  return result
}

function ask(times: Times, text: string, offset: number): void {
  const analysis = timed(times, "diagnostics", () => analyse({ path: "p.nn", text }, host))
  for (const [name, service] of Object.entries(SERVICES)) timed(times, name, () => service(analysis, offset))
}

/** Layers of five lines in one long pipe. */
function longProgram(lines: number): string {
  const blocks = Array.from({ length: Math.ceil(lines / 6) }, (_, i) => i)
  return [
    'data d = csv("d.csv") {\n  x: f32[8] = columns(except: "y")\n  y: f32[1] = column("y")\n}\n',
    ...blocks.map(
      (i) =>
        `layer Block${i}(hidden: int)(x: f32[..., in]) -> f32[..., in] {\n  let h = x |> Linear(hidden) |> relu\n  let k = h + ${i}\n  k |> Linear(in)\n}\n`,
    ),
    `model Net(x: f32[B, 8]) -> f32[B, 1] {\n  x\n${blocks.map((i) => `    |> Block${i}(16)\n`).join("")}    |> Linear(1)\n}\n`,
    "train on d {\n  minimize mse(Net(x), y) with SGD(lr: 0.1)\n  batch 4, epochs 1\n}\n",
  ].join("\n")
}

function table(title: string, times: Times): void {
  console.log(`\n${title}`)
  console.log("".padEnd(18) + ["median ms", "p99", "slowest"].map((each) => each.padStart(11)).join(""))
  for (const [name, all] of times) {
    const sorted = all.toSorted((a, b) => a - b)
    const shown = [sorted[sorted.length >> 1]!, sorted[Math.floor(sorted.length * 0.99)]!, sorted.at(-1)!]
    console.log(name.padEnd(18) + shown.map((each) => each.toFixed(1).padStart(11)).join(""))
  }
}

// The first answers are those of a process that has just started.
for (const text of texts) ask(new Map(), text, text.length)
const prefixes: Times = new Map()
let failures = 0
for (let i = 0; i < Number(count); i++) {
  const text = texts[Math.floor(draw() * texts.length)]!
  const end = Math.floor(draw() * (text.length + 1))
  try {
    ask(prefixes, text.slice(0, end), end)
  } catch (failure) {
    if (failures++ < 5) console.log(failure)
  }
}
table(`${count} prefixes of the examples, seed ${seed}: ${failures} failures`, prefixes)
if (failures > 0) process.exitCode = 1
for (const lines of [1000, 5000]) {
  const times: Times = new Map()
  const text = longProgram(lines)
  for (let i = 0; i < 5; i++) ask(times, `${text}// ${i}`, text.length)
  table(`a program of ${text.split("\n").length} lines`, times)
}
