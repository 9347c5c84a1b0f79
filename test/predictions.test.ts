// Predictions in terms of their target: names and probabilities of classes, values in the unit of their column.
import { describe, expect, it } from "vitest"
import type { FieldSpec, PredictTarget } from "../runtime/bundle/format.js"
import { csvLines, jsonLines } from "../compiler/cli/predictions/text.js"
import type { OutColumn } from "../compiler/cli/predictions/columns.js"
import type { Tensor } from "../runtime/exec/values.js"
import { isClasses, predictionOf, type Prediction } from "../runtime/train/prediction.js"

const field = (stages: FieldSpec["stages"], shape: readonly number[] = []): FieldSpec => ({
  name: "y",
  dtype: "f32",
  shape,
  columns: ["y"],
  stages,
})
const tensor = (shape: readonly number[], values: readonly number[]): Tensor => ({
  dtype: "f32",
  shape,
  values: Float32Array.from(values),
})
const NAMES = field([{ kind: "categories", count: 3, names: ["apple", "fig", "pear"] }])
const say = (of: Tensor, as: PredictTarget["as"], by: FieldSpec): Prediction =>
  predictionOf(of, { as, field: by }, (row) => `rows.csv: row ${row + 1}`)
const classes = (count: number, inner: number, scores: "softmax" | "exp" | "sigmoid" | "none") =>
  ({ kind: "classes", count, inner, scores }) as const

describe("classes", () => {
  it.each<[string, Tensor, PredictTarget["as"], string[], number[] | undefined]>([
    // torch.softmax([[1, 2, 4], [0, 0, -1000]], 1)
    [
      "softmax of logits",
      tensor([2, 3], [1, 2, 4, 0.5, 0, -1000]),
      classes(3, 1, "softmax"),
      ["pear", "apple"],
      [0.04201, 0.114195, 0.843795, 0.622459, 0.377541, 0],
    ],
    [
      "logits as large as f32 has them",
      tensor([1, 3], [3e38, 3e38, -3e38]),
      classes(3, 1, "softmax"),
      ["apple"],
      [0.5, 0.5, 0],
    ],
    [
      "log-probabilities",
      tensor([1, 3], [-0.5, -2, -1.7]),
      classes(3, 1, "exp"),
      ["apple"],
      [0.606531, 0.135335, 0.182684],
    ],
    [
      "each class by itself",
      tensor([1, 3], [0, 2, -2]),
      classes(3, 1, "sigmoid"),
      ["fig"],
      [0.5, 0.880797, 0.119203],
    ],
    [
      "scores that are no probabilities",
      tensor([1, 3], [7, 9, 8]),
      classes(3, 1, "none"),
      ["fig"],
      undefined,
    ],
    [
      "classes on axis 1, two places each",
      tensor([1, 3, 2], [0, 9, 9, 0, 0, 0]),
      classes(3, 2, "softmax"),
      ["fig", "apple"],
      [0.000123, 0.999753, 0.000123, 0.999753, 0.000123, 0.000123],
    ],
  ])("%s", (_, of, as, expected, probabilities) => {
    const found = say(of, as, NAMES)
    if (!isClasses(found)) return expect.fail("no classes")
    expect(found.classes).toEqual(expected)
    expect(found.names).toEqual(["apple", "fig", "pear"])
    expect(found.shape.reduce((a, b) => a * b)).toBe(expected.length)
    if (!probabilities) return expect(found.probabilities).toBeUndefined()
    found.probabilities!.values.forEach((p, i) => expect(p).toBeCloseTo(probabilities[i]!, 5))
  })

  it("of two, by one logit: the first at 0, the second above", () => {
    const two = field([{ kind: "categories", count: 2, names: ["no", "yes"] }])
    expect(say(tensor([3, 1], [-1, 0, 1]), { kind: "binary", scores: "sigmoid" }, two)).toMatchObject({
      shape: [3, 1],
      classes: ["no", "no", "yes"],
    })
  })

  it("are numbers where the data has no names for them", () =>
    expect(
      say(tensor([1, 2], [0, 1]), classes(2, 1, "none"), field([{ kind: "classes", count: 2 }])),
    ).toMatchObject({ classes: [1], names: [0, 1] }))

  it("of what is no number there is none", () =>
    expect(() => say(tensor([2, 3], [0, 0, 0, 1, NaN, 1]), classes(3, 1, "softmax"), NAMES)).toThrow(
      "rows.csv: row 2: the model gives NaN",
    ))
})

describe("values", () => {
  const standardized = { kind: "affine", from: "standardize", scale: [0.5, 4], shift: [-5, 1] } as const
  it("go back through the stages, the last one first", () =>
    expect(
      say(
        tensor([2, 2], [0, 1, -1, 5]),
        { kind: "value" },
        field([standardized, { kind: "affine", from: "scale", scale: [10], shift: [0] }], [2]),
      ),
    ).toMatchObject({ dtype: "f64", values: Float64Array.from([10, -0.225, 9.8, -0.125]) }))
  it.each([[[]], [[NAMES.stages[0]!]], [[{ kind: "one_hot", classes: 2 } as const]]])(
    "stay as they are where nothing leads back: %j",
    (stages) => {
      const of = tensor([1, 1], [0.1])
      expect(say(of, { kind: "value" }, field(stages))).toBe(of)
    },
  )
})

describe("rows are written", () => {
  const column = (name: string, type: OutColumn["type"], cells: readonly (number | string)[]): OutColumn => ({
    name,
    width: 1,
    type,
    at: (row) => cells[row]!,
  })
  const kept = [column("id", "text", ["007", "17"]), column("say", "text", ['a "b", c', " d"])]
  const chunk = {
    rows: 2,
    kept,
    outputs: {
      output: {
        shape: [2, 1],
        classes: ["x,y", "z"],
        names: ["x,y", "z"],
        probabilities: tensor([2, 1, 2], [0.1, 0.9, 1, 0]),
      },
      "output.1": tensor([2, 2], [0.1, 2, 1e-9, 4]),
      "output.2": { dtype: "i32", shape: [2], values: Int32Array.from([1234567936, -1]) } as const,
    },
  }
  it("as CSV, with the header once", () => {
    const lines = csvLines()
    expect([...lines(chunk), ...lines({ ...chunk, rows: 1 })]).toEqual([
      'id,say,output,"output.x,y",output.z,output.1.0,output.1.1,output.2',
      '007,"a ""b"", c","x,y",0.1,0.9,0.1,2,1234567936',
      '17," d",z,1,0,1e-9,4,-1',
      expect.any(String),
    ])
  })
  it("as JSON lines, numbered on from piece to piece", () => {
    const lines = jsonLines()
    expect([...lines(chunk), ...lines(chunk)].map((line) => JSON.parse(line) as unknown).slice(1, 3)).toEqual(
      [
        {
          row: 1,
          id: 17,
          say: " d",
          output: "z",
          "output.x,y": 1,
          "output.z": 0,
          "output.1": [1e-9, 4],
          "output.2": -1,
        },
        expect.objectContaining({ row: 2, id: "007" }),
      ],
    )
  })
})
