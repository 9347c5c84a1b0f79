/** cli/init: forecasts the next days of a series from the weeks before. */
import { csv, randomNumbers, guided } from "./template.js"

export const forecast = guided({
  about: "the next days of a series, by the weeks before",
  program: "visitors.nn",
  files: () => ({ "visitors.nn": PROGRAM, "data/visitors.csv": table() }),
  commands: [
    ["nnc check visitors.nn", "every mistake that can be found without running"],
    ["nnc train visitors.nn", "trains until the rows held back gain no more"],
    ["nnc evaluate visitors.nn", "the best checkpoint on the last days, which it has never seen"],
    ["nnc predict visitors.nn --data data/visitors.csv", "the week after every four weeks"],
  ],
  result:
    "`error` falls below `last_week`, which says that next week is as the last one. Put your own series in data/.",
})

const PROGRAM = `// visitors.nn: how many will come in the next seven days, by the last four weeks?

data visitors = csv("data/visitors.csv") {
  past: f32[28, 2] = columns("visitors", "rain") |> window |> standardize
  next: f32[7] = column("visitors") |> window(shift: 28) |> standardize  // the seven days after them
  windows order: "day"
  split train: 0.7, val: 0.15, test: 0.15  // in order of time
}

model Forecast(past: f32[B, 28, 2]) -> f32[B, 7] {
  let last = past[:, 21:28, 0]  // the week before: what is learned is the difference
  last + (past |> reshape([B, 56]) |> Linear(32) |> relu |> Linear(7))
}

train on visitors {
  let forecast = Forecast(past)
  minimize mse(forecast, next) with AdamW(lr: 1e-3, weight_decay: 0.01)
  report error = l1(forecast, next)
  report last_week = l1(past[:, 21:28, 0], next)  // to compare with

  batch 32, shuffle, epochs 60, seed 1
  patience 10 epochs
}
`

function table(): string {
  const { even, normal } = randomNumbers(3)
  const week = [0.7, 0.75, 0.8, 0.9, 1.2, 1.5, 1.3]
  const rows = Array.from({ length: 730 }, (_, day) => {
    const rain = even() < 0.3 ? Number((10 * even()).toFixed(1)) : 0
    const season = 1 + 0.3 * Math.sin((2 * Math.PI * day) / 365)
    const visitors = 400 * season * week[day % 7]! * (1 - 0.03 * rain) * (1 + 0.05 * normal())
    return [day, Math.round(visitors), rain]
  })
  return csv(["day", "visitors", "rain"], rows)
}
