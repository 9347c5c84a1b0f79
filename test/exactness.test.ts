// Same bundle, data, seed and device give the same bits: stopped at a random step and resumed in another trainer is the same as never
// stopped, for every example, on every device, and WebAssembly gives the same with any number of threads.

import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterAll, describe, expect, it } from "vitest"
import { compileFile } from "../compiler/cli/compile-file.js"
import { SOFTWARE_TARGET } from "../compiler/targets/index.js"
import type { Bundle } from "../runtime/bundle/format.js"
import { openBundle, type Trainer } from "../runtime/node.js"
import { random } from "./support/random.js"

const EXAMPLES = [
  "autoencoder",
  "boston",
  "cancer",
  "char-lm",
  "digits",
  "gan",
  "gradient-penalty",
  "six-points",
  "vae",
  "xor",
]
const DEVICES = [
  { on: "webgpu", device: "webgpu" },
  { on: "one thread", device: "wasm", threads: 1 },
  { on: "two threads", device: "wasm", threads: 2 },
] as const
/** Steps of the transformer take longer than those of all others together. */
const stepsOf = (name: string): number => (name === "char-lm" ? 6 : 24)

const folder = mkdtempSync(join(tmpdir(), "nnc-exact-"))
afterAll(() => rmSync(folder, { recursive: true }))

/** Three examples on WebGPU, where kernels take long to compile; all of them on WebAssembly. */
const next = random(1)
const some = new Set([...EXAMPLES].sort(() => next() - 0.5).slice(0, 3))

describe.each(EXAMPLES)("%s", (name) => {
  const path = `examples/${name}/${name}.nn`
  const steps = stepsOf(name)
  let compiled: Bundle | undefined
  const bundle = (): Bundle => (compiled ??= compileFile(path, { target: SOFTWARE_TARGET }).bundle!)
  let onWasm: Map<string, Buffer> | undefined
  const devices = DEVICES.filter(({ device }) => device === "wasm" || some.has(name))

  it.each(devices)("on $on", async ({ on: _, ...choice }) => {
    const cut = 1 + Math.floor((steps - 1) * next())
    const checkpoint = join(folder, `${name}.safetensors`)
    const open = (): Promise<Trainer> => openBundle(bundle(), dirname(path), choice)
    const whole = await trained(await open(), (trainer) => trainer.train({ steps }))
    await trained(await open(), async (trainer) => {
      await trainer.train({ steps: cut })
      await trainer.save(checkpoint)
    })
    const resumed = await trained(await open(), (trainer) => trainer.train({ steps, resume: checkpoint }))
    expect(resumed, `stopped after ${cut} steps`).toEqual(whole)
    if (choice.device === "wasm") expect(whole, "threads").toEqual((onWasm ??= whole))
  })
})

/** The bits of every slot after `run`. */
async function trained(
  trainer: Trainer,
  run: (trainer: Trainer) => Promise<unknown>,
): Promise<Map<string, Buffer>> {
  try {
    await run(trainer)
    const slots = await trainer.parameters(true)
    return new Map([...slots].map(([slot, { values }]) => [slot, Buffer.from(values.slice().buffer)]))
  } finally {
    trainer.close()
  }
}
