// The arguments of the benchmark, and how the rounds of a runner become one line.

import { expect, it } from "vitest"
import { summaryOf } from "./bench/median.js"
import { BadOption, optionsFrom } from "./bench/options.js"

it("measures every workload on every device unless told otherwise", () => {
  expect(optionsFrom([])).toEqual({
    devices: ["webgpu", "wasm"],
    only: ["W1", "W2", "W3", "W4", "W5", "W6", "W7", "W8", "W9"],
    seconds: 3,
    rounds: 3,
  })
  expect(optionsFrom("--device wasm --only w3,W5 --rounds 1 --peers p".split(" "))).toMatchObject({
    devices: ["wasm"],
    only: ["W3", "W5"],
    rounds: 1,
    peers: "p",
  })
})

it.each([
  ["--device gpu", "--device takes webgpu, wasm, not gpu"],
  ["--only W3,W10", "--only takes W1, W2, W3, W4, W5, W6, W7, W8, W9, not W10"],
  ["--seconds 0", "--seconds takes a positive number, not 0"],
  ["--rounds 1.5", "--rounds takes a whole number from 1, not 1.5"],
  ["--fast", "Unknown option '--fast'"],
])("refuses %s", (args, message) => {
  expect(() => optionsFrom(args.split(" "))).toThrow(new BadOption(message))
})

it("gives the median of all windows, and the ratio to every peer that ran", () => {
  const sample = (peer: string, rates: number[]) => ({
    peer,
    workload: "W2" as const,
    steps_per_s: rates[1]!,
    rates,
  })
  const [own, peer, failed] = summaryOf(
    [
      sample("nnc-wasm", [90, 100, 110]),
      sample("jax-wasm", [49, 50, 51]),
      { peer: "tfjs-wasm", workload: "W2", error: "no such kernel" },
      sample("nnc-wasm", [190, 200, 210]),
      sample("jax-wasm", [49, 50, 51]),
      { peer: "tfjs-wasm", workload: "W2", error: "no such kernel" },
    ],
    "W2",
  )
  expect(own).toMatchObject({ peer: "nnc-wasm", steps_per_s: 150, ratios: { "jax-wasm": 3 } })
  expect(peer).toMatchObject({ peer: "jax-wasm", steps_per_s: 50 })
  expect(failed).toMatchObject({ error: "no such kernel" })
})
