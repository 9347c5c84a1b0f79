// The services of the editor, over whole programs and over programs that are being typed.

import { describe, expect, it } from "vitest"
import { fileHost } from "../compiler/cli/host.js"
import { BUILTINS } from "../compiler/check/builtins.js"
import { analyse, type Analysis, type EditorHost, symbolAt } from "../compiler/editor/analysis.js"
import { completionsAt } from "../compiler/editor/completion.js"
import { hoverAt } from "../compiler/editor/hover.js"
import { inlayHints } from "../compiler/editor/inlay-hints.js"
import { lenses } from "../compiler/editor/lenses.js"
import { folds, outline } from "../compiler/editor/outline.js"
import { definitionAt, referencesAt, renameAt } from "../compiler/editor/references.js"
import { semanticTokens } from "../compiler/editor/semantic-tokens.js"
import { signatureAt } from "../compiler/editor/signature.js"
import { printModule } from "../compiler/ir/ast/text.js"
import { Identifier, lexer } from "../grammar/tokens.js"
import { programs } from "./support/programs.js"

const { stdlib } = fileHost("")
const host: EditorHost = {
  stdlib,
  load: (path) => (path === "other.nn" ? { path, text: "let there = 1\n" } : undefined),
  columns: (path, delimiter) => (path === "d.csv" && delimiter === "," ? ["y", "age"] : undefined),
}
const analysed = (text: string, path = "p.nn"): Analysis => analyse({ path, text }, host)

const PROGRAM = `let width = 16

/// A block of two layers.
layer Block(hidden: int, bias: bool = true)(x: f32[..., in]) -> f32[..., in] {
  let h = x |> Linear(hidden, bias: bias) |> relu
  h |> Linear(in)
}

data d = csv("d.csv") {
  x: f32[8] = columns(except: "y") |> standardize
  y: f32[1] = column("y")
}

model Net(x: f32[B, 8]) -> f32[B, 1] {
  let head = Linear(1)
  let (a, b) = (x |> Block(width), x * 2)
  head(a + b)
}

train on d {
  let scores = Net(x)
  minimize mse(scores, y) over Net.head with Adam(lr: 1e-3)
  batch 4, epochs 2
  report error = mae(scores, y)
}
`
const analysis = analysed(PROGRAM)
/** The offset of `¦` in a piece of the program, which is there once. */
function at(piece: string): number {
  const start = PROGRAM.indexOf(piece.replace("¦", ""))
  expect(start, piece).toBeGreaterThanOrEqual(0)
  return start + piece.indexOf("¦")
}
const textOf = ({ start, end }: { start: number; end: number }): string => PROGRAM.slice(start, end)

it("is a right program", () => {
  expect(analysis.diagnostics.filter(({ severity }) => severity === "error")).toEqual([])
})

it("hints at the shape of every let and every link of a pipe", () => {
  let shown = PROGRAM
  for (const { offset, text } of inlayHints(analysis).toReversed())
    shown = `${shown.slice(0, offset)}«${text}»${shown.slice(offset)}`
  expect(shown.split("\n").filter((line) => line.includes("«"))).toMatchInlineSnapshot(`
    [
      "  let h«: f32[B, 16]» = x |> Linear(hidden, bias: bias)« f32[B, 16]» |> relu« f32[B, 16]»",
      "  h |> Linear(in)« f32[B, 8]»",
      "  let (a«: f32[B, 8]», b«: f32[B, 8]») = (x |> Block(width)« f32[B, 8]», x * 2)",
      "  let scores«: f32[B, 1]» = Net(x)",
    ]
  `)
})

describe("hovering shows", () => {
  it.each([
    [
      "Bl¦ock(width)",
      {
        title: "layer Block(hidden: int, bias: bool = true)(x: f32[..., in]) -> f32[..., in]",
        gives: "f32[B, 8]",
        doc: "A block of two layers.",
      },
    ],
    ["Block(wid¦th)", { title: "let width: 16" }],
    ["Ad¦am", { title: expect.stringMatching(/^optimizer Adam\(lr: f32 = 1e-3, .*\)\(p, g\)$/) }],
    ["let sc¦ores", { title: "let scores: f32[B, 1]" }],
    ["mse(sco¦res", { title: "let scores: f32[B, 1]" }],
    ["let (¦a", { title: "let a: f32[B, 8]" }],
    ["Net.he¦ad", { title: expect.stringContaining("let head: "), parameters: 9 }],
    ["= N¦et(x)", { title: "model Net(x: f32[B, 8]) -> f32[B, 1]", gives: "f32[B, 1]", parameters: 289 }],
  ])("%s", (piece, expected) => {
    const { span, ...shown } = hoverAt(analysis, at(piece))!
    expect(shown).toMatchObject(expected)
    expect(textOf(span)).toMatch(/^\w+$/)
  })

  it("how a parameter begins", () => {
    const text = `layer Scale()(x: f32[B, n]) {
  param w: f32[n] = uniform(-1, 1)
  state seen: f32 = 0
  x * w + seen
}
model Net(x: f32[B, 3]) { x |> Scale() }
`
    const one = analysed(text)
    const titleAt = (name: string): string | undefined => hoverAt(one, text.lastIndexOf(name))?.title
    expect(titleAt("w ")).toBe("param w: f32[3] = uniform(-1, 1)")
    expect(titleAt("seen")).toBe("state seen: f32 = 0")
  })

  it("nothing where there is no name", () => {
    expect(hoverAt(analysis, at("1e¦-3"))).toBeUndefined()
  })
})

describe("a name", () => {
  it.each([
    ["Block(wid¦th)", "let ¦width"],
    ["Bl¦ock(width)", "layer ¦Block"],
    ["Linear(hid¦den", "Block(¦hidden"],
    ["Linear(i¦n)", "f32[..., ¦in]) ->"],
    ["on ¦d", "data ¦d"],
    ["mse(scores, ¦y)", "  ¦y: f32[1]"],
    ["Net.he¦ad", "let ¦head"],
    ["Net¦(x)", "model ¦Net"],
  ])("%s leads to %s", (piece, declared) => {
    expect(definitionAt(analysis, at(piece))?.start).toBe(at(declared))
  })

  it("of an import leads to its file, and what it gives to its declaration there", () => {
    const text = 'import { there } from "other.nn"\nlet here = there\n'
    const importing = analysed(text)
    expect(definitionAt(importing, text.indexOf("other"))).toMatchObject({
      file: { path: "other.nn" },
      start: 0,
    })
    expect(definitionAt(importing, text.lastIndexOf("there"))).toMatchObject({
      file: { path: "other.nn" },
      start: 4,
    })
  })

  it("of the library leads there", () => {
    expect(definitionAt(analysis, at("Ad¦am"))?.file.path).toBe("stdlib/optimizers.nn")
  })

  it("is found wherever it is used", () => {
    expect(referencesAt(analysis, at("Block(¦hidden")).map(textOf)).toEqual(["hidden", "hidden"])
    expect(referencesAt(analysis, at("let sc¦ores"))).toHaveLength(3)
    // The name of an argument is that of the parameter, in the library's own words where it is the library's.
    expect(referencesAt(analysis, at("bias: b¦ias)"))).toHaveLength(2)
  })

  it("of a report is found where a run is steered by it, whichever rows it is over", () => {
    const text = `train on d {
  report error = mae(Net(x), y)
  patience 3 epochs on val_error
  keep best error
}
`
    const rename = renameAt(analysed(text), text.indexOf("error"), "mistake")
    const spans = rename.kind === "edits" ? rename.spans : []
    expect(spans.map(({ start }) => text.slice(0, start).split("\n").at(-1)!.trim())).toEqual([
      "report",
      "patience 3 epochs on val_",
      "keep best",
    ])
  })

  it.each([
    ["let ¦width", "breadth", undefined],
    ["let ¦width", "x", "`x` already stands for something here"],
    ["let ¦width", "relu", "`relu` already stands for something here"],
    ["let ¦width", "Net", "`Net` already stands for something here"],
    ["let ¦width", "two words", "`two words` is no name"],
    ["let ¦width", "batch", "`batch` begins a setting"],
    ["let ¦width", "let", "`let` is a word of the language"],
    ["let ¦width", "true", "`true` is a word of the language"],
    ["¦Adam", "Sgd", "`Adam` is declared in stdlib/optimizers.nn"],
  ])("%s is renamed to %s, unless that means something", (piece, to, why) => {
    const rename = renameAt(analysis, at(piece), to)
    if (why === undefined) expect(rename).toMatchObject({ kind: "edits" })
    else expect(rename).toEqual({ kind: "refused", why })
  })
})

describe("what may be written", () => {
  const labels = (piece: string): readonly string[] =>
    completionsAt(analysis, at(piece)).map(({ label }) => label)

  it.each([
    ["Linear(¦hidden", ["out: ", "bias: ", "hidden", "in", "x"], ["h", "y"]],
    ["head(a¦ + b)", ["a", "b", "x", "head", "width", "relu", "floor_div", "f32"], ["scores"]],
    ["  ¦batch 4", ["batch", "epochs", "minimize", "report", "scores", "x", "y"], ["hidden"]],
    ["|> stan¦dardize", ["standardize", "one_hot"], ["relu"]],
    ['csv("d¦.csv', [], ["relu"]],
  ])("at %s", (piece, some, none) => {
    expect(labels(piece)).toEqual(expect.arrayContaining(some))
    for (const label of none) expect(labels(piece)).not.toContain(label)
  })

  it("are the columns of the file, between quotes", () => {
    expect(labels('column("¦y')).toEqual(["y", "age"])
    const typed = PROGRAM.slice(0, PROGRAM.indexOf('column("y')) + 'column("'
    for (const text of [typed, `${typed}\n}\n`, `${typed}") |> one_hot(3)\n}\n`])
      expect(
        completionsAt(analysed(text), typed.length).map(({ label }) => label),
        text,
      ).toEqual(["y", "age"])
  })

  it("in a call are its parameters, the next one marked", () => {
    const help = signatureAt(analysis, at("Linear(hidden, ¦bias"))
    expect(help).toMatchObject({ parameters: ["out: int", "bias: bool = true"], active: 1 })
    expect(signatureAt(analysis, at("mse(scores, ¦y"))?.active).toBe(1)
    expect(signatureAt(analysis, at("¦let width"))).toBeUndefined()
  })
})

it("outlines and folds the file", () => {
  const items = outline(analysis).map(
    ({ name, kind, children }) => `${kind} ${name}: ${children.map((c) => c.name).join(" ")}`,
  )
  expect(items).toEqual([
    "constant width: ",
    "layer Block: h",
    "data d: x y",
    "model Net: head a b",
    "train train: scores error",
  ])
  expect(folds(analysis).map(({ to }) => PROGRAM.split("\n")[to - 1])).toEqual(["}", "}", "}", "}"])
})

it("says above a model what it learns and computes", () => {
  expect(lenses(analysis).map(({ text }) => text)).toEqual([
    "289 parameters, 264 multiply-adds a row",
    "train",
    "profile",
  ])
})

it("colours names by their kind, in order and none twice", () => {
  const tokens = semanticTokens(analysis)
  const ends = tokens.map(({ span }) => span.end)
  expect(tokens.every(({ span }, i) => i === 0 || ends[i - 1]! <= span.start)).toBe(true)
  expect(tokens.filter(({ isLibrary }) => isLibrary).map(({ span }) => textOf(span))).toEqual(
    expect.arrayContaining(["Linear", "relu", "mse", "Adam"]),
  )
})

/** Words of a program that lead nowhere, but those of the language, of data sections and of files of weights, `loss`, and
 *  parameters of the library's layers (`embed.weight`). */
function unresolved(one: Analysis): readonly string[] {
  const data = one.module.declarations.filter(({ kind }) => kind === "data")
  const own = new Set([...BUILTINS, "B", "loss", "val_loss", "test_loss", "prefix", "rename", "transpose"])
  return lexer
    .tokenize(one.file.text)
    .tokens.filter(
      ({ startOffset: at, tokenType }) =>
        tokenType === Identifier &&
        symbolAt(one, at) === undefined &&
        one.file.text[at - 1] !== "." &&
        !data.some(({ span }) => span.start <= at && at < span.end),
    )
    .map(({ image }) => image)
    .filter((word) => !own.has(word))
}

describe("in every example", () => {
  it.each(programs().filter(({ path }) => path.startsWith("examples/")))(
    "$path each name lands, and with every name renamed it means the same",
    ({ path, text }) => {
      const one = analysed(text, path)
      for (const { span, symbol } of one.names.uses) {
        const there = definitionAt(one, span.start)!
        expect(there.file.text.slice(there.start, there.end)).toBe(symbol.name)
        expect(there.file === one.file || there.file.path.startsWith("stdlib/")).toBe(true)
      }
      expect(unresolved(one)).toEqual([])
      const edits = one.names.symbols.flatMap((symbol, i) => {
        const rename = renameAt(one, symbol.span.start, `name_${i}_`)
        if (rename.kind === "refused") throw new Error(`${symbol.name}: ${rename.why}`)
        return rename.spans.map((span) => ({ span, to: `name_${i}_` }))
      })
      let renamed = text
      for (const { span, to } of edits.sort((a, b) => b.span.start - a.span.start))
        renamed = `${renamed.slice(0, span.start)}${to}${renamed.slice(span.end)}`
      const after = analysed(renamed, path)
      // Which values of a metric are better may follow from its name.
      const codes = ({ diagnostics }: Analysis): readonly string[] =>
        diagnostics.map(({ code }) => code).filter((code) => code !== "keep-direction")
      expect(codes(after)).toEqual(codes(one))
      const back = printModule(after.module).replace(
        /name_(\d+)_/g,
        (_, i) => one.names.symbols[Number(i)]!.name,
      )
      // Longer names may break lines, also within brackets.
      const words = (printed: string): string =>
        printed.replace(/(?<=[([])\s+|\s+(?=[)\]])/g, "").replace(/\s+/g, " ")
      expect(words(back)).toBe(words(printModule(one.module)))
    },
  )
})

describe("a file being typed", () => {
  /** Every service, at a place. */
  function everything(text: string, offset: number): void {
    const one = analysed(text)
    inlayHints(one)
    semanticTokens(one)
    outline(one)
    folds(one)
    lenses(one)
    hoverAt(one, offset)
    completionsAt(one, offset)
    signatureAt(one, offset)
    referencesAt(one, offset)
    renameAt(one, offset, "other")
  }

  it("gets an answer at every prefix", () => {
    for (let end = 0; end <= PROGRAM.length; end += 3) everything(PROGRAM.slice(0, end), end)
  })

  it("still has the shapes of what is sound", () => {
    const broken = analysed(PROGRAM.replace("head(a + b)", "head(a + )"))
    expect(broken.diagnostics.length).toBeGreaterThan(0)
    expect(inlayHints(broken).map(({ text }) => text)).toContain(": f32[B, 8]")
    const typing = analysed(PROGRAM.replace("mse(scores, y)", "mse(scores, )"))
    expect(lenses(typing)[0]?.text).toBe("289 parameters, 264 multiply-adds a row")
  })
})
