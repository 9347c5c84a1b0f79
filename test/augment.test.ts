/** stdlib: augmentation of images: the images that a training step sees, that gradients pass, and that evaluation leaves images alone. */
import { describe, expect, it } from "vitest"
import { evalGraph } from "../compiler/ir/graph/eval.js"
import { differentiated, lowered } from "./support/lowered.js"

type Shape = readonly [number, number, number, number]

/** An image as `values[channel][row][column]`. */
type Image = number[][][]

/** `image` goes through `expression` and is multiplied by `k`, so that the gradient by k is the augmented image. */
function augmentation(expression: string, shape: Shape) {
  const graphs = lowered(`
model M(one: f32) -> f32 {
  param image: f32[${shape.join(", ")}] = zeros
  param k: f32[${shape.join(", ")}] = zeros
  sum(${expression} * k) * one
}
train { minimize M(1) with SGD(lr: 1)
  steps 1 }`)
  const step = differentiated(graphs.get("step")!)
  const evaluate = graphs.get("evaluate")!
  const size = shape.reduce((a, b) => a * b, 1)
  const array = (data: ArrayLike<number>) => ({ shape, data: Float64Array.from(data) })
  const call = (image: ArrayLike<number>, k: ArrayLike<number>, at: number) =>
    evalGraph(step, {
      state: { "M.image": array(image), "M.k": array(k) },
      scalars: { step: at, epoch: 0, seed: 3, start: 0 },
    })
  const zeros = new Float64Array(size)
  return {
    size,
    /** The images of a step. */
    values: (image: ArrayLike<number>, at = 0): number[] =>
      Array.from(call(image, zeros, at).updates["M.k"]!.data, (value) => 0 - value),
    loss: (image: ArrayLike<number>, k: ArrayLike<number>): number =>
      call(image, k, 0).outputs["loss"]!.data[0]!,
    gradient: (image: ArrayLike<number>, k: ArrayLike<number>): number[] => {
      const after = call(image, k, 0).updates["M.image"]!.data
      return Array.from(after, (value, i) => image[i]! - value)
    },
    evaluated: (image: ArrayLike<number>, k: ArrayLike<number>): number =>
      evalGraph(evaluate, { state: { "M.image": array(image), "M.k": array(k) } }).outputs["loss"]!.data[0]!,
    draws: (of: "step" | "evaluate"): number =>
      graphs.get(of)!.nodes.filter(({ op }) => op === "random_uniform").length,
  }
}

const counted = (size: number, by = 1.7): number[] =>
  Array.from({ length: size }, (_, i) => 0.5 + 0.4 * Math.sin(i * by + 0.3))

function images(values: readonly number[], [count, channels, height, width]: Shape): Image[] {
  let next = 0
  const list = <T>(length: number, make: () => T): T[] => Array.from({ length }, make)
  return list(count, () => list(channels, () => list(height, () => list(width, () => values[next++]!))))
}

describe.each([
  "random_flip(image)",
  "random_flip(image, p: 0.5, axis: 2)",
  "random_crop(image, padding: 2)",
  "cutout(image, 3)",
  "color_jitter(image)",
  "random_rotate(image, degrees: 30)",
  "gaussian_noise(image, std: 0.2)",
])("%s", (expression) => {
  const made = augmentation(expression, [2, 3, 4, 5])
  const image = counted(made.size)
  const k = counted(made.size, 0.9)

  it("changes images in training, otherwise in every step, and leaves them alone in evaluation", () => {
    const first = made.values(image)
    expect(made.values(image)).toEqual(first)
    expect([1, 2, 3].some((at) => made.values(image, at).some((value, i) => value !== first[i]))).toBe(true)
    expect(made.draws("step")).toBeGreaterThan(0)
    expect(made.draws("evaluate")).toBe(0)
    expect(made.evaluated(image, k)).toBeCloseTo(
      image.reduce((sum, value, i) => sum + value * k[i]!, 0),
      9,
    )
  })

  it("passes gradients", () => {
    const gradient = made.gradient(image, k)
    for (const place of [0, 17, 33, 59, 78, 119]) {
      const at = (by: number): number =>
        made.loss(
          image.map((value, i) => (i === place ? value + by : value)),
          k,
        )
      expect(gradient[place]).toBeCloseTo((at(1e-5) - at(-1e-5)) / 2e-5, 5)
    }
  })
})

describe("what comes out", () => {
  const shape: Shape = [40, 2, 5, 6]
  const size = shape.reduce((a, b) => a * b, 1)
  const given = counted(size)
  const before = images(given, shape)
  const after = (expression: string, values = given): Image[] =>
    images(augmentation(expression, shape).values(values), shape)

  it("random_flip: each image, or its mirror image", () => {
    const flipped = after("random_flip(image)").map((image, i) => {
      const mirrored = before[i]!.map((rows) => rows.map((row) => row.toReversed()))
      const is = JSON.stringify(image) === JSON.stringify(mirrored)
      expect(image).toEqual(is ? mirrored : before[i])
      return is
    })
    expect(flipped.filter(Boolean).length).toBeGreaterThan(10)
    expect(flipped.filter(Boolean).length).toBeLessThan(30)
  })

  it("random_crop: each image moved by at most the padding, zeros coming in", () => {
    const moved = (image: Image, down: number, right: number): Image =>
      image.map((rows) => rows.map((row, y) => row.map((_, x) => rows[y + down]?.[x + right] ?? 0)))
    const seen = new Set<string>()
    after("random_crop(image, padding: 1)").forEach((image, i) => {
      const by = [-1, 0, 1].flatMap((down) => [-1, 0, 1].map((right) => [down, right] as const))
      const found = by.find(
        ([down, right]) => JSON.stringify(moved(before[i]!, down, right)) === JSON.stringify(image),
      )
      expect(found, `image ${i}`).toBeDefined()
      seen.add(String(found))
    })
    expect(seen.size).toBe(9)
  })

  it("cutout: a square of zeros in all channels, whose middle lies in the image", () => {
    after("cutout(image, 3)").forEach((image, i) => {
      const zero = image[0]!.flatMap((row, y) =>
        row.flatMap((value, x) => (value === 0 ? [[y, x] as const] : [])),
      )
      const rows = new Set(zero.map(([y]) => y))
      const columns = new Set(zero.map(([, x]) => x))
      expect(zero.length).toBe(rows.size * columns.size)
      expect([rows.size, columns.size].every((count) => count >= 2 && count <= 3)).toBe(true)
      image.forEach((channel, c) =>
        channel.forEach((row, y) =>
          row.forEach((value, x) =>
            expect(value).toBe(rows.has(y) && columns.has(x) ? 0 : before[i]![c]![y]![x]),
          ),
        ),
      )
    })
  })

  it("random_rotate: turned about the centre, by at most the angle", () => {
    // Two channels that hold the place of each pixel.
    const places = before.flatMap((image) =>
      image.flatMap((rows, c) => rows.flatMap((row, y) => row.map((_, x) => (c === 0 ? y : x) + 10))),
    )
    const angles = after("random_rotate(image, degrees: 30)", places).map(([ys, xs]) => {
      const from = (y: number, x: number): readonly [number, number] => [ys![y]![x]! - 12, xs![y]![x]! - 12.5]
      const [down, right] = from(2, 3)
      const angle = Math.atan2(-down, right)
      const other = from(3, 2)
      expect(Math.hypot(down, right)).toBeCloseTo(0.5, 6)
      expect(other[0]).toBeCloseTo(Math.cos(angle) + 0.5 * Math.sin(angle), 6)
      expect(other[1]).toBeCloseTo(Math.sin(angle) - 0.5 * Math.cos(angle), 6)
      return (angle * 180) / Math.PI
    })
    expect(Math.max(...angles.map(Math.abs))).toBeLessThanOrEqual(30)
    expect(Math.max(...angles) - Math.min(...angles)).toBeGreaterThan(30)
  })

  it("color_jitter: brightness is one factor for each image, and values end at 0 and 1", () => {
    const grey: Shape = [30, 1, 2, 3]
    const values = counted(180).map((value) => value / 2)
    const made = augmentation("color_jitter(image, brightness: 0.4, contrast: 0, saturation: 0)", grey)
    const out = images(made.values(values), grey)
    const factors = images(values, grey).map((image, i) => out[i]![0]![0]![0]! / image[0]![0]![0]!)
    images(values, grey).forEach((image, i) =>
      image[0]!
        .flat()
        .forEach((value, j) => expect(out[i]![0]!.flat()[j]).toBeCloseTo(value * factors[i]!, 9)),
    )
    expect(Math.min(...factors)).toBeGreaterThanOrEqual(0.6)
    expect(Math.max(...factors)).toBeLessThanOrEqual(1.4)
    expect(Math.max(...factors) - Math.min(...factors)).toBeGreaterThan(0.5)
    const strong = augmentation("color_jitter(image, 1, 1, 1)", [20, 3, 2, 2])
    for (const value of strong.values(counted(strong.size))) {
      expect(value).toBeGreaterThanOrEqual(0)
      expect(value).toBeLessThanOrEqual(1)
    }
  })

  it("gaussian_noise: of mean 0 and its deviation", () => {
    const noise = augmentation("gaussian_noise(image, std: 0.2)", shape)
      .values(given)
      .map((value, i) => value - given[i]!)
    const mean = noise.reduce((a, b) => a + b, 0) / size
    const deviation = Math.sqrt(noise.reduce((a, b) => a + (b - mean) ** 2, 0) / size)
    expect(Math.abs(mean)).toBeLessThan(0.02)
    expect(deviation).toBeCloseTo(0.2, 1)
  })

  it("mixup: rows and targets in the same shares with the next row, shares from Beta(alpha, alpha)", () => {
    const graphs = lowered(`
model M(one: f32) -> f32 {
  param x: f32[3, 2] = zeros
  param y: f32[3, 4] = zeros
  let (mx, my) = mixup(x, y, alpha: 0.5)
  (sum(mx[0]) + 100 * sum(my[1])) * one
}
train { minimize M(1) with SGD(lr: 1)
  steps 1 }`)
    const step = differentiated(graphs.get("step")!)
    const zeros = (width: number) => ({ shape: [3, width], data: new Float64Array(3 * width) })
    const shares = Array.from({ length: 400 }, (_, at) => {
      const { updates } = evalGraph(step, {
        state: { "M.x": zeros(2), "M.y": zeros(4) },
        scalars: { step: at, epoch: 0, seed: 1, start: 0 },
      })
      const [x, y] = [updates["M.x"]!.data, updates["M.y"]!.data].map((data) =>
        Array.from(data, (value) => 0 - value),
      )
      const share = x![0]!
      expect(x).toEqual([share, share, 1 - share, 1 - share, 0, 0].map((value) => expect.closeTo(value, 12)))
      expect(y!.map((value) => value / 100)).toEqual(
        [0, share, 1 - share].flatMap((value) => Array.from({ length: 4 }, () => expect.closeTo(value, 12))),
      )
      return share
    })
    const mean = shares.reduce((a, b) => a + b, 0) / shares.length
    const variance = shares.reduce((a, b) => a + (b - mean) ** 2, 0) / shares.length
    expect(mean).toBeCloseTo(0.5, 1)
    // 1 / (4 (2 alpha + 1))
    expect(Math.abs(variance - 0.125)).toBeLessThan(0.015)
    expect(graphs.get("evaluate")!.nodes.some(({ op }) => op === "random_uniform")).toBe(false)
  })

  it.each([
    ["random_flip(image, p: 2)", "p is a probability, from 0 to 1, and this is 2"],
    [
      "random_crop(image, padding: 9)",
      "padding is a number of pixels, at most the size of an image, and this is 9",
    ],
    ["cutout(image, 0)", "size is a number of pixels, at least 1, and this is 0"],
    ["color_jitter(image, 3)", "a strength is from 0 to 1, and this is 3"],
    ["color_jitter(image)", "colours are red, green and blue, and this has 2 channels"],
    ["random_rotate(image, -1)", "degrees is the largest angle, at least 0, and this is -1"],
    ["gaussian_noise(image, -1)", "std is a standard deviation, at least 0, and this is -1"],
    ["random_flip(image[0])", "images are (N, C, H, W), and this has 3 axes"],
  ])("%s is refused", (expression, says) => {
    expect(() => augmentation(expression, [2, 2, 4, 4])).toThrow(says)
  })
})
