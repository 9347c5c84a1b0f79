// check: every code of the room has a case, and messages are pinned by case files; a Model is printed, read back and
// verified.
import { describe, expect, test } from "vitest"
import { checkCodes } from "../compiler/check/codes.js"
import { fileHost } from "../compiler/cli/host.js"
import { compile } from "../compiler/driver/compile.js"
import { parseModel, printModel } from "../compiler/ir/model/text.js"
import type { Model, ModelStmt } from "../compiler/ir/model/types.js"
import { printType } from "../compiler/ir/tensor.js"
import { verifyModel } from "../compiler/ir/model/verify.js"
import { renderDiagnostics } from "../compiler/source/render.js"
import { DEFAULT_TARGET } from "../compiler/targets/index.js"
import { casesIn, testCases } from "./support/cases.js"
import { checkText } from "./support/checked.js"
import { programs } from "./support/programs.js"

const codesOf = (text: string): string[] => checkText(text).diagnostics.all.map((d) => d.code)
function modelOf(text: string): Model {
  const { model, diagnostics } = checkText(text)
  if (!model) throw new Error(renderDiagnostics(diagnostics.all))
  return model
}

test("every code has a case that shows its message", () => {
  const cases = casesIn("errors").map((c) => c.name)
  const shownBelow = ["import-name", "import-hides"]
  expect(Object.keys(checkCodes).filter((code) => ![...cases, ...shownBelow].includes(code))).toEqual([])
})

testCases("errors", ({ input, shownPath }) => renderDiagnostics(checkText(input, shownPath).diagnostics.all))

test("no message shows a name of the library's insides", () => {
  const shown = casesIn("errors").flatMap(({ input, shownPath, name }) =>
    renderDiagnostics(checkText(input, shownPath).diagnostics.all)
      .split("\n")
      .filter((line) => /(?<![\w"])_[a-z]/.test(line) || line.includes("stdlib/"))
      .map((line) => `${name}: ${line}`),
  )
  expect(shown).toEqual([])
})

testCases("model", ({ input, shownPath }) => {
  const { model, diagnostics } = checkText(input, shownPath)
  return model ? printModel(model) : renderDiagnostics(diagnostics.all)
})

describe("programs of the repository", () => {
  for (const { path, text } of programs().filter((p) => p.path.startsWith("examples/")))
    test(path, () => {
      const { model, diagnostics } = checkText(text, path)
      expect(renderDiagnostics(diagnostics.all)).toBe("")
      const printed = printModel(model!)
      expect(verifyModel(model!)).toEqual([])
      expect(printModel(parseModel(printed))).toBe(printed)
      expect(verifyModel(parseModel(printed))).toEqual([])
    })
})

describe("paths", () => {
  const slotsOf = (text: string): string[] => modelOf(text).slots.map((s) => s.name)

  test("named, anonymous, in loops, shared", () => {
    const slots = slotsOf(`
      layer Pair(n: int)(x: f32[..., d]) -> f32[..., n] { x |> Linear(n, bias: false) |> Linear(n, bias: false) }
      model M(x: f32[B, 3]) {
        let enc = Linear(3, bias: false)
        var h = enc(enc(x))
        for i in 0..2 {
          let deep = Pair(3)
          h = h |> deep |> Linear(3, bias: false)
        }
        h
      }`)
    expect(slots).toEqual([
      "M.enc.weight",
      "M.deep.0.linear.0.weight",
      "M.deep.0.linear.1.weight",
      "M.linear.0.weight",
      "M.deep.1.linear.0.weight",
      "M.deep.1.linear.1.weight",
      "M.linear.1.weight",
    ])
  })

  test("a layer in a train section has no prefix", () =>
    expect(
      slotsOf("train { minimize mean(Linear(1, bias: false)(ones([2, 3]))) with SGD(lr: 1)  steps 1 }"),
    ).toEqual(["linear.0.weight"]))

  test("a random draw keeps its stream under edits elsewhere", () => {
    const streams = (text: string): string[] =>
      [...printModel(modelOf(text)).matchAll(/stream: (\d+)/g)].map((m) => m[1]!)
    const one = streams("model M(x: f32[B, 3]) { let a = Linear(2, bias: false)  a(x) }")
    const two = streams(
      "model M(x: f32[B, 3]) { let b = Linear(3, bias: false)  let a = Linear(2, bias: false)  a(b(x)) }",
    )
    expect(two).toContain(one[0])
  })
})

test("`over` takes parameters by a pattern of their names", () => {
  const moved = (over: string): string[] =>
    modelOf(`model M(x: f32[4, 3]) { x |> Linear(3) |> Linear(1) }
      train { minimize mean(M(ones([4, 3]))) over ${over} with SGD(lr: 1)  steps 1 }`).trains.flatMap((t) =>
      t.objectives.flatMap((o) => o.updates.map((u) => u.param)),
    )
  expect(moved('"*.bias"')).toEqual(["M.linear.0.bias", "M.linear.1.bias"])
  expect(moved('"M.*1.w*"')).toEqual(["M.linear.1.weight"])
  expect(moved('"M.linear.0.bias"')).toEqual(["M.linear.0.bias"])
})

describe("sizes", () => {
  const output = (text: string): string => {
    const { section } = modelOf(text).predicts[0]!
    const find = (body: readonly ModelStmt[]): string | undefined =>
      body
        .map((s) => {
          if (s.kind === "call") return find(s.body)
          return s.kind === "op" && s.id === section.results[0]!.value ? printType(s.type) : undefined
        })
        .find((t) => t !== undefined)
    return find(section.body) ?? ""
  }

  test("`/` in a dimension is floor division", () =>
    expect(
      output(
        "layer Half()(x: f32[B, n]) -> f32[B, n / 2] { x[:, 0:floor_div(n, 2)] }\nmodel M(x: f32[B, 5]) { x |> Half() }",
      ),
    ).toBe("f32[B, 2]"))

  test("`...` carries through", () =>
    expect(output("model M(x: f32[B, 4, 3]) { x |> Linear(2) }")).toBe("f32[B, 4, 2]"))

  test("B stays symbolic in arithmetic", () =>
    expect(output("model M(x: f32[B, 3]) { reshape(x, [3 * x.shape[0]]) + 1 }")).toBe("f32[3*B]"))
})

describe("imports", () => {
  const blocks = "layer Twice()(x: f32[..., n]) -> f32[..., n] { 2 * x }\nlet width = 4\n"
  const run = (head: string): string[] =>
    checkText(`${head}\nmodel M(x: f32[B, 3]) { x |> Twice() }`, "program.nn", {
      "blocks.nn": blocks,
    }).diagnostics.all.map((d) => d.code)

  test("every name", () => expect(run('import "blocks.nn"')).toEqual([]))
  test("listed names", () => expect(run('import { Twice } from "blocks.nn"')).toEqual([]))
  test("a name that is not there", () =>
    expect(run('import { Twise } from "blocks.nn"')).toContain("import-name"))
  test("a name of the library that no one asked for", () => {
    const found = (head: string, body: string): string[] =>
      checkText(`${head}\nmodel M(x: f32[B, 3]) { ${body} }`, "program.nn", {
        "blocks.nn": "fn relu(x: f32[...]) -> f32[...] { 2 * x }",
      }).diagnostics.all.map((d) => d.code)
    expect(found('import "blocks.nn"', "relu(x)")).toEqual(["import-hides"])
    expect(found('import { relu } from "blocks.nn"', "relu(x)")).toEqual([])
    expect(found('import "blocks.nn"', "gelu(x)")).toEqual([])
  })
})

describe("names of the library", () => {
  const inLibrary = programs()
    .filter(({ path }) => path.startsWith("stdlib/"))
    .flatMap(({ text }) => [...text.matchAll(/^(?:fn|layer|optimizer) (\w+)/gm)].map(([, name]) => name!))
    .filter((name) => !name.startsWith("_"))
  const usedByThis = new Set(["relu", "Linear", "LayerNorm", "matmul", "ones", "mse", "AdamW", "GradScaler"])
  const taken = inLibrary.filter((name) => !usedByThis.has(name))
  const program = (locals: readonly string[], own: readonly string[], field: string): string => `
    data d = array(x: [[1, 2, 3]], y: [[1]]) { ${field}: f32[3] = column("x")  y: f32[1] = column("y") }
    ${own.map((name) => `fn ${name}(x: f32[...]) -> f32[...] { 2 * x }`).join("\n")}
    model M(x: f32[B, 3]) {
      let first = x |> Linear(4) |> LayerNorm |> relu |> Linear(1)
      ${locals.map((name, i) => `let ${name} = ${locals[i - 1] ?? "first"} + 1`).join("\n")}
      ${locals.at(-1) ?? "first"} @ ones([1, 1])
    }
    train on d { minimize mse(M(${field}), y) with AdamW()  steps 3, precision mixed }`
  const modelText = (text: string): string => printModel(modelOf(text)).replaceAll(/program\.nn:\d+:\d+/g, "")
  const others = taken.map((_, i) => `other_${i}`)

  test("locals and functions of a program may take any of them, and nothing else changes", () => {
    expect(modelText(program(taken, [], "x_"))).toBe(modelText(program(others, [], "x_")))
    expect(modelText(program([], [...taken, "matmul", "GradScaler"], "x_"))).toBe(
      modelText(program([], others, "x_")),
    )
  })

  test("a field may have one, which its section then reads", () =>
    expect(codesOf(program([], [], "f1"))).toEqual([]))

  test("`let norm = norm(x)` is plain, and so are two blocks that say so", () =>
    expect(
      codesOf(
        "model M(x: f32[B, 3]) {\n  for i in 0..2 {\n    let norm = norm(x)\n  }\n  let norm = norm(x)\n  x * norm\n}",
      ),
    ).toEqual([]))

  test("what is hidden cannot be called, and the message says what hides it", () => {
    const { diagnostics } = checkText("model M(x: f32[B, 3]) {\n  let mean = sum(x)\n  mean(x)\n}")
    expect(renderDiagnostics(diagnostics.all)).toContain("hides the library's `mean`")
  })
})

test("several mistakes in one file give several messages", () =>
  expect(
    codesOf(
      "model M(x: f32[B, 3]) {\n  let a = rellu(x)\n  let b = a + 1\n  let c = x + ones([2])\n  b + c\n}",
    ),
  ).toEqual(["name-unknown", "broadcast"]))

test("a body that nothing calls is still read for its names", () =>
  expect(codesOf("layer Never()(x: f32[N, d]) -> f32[N, d] { let y = x * d\n  relu(y) + rellu(x) }")).toEqual(
    ["name-unknown"],
  ))

test("a thousand layers are checked in seconds", () => {
  const layers = Array.from({ length: 1000 }, () => "  |> Linear(8) |> relu").join("\n")
  const chunks = layers.split("\n").reduce<string[]>((all, line, i) => {
    if (i % 50 === 0) all.push(`  h = h\n`)
    all[all.length - 1] += `  ${line}\n`
    return all
  }, [])
  // Time of the processor, not of the clock: other tests run beside this one.
  const start = process.cpuUsage()
  expect(modelOf(`model M(x: f32[B, 8]) {\n  var h = x\n${chunks.join("")}  h\n}`).slots).toHaveLength(2000)
  const { user, system } = process.cpuUsage(start)
  expect((user + system) / 1000).toBeLessThan(10_000)
})

test("mistakes of grammar, of settings and of shapes are shown in one run, in order of the text", () => {
  const text =
    "model M(x: f32[B, 37]) {\n  let h = x |>\n  let g = x |> nn.Linear(37, 53)\n  g\n}\ntrain {\n  steps=0\n  batch_size=71\n}\n"
  const { diagnostics } = compile({ path: "m.nn", text }, fileHost("m.nn"), { target: DEFAULT_TARGET })
  expect(diagnostics.map(({ code }) => code)).toEqual([
    "syntax-expected",
    "name-unknown",
    "argument-order",
    "train-no-loss",
    "syntax-habit",
    "setting-value",
    "syntax-habit",
  ])
})
