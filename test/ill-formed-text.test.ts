/** Texts of stages with mistakes, given back: refused with the place, or as good as a text without; never a bug of nnc. */
import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { fileHost } from "../compiler/cli/host.js"
import { compile } from "../compiler/driver/compile.js"
import { compileText } from "../compiler/driver/compile-text.js"
import { IrTextError } from "../compiler/ir/text/scanner.js"
import { DEFAULT_TARGET } from "../compiler/targets/index.js"
import { random } from "./support/random.js"

const PATH = "examples/six-points/six-points.nn"
const STAGES = ["model", "graph", "autocast", "fuse", "order", "choose", "kernels", "plan"]
/** The number of mistakes for each stage. */
const MISTAKES = 150

const file = { path: PATH, text: readFileSync(PATH, "utf8") }
const { stages } = compile(file, fileHost(PATH), { target: DEFAULT_TARGET, devices: ["webgpu"] })

const TOKEN = /"[^"\n]*"|[%@]?[A-Za-z0-9_.]+|[^\sA-Za-z0-9_]/g

/** One token is another one of the text, or is gone. */
function withMistake(text: string, next: () => number): string {
  const tokens = [...text.replace(/\/\/.*/g, (c) => " ".repeat(c.length)).matchAll(TOKEN)]
  const pick = () => tokens[Math.floor(next() * tokens.length)]!
  const at = pick()
  const instead = next() < 0.2 ? "" : pick()[0]
  return text.slice(0, at.index) + instead + text.slice(at.index + at[0].length)
}

/** undefined: accepted. */
function refusal(text: string): unknown {
  try {
    compileText(text, () => ({ B: 6, R: 6 }), { target: DEFAULT_TARGET })
    return undefined
  } catch (error) {
    return error
  }
}

describe.each(STAGES)("the text of %s", (stage) => {
  const text = stages.get(stage)!.text()

  it("is accepted as it is", () => expect(refusal(text)).toBeUndefined())

  it(`with a mistake is refused with its place, ${MISTAKES} times`, () => {
    const next = random(7)
    for (let n = 0; n < MISTAKES; n++) {
      const wrong = withMistake(text, next)
      const error = refusal(wrong)
      if (error === undefined) continue
      if (!(error instanceof IrTextError)) throw new Error(`${String(error)}\n${difference(text, wrong)}`)
      expect(error.line).toBeLessThanOrEqual(wrong.split("\n").length)
    }
  })
})

const difference = (before: string, after: string): string => {
  const lines = before.split("\n")
  const changed = after.split("\n").findIndex((line, i) => line !== lines[i])
  return `line ${changed + 1}: ${lines[changed]}\n     now: ${after.split("\n")[changed]}`
}

describe("a mistake in the text of a graph names its line", () => {
  const lines = stages.get("graph")!.text().split("\n")
  const at = lines.findIndex((line) => /= mul\b/.test(line))
  it.each([
    [
      "a type that the operation does not give",
      (l: string) => l.replace(/ : f32(\[[^\]]*\])?/, " : f32[7, 9]"),
    ],
    ["an operation that does not exist", (l: string) => l.replace("= mul", "= mull")],
    ["a value that does not exist", (l: string) => l.replace(/= mul \S+,/, "= mul %999,")],
    ["an input that does not exist", (l: string) => l.replace(/= mul \S+,/, "= mul nobody,")],
    ["an attribute that it does not have", (l: string) => l.replace(" : ", " {speed: 9} : ")],
  ])("%s", (_, change) => {
    const error = refusal(lines.with(at, change(lines[at]!)).join("\n"))
    expect(error).toBeInstanceOf(IrTextError)
    expect((error as IrTextError).line).toBe(at + 1)
  })
})
