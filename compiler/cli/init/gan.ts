/** cli/init: two networks that are trained against each other. */
import { csv, randomNumbers, guided } from "./template.js"

export const gan = guided({
  about: "two networks that train each other",
  program: "ring.nn",
  files: () => ({ "ring.nn": PROGRAM, "data/ring.csv": table() }),
  commands: [
    ["nnc check ring.nn", "every mistake that can be found without running"],
    ["nnc train ring.nn", "`off_ring` is how far from the ring points are drawn"],
  ],
  result: "`off_ring` falls from about 0.9 to about 0.1: points are drawn where those of data/ring.csv are.",
})

const PROGRAM = `// ring.nn: one network draws points out of noise, the other tells drawn ones from those of a ring.

data ring = csv("data/ring.csv") {
  x: f32[2] = columns("x", "y")
}

model Generator(noise: f32[B, 4]) -> f32[B, 2] {
  noise |> Linear(32) |> relu |> Linear(32) |> relu |> Linear(2)
}

/// A logit: positive for what looks real.
model Critic(point: f32[B, 2]) -> f32[B, 1] {
  point |> Linear(32) |> leaky_relu(0.2) |> Linear(32) |> leaky_relu(0.2) |> Linear(1)
}

train on ring {
  let drawn = Generator(normal([B, 4]))
  let (real, fake) = (Critic(x), Critic(stop_gradient(drawn)))
  let fooled = Critic(drawn)

  minimize bce_with_logits(real, ones_like(real)) + bce_with_logits(fake, zeros_like(fake))
    over Critic with Adam(lr: 1e-3, beta1: 0.5)
  minimize bce_with_logits(fooled, ones_like(fooled)) over Generator with Adam(lr: 1e-3, beta1: 0.5)

  report off_ring = mean(abs(norm(drawn, axis: 1) - 1))

  batch 64, shuffle, epochs 300, seed 1
  report every 30 epochs
}
`

function table(): string {
  const { even, normal } = randomNumbers(5)
  const rows = Array.from({ length: 512 }, () => {
    const [angle, radius] = [2 * Math.PI * even(), 1 + 0.03 * normal()]
    return [Math.cos(angle) * radius, Math.sin(angle) * radius].map((value) => value.toFixed(4))
  })
  return csv(["x", "y"], rows)
}
