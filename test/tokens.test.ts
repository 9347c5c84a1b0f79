// Texts as words: what Hugging Face's Python package makes of them (test/data/tokens.py), and what is refused.
import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { applyField } from "../runtime/data/apply.js"
import { checkCounts } from "../runtime/data/bounds.js"
import { inMemory } from "../runtime/data/file.js"
import { fitFields } from "../runtime/data/fit.js"
import { tableOfRecords } from "../runtime/data/records.js"
import { allRows } from "../runtime/data/split.js"
import { usesOf } from "../runtime/data/uses.js"
import { failure } from "./support/failure.js"

interface Recorded {
  readonly texts: readonly string[]
  readonly cases: readonly {
    readonly name: string
    readonly tokenizer: object
    readonly rows: readonly {
      readonly length: number
      readonly texts: readonly { readonly ids: readonly number[]; readonly mask: readonly number[] }[]
    }[]
  }[]
}
const { texts, cases } = JSON.parse(readFileSync("test/data/tokens.json", "utf8")) as Recorded

function tokens(json: string, length: number, as: "ids" | "mask", rows: readonly string[] = texts) {
  const field = {
    name: "x",
    type: { dtype: "i32" as const, shape: [length] },
    columns: { kind: "only" as const, names: ["text"] },
    stages: [{ kind: "tokens" as const, path: "t.json", as, length }],
  }
  const table = tableOfRecords(
    "d",
    ["text"],
    rows.map((text) => ({ text })),
    usesOf([field]),
  )
  const all = allRows(table.rows)
  const [fitted] = fitFields(table, all, [field], () => inMemory(new TextEncoder().encode(json)))
  return {
    fitted: fitted!,
    values: [...new Int32Array(applyField(fitted!, table, all).bytes.slice().buffer)],
  }
}

describe("the numbers of tokens, and where there are some, as in Python", () => {
  it.each(cases.flatMap(({ name, tokenizer, rows }) => rows.map((row) => ({ name, tokenizer, ...row }))))(
    "$name, $length places",
    ({ tokenizer, length, texts: expected }) => {
      const json = JSON.stringify(tokenizer)
      const rowsOf = (as: "ids" | "mask") => {
        const { values } = tokens(json, length, as)
        return texts.map((text, i) => [text, values.slice(i * length, (i + 1) * length)])
      }
      expect(rowsOf("ids")).toEqual(texts.map((text, i) => [text, expected[i]!.ids]))
      expect(rowsOf("mask")).toEqual(texts.map((text, i) => [text, expected[i]!.mask]))
    },
  )
})

describe("refused", () => {
  const wordpiece = cases[0]!.tokenizer as { readonly model: object }
  const changed = (model: object): string =>
    JSON.stringify({ ...wordpiece, model: { ...wordpiece.model, ...model } })
  it.each([
    ["a file that is cut off", '{"model": {', "t.json is no tokenizer that can be read: it is not JSON"],
    ["a vocabulary alone", '{"the": 0}', 'it has no "model"'],
    [
      "another kind of model",
      changed({ type: "WordLevel" }),
      'its model is "WordLevel", and BPE, WordPiece and Unigram are read',
    ],
    [
      "a part that is not known",
      JSON.stringify({ ...wordpiece, normalizer: { type: "Rot13" } }),
      "Unknown Normalizer type: Rot13",
    ],
    [
      "a model without its vocabulary",
      JSON.stringify({ model: { type: "BPE" } }),
      "no tokenizer that can be read",
    ],
    [
      "a model without what its kind needs to cut words",
      JSON.stringify({ model: { type: "WordPiece", vocab: { a: 0 } } }),
      'its model is "WordPiece" and has no "unk_token"',
    ],
    [
      "an unknown token beyond the others",
      JSON.stringify({ model: { type: "Unigram", vocab: [["a", -1]], unk_id: 5 } }),
      "what it does not know has the number 5, and it numbers 1 tokens",
    ],
    ...[-3, 0.5, "1", null].map((number): [string, string, string] => [
      `a token with the number ${String(number)}`,
      changed({ vocab: { "[UNK]": 0, "[CLS]": 1, "[SEP]": 2, zebra: number } }),
      `"zebra" has the number ${String(number)}, and tokens are numbered from 0`,
    ]),
  ])("%s", (_, json, message) => {
    const [code, said] = failure(() => tokens(json, 8, "ids"))
    expect([code, said]).toEqual(["data-tokenizer", expect.stringContaining(message)])
  })
  it("a word without a number, by its row", () =>
    expect(
      failure(() => tokens(changed({ unk_token: "[NONE]" }), 8, "ids", ["the", "Ж"])).slice(0, 2),
    ).toEqual([
      "data-tokenizer",
      'd: row 2, column "text": t.json has no number for "[NONE]", and none for what it does not know',
    ]))
  it("a row that special tokens fill", () =>
    expect(failure(() => tokens(JSON.stringify(wordpiece), 2, "ids"))[1]).toBe(
      "t.json puts 2 special tokens into every row, and the field has room for 2",
    ))
  it("a vocabulary that reaches beyond what it picks from, whatever the rows hold", () => {
    const { fitted } = tokens(JSON.stringify(wordpiece), 8, "ids", ["the"])
    const bounded = (below: number) => ({ ...fitted, bounds: [{ below, or: null, at: "m.nn:7:3" }] })
    expect(() => checkCounts(bounded(150))).not.toThrow()
    expect(failure(() => checkCounts(bounded(100)))).toEqual([
      "data-index",
      't.json numbers 150 tokens, and m.nn:7:3 uses "x" to pick one of 100',
      "make room for 150 there",
    ])
  })
})
