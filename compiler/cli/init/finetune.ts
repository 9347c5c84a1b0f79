/** cli/init: a network that starts from the weights of another one. */
import { csv, randomNumbers, guided } from "./template.js"

export const finetune = guided({
  about: "a network that starts from what another one learned",
  program: "pretrain.nn",
  files: () => {
    const signals = signalsFrom(17)
    return {
      "pretrain.nn": PRETRAIN,
      "finetune.nn": FINETUNE,
      "data/many.csv": signals(1200, "shape"),
      "data/few.csv": signals(60, "instrument"),
    }
  },
  commands: [
    ["nnc train pretrain.nn --out runs/pretrained", "learns what the signals are like, from many rows"],
    ["nnc train finetune.nn --init runs/pretrained", "goes on from there with the few rows that there are"],
    ["nnc train finetune.nn --out runs/alone", "to compare with: the few rows alone"],
    ["nnc runs", "both beside each other"],
  ],
  result:
    "`val_accuracy` comes out higher with what was learned before than without. `minimize ... over Head with ...` would train the new part alone.",
})

const ENCODER = `/// Its parameters have the same names in both programs, by which they are found.
model Encoder(x: f32[B, 32]) -> f32[B, 16] {
  x |> Linear(48) |> relu |> Linear(16) |> relu
}
`
const PRETRAIN = `// pretrain.nn: which shape has a signal? There are many signals of which this is known.

data many = csv("data/many.csv") {
  x: f32[32] = columns(except: "shape")
  y: i32 = column("shape") |> categories(3)
  split train: 0.8, val: 0.2, seed: 1, stratify: "shape"
}

${ENCODER}
model Shape(h: f32[B, 16]) -> f32[B, 3] {
  h |> Linear(3)
}

train on many {
  let scores = Shape(Encoder(x))
  minimize cross_entropy(scores, y) with Adam(lr: 2e-3)
  report accuracy = accuracy(scores, y)
  batch 64, shuffle, epochs 60, seed 1
  patience 8 epochs
}
`
const FINETUNE = `// finetune.nn: which instrument is heard? There are few signals of which this is known, so it begins with what pretrain.nn learned.

data few = csv("data/few.csv") {
  x: f32[32] = columns(except: "instrument")
  y: i32 = column("instrument") |> categories(3)
  split train: 0.5, val: 0.5, seed: 1, stratify: "instrument"
}

${ENCODER}
model Head(h: f32[B, 16]) -> f32[B, 3] {
  h |> Linear(3)
}

train on few {
  let scores = Head(Encoder(x))
  minimize cross_entropy(scores, y) with Adam(lr: 3e-3)
  report accuracy = accuracy(scores, y)
  batch 15, shuffle, epochs 60, seed 1
}
`

/** Signals of three shapes and many pitches, with their labels. */
function signalsFrom(seed: number): (count: number, known: "shape" | "instrument") => string {
  const { even, normal } = randomNumbers(seed)
  const kinds: readonly { shape: string; instrument: string; wave: (turn: number) => number }[] = [
    { shape: "sine", instrument: "flute", wave: (turn) => Math.sin(2 * Math.PI * turn) },
    { shape: "square", instrument: "organ", wave: (turn) => (turn % 1 < 0.5 ? 1 : -1) },
    { shape: "saw", instrument: "violin", wave: (turn) => 2 * (turn % 1) - 1 },
  ]
  return (count, known) =>
    csv(
      [...Array.from({ length: 32 }, (_, i) => `t${i}`), known],
      Array.from({ length: count }, () => {
        const kind = kinds[Math.floor(even() * kinds.length)]!
        const [pitch, from] = [0.04 + 0.12 * even(), even()]
        const values = Array.from({ length: 32 }, (_, t) =>
          (kind.wave(from + pitch * t) + 0.1 * normal()).toFixed(3),
        )
        return [...values, kind[known]]
      }),
    )
}
