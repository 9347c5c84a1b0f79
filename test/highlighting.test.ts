// Colours of programs where no language server runs: the TextMate grammar that is made from the tokens.

import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { describe, expect, it } from "vitest"
import { createOnigScanner, createOnigString, loadWASM } from "vscode-oniguruma"
import textmate from "vscode-textmate"
import { GRAMMAR_FILE, grammarText } from "../scripts/textmate-grammar.js"
import { fencedPrograms, programs } from "./support/programs.js"

const onigLib = loadWASM(
  readFileSync(createRequire(import.meta.url).resolve("vscode-oniguruma/release/onig.wasm")),
).then(() => ({ createOnigScanner, createOnigString }))
const registry = new textmate.Registry({
  onigLib,
  loadGrammar: async () => textmate.parseRawGrammar(await grammarText(), "nn.tmLanguage.json"),
})
const grammar = (await registry.loadGrammar("source.nn"))!

/** Every piece of a text with its innermost scope, white space left out. */
function scopes(text: string): readonly { readonly text: string; readonly scope: string }[] {
  let state = textmate.INITIAL
  return text.split("\n").flatMap((line) => {
    const { tokens, ruleStack } = grammar.tokenizeLine(line, state)
    state = ruleStack
    return tokens
      .map(({ startIndex, endIndex, scopes: all }) => ({
        text: line.slice(startIndex, endIndex).trim(),
        scope: all.at(-1)!,
      }))
      .filter((token) => token.text !== "")
  })
}

it("is as it is made: `npm run highlighting`", async () => {
  expect(readFileSync(GRAMMAR_FILE, "utf8")).toBe(await grammarText())
})

describe("every program has a scope at every character, and none is illegal", () => {
  it.each([...programs(), ...fencedPrograms("grammar/language.md")])("$path", ({ text }) => {
    const bad = scopes(text).filter(({ scope }) => scope === "source.nn" || scope.startsWith("invalid"))
    expect(bad).toEqual([])
  })
})

describe("words have the scope of what they are in their place", () => {
  it.each([
    ["fn halve(x: f32) { x / 2 }", "halve", "entity.name.function.nn"],
    ["layer Block(hidden: int)(x: f32[..., in]) { x }", "Block", "entity.name.type.class.nn"],
    ["layer Block(hidden: int)(x: f32[..., in]) { x }", "hidden", "variable.parameter.nn"],
    ["layer Block(hidden: int)(x: f32[..., in]) { x }", "int", "support.type.nn"],
    ["model Net(x: f32[B, 2]) { x |> relu }", "relu", "entity.name.function.nn"],
    ["model Net(x: f32[B, 2]) { x |> RNN(2) }", "RNN", "entity.name.type.class.nn"],
    ["model Net(x: f32[B, 2]) { x |> RNN(2) }", "B", "variable.other.constant.nn"],
    ["model Net(x: f32[B, 2]) { Net.head(x) }", "head", "variable.other.property.nn"],
    ["model Net(x: f32[B, 2]) { let test = x }", "test", "variable.other.nn"],
    ["let s = scan x in xs over 1 { x }", "over", "keyword.control.nn"],
    ['import { Block } from "blocks.nn"', "from", "keyword.control.nn"],
    ["train on d {", "on", "keyword.control.nn"],
    ["train gan on d {", "gan", "entity.name.type.class.nn"],
    ["train on d {\n  batch 4, shuffle, epochs 2\n}", "shuffle", "keyword.other.setting.nn"],
    ["train on d {\n  patience 10 epochs  // or so\n}", "epochs", "keyword.other.setting.nn"],
    ["train on d {\n  keep best accuracy\n}", "best", "keyword.control.nn"],
    ["train on d {\n  keep best accuracy\n}", "accuracy", "variable.other.nn"],
    ["train on d {\n  minimize mse(a, b) with SGD(seed: 3)\n}", "seed", "variable.parameter.nn"],
    ["train on d {\n  let last = a\n}", "last", "variable.other.nn"],
    ["train on d {\n  let a = b + last\n}", "last", "variable.other.nn"],
    ["train on d {\n  budget memory 2 GiB\n}", "GiB", "keyword.other.setting.nn"],
    ['data d = csv("a.csv") {\n  test = csv("b.csv")\n}', "test", "keyword.control.nn"],
    ['data d = csv("a.csv") {\n  test: f32 = column("b")\n}', "test", "variable.other.property.nn"],
    ['data d = csv("a\\n.csv") {', "\\n", "constant.character.escape.nn"],
    ["/// What it is.", "/// What it is.", "comment.line.documentation.nn"],
    ["let a = 'b'", "'b'", "invalid.illegal.nn"],
  ])("%s: %s", (program, word, scope) => {
    expect(scopes(program).find(({ text }) => text === word)?.scope).toBe(scope)
  })
})

it("a train section ends at its brace", () => {
  expect(scopes("train on d {\n  batch 4\n}\nlet seed = 4\nlet a = f(seed)").at(-2)?.scope).toBe(
    "variable.other.nn",
  )
})
