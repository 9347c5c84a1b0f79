/** cli/init: classifies pictures, from a folder of pictures for each class. */
import { png } from "../png.js"
import { randomNumbers, guided } from "./template.js"

export const images = guided({
  about: "pictures in folders, one for each class",
  program: "shapes.nn",
  files: () => ({ "shapes.nn": PROGRAM, ...pictures() }),
  commands: [
    ["npm install sharp@0.34.5", "decodes pictures: an optional package"],
    ["nnc check shapes.nn", "every mistake that can be found without running"],
    ["nnc train shapes.nn", "report.html shows pictures with what is said of them"],
    ["nnc evaluate shapes.nn", "the best checkpoint on pictures that it has never seen"],
  ],
  result:
    "About 9 of 10 pictures of the test are recognised. Put your own in folders below data/, and say their size and how many classes there are.",
})

const PROGRAM = `// shapes.nn: which shape a picture shows, from a folder of pictures for each; in training they are mirrored.

data pictures = images("data") {
  x: f32[3, 24, 24] = column("image") |> scale(1 / 255)
  y: i32 = column("folder") |> categories(3)
  split train: 0.7, val: 0.15, test: 0.15, seed: 1, stratify: "folder"
}

model Shapes(x: f32[B, 3, 24, 24]) -> f32[B, 3] {
  x |> Conv2d(8, kernel: 3, padding: 1) |> relu |> MaxPool2d(2)
    |> Conv2d(16, kernel: 3, padding: 1) |> relu |> MaxPool2d(2)
    |> Flatten() |> Linear(3)
}

train on pictures {
  let seen = x |> random_flip
  let scores = Shapes(seen)
  minimize cross_entropy(scores, y) with Adam(lr: 3e-3)
  report accuracy = accuracy(scores, y)
  report confusion = confusion_matrix(scores, y)

  batch 16, shuffle, epochs 60, seed 1
  patience 15 epochs
}
`

const SIZE = 24
const EACH = 80
/** Whether a point is in the shape of radius 1 around the origin. */
const SHAPES: Readonly<Record<string, (x: number, y: number) => boolean>> = {
  circle: (x, y) => x * x + y * y < 0.8,
  cross: (x, y) => (Math.abs(x) < 0.3 && Math.abs(y) < 1) || (Math.abs(y) < 0.3 && Math.abs(x) < 1),
  square: (x, y) => Math.max(Math.abs(x), Math.abs(y)) < 0.8,
}

function pictures(): Record<string, Uint8Array> {
  const { even } = randomNumbers(11)
  const between = (low: number, high: number): number => low + (high - low) * even()
  const files: Record<string, Uint8Array> = {}
  for (const [name, isIn] of Object.entries(SHAPES))
    for (let n = 0; n < EACH; n++) {
      const [cx, cy, radius] = [between(9, 15), between(9, 15), between(5, 8)]
      const [ink, paper] = [[0, 0, 0].map(() => between(150, 255)), [0, 0, 0].map(() => between(0, 110))]
      const pixels = new Uint8ClampedArray(SIZE * SIZE * 3)
      for (let y = 0; y < SIZE; y++)
        for (let x = 0; x < SIZE; x++) {
          const colour = isIn((x - cx) / radius, (y - cy) / radius) ? ink : paper
          colour.forEach((value, c) => (pixels[3 * (y * SIZE + x) + c] = value + between(-20, 20)))
        }
      files[`data/${name}/${String(n).padStart(2, "0")}.png`] = png(SIZE, SIZE, new Uint8Array(pixels.buffer))
    }
  return files
}
