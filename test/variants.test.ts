/** Bundles with kernels for several kinds of WebGPU adapters: which ones run where, what they share, and that a run goes on from one
 *  kind to another. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterAll, describe, expect, it } from "vitest"
import { forDevices } from "../compiler/driver/emit.js"
import { stateOf } from "../compiler/driver/levels.js"
import { encode } from "../compiler/bundle/encode.js"
import { compileFile } from "../compiler/cli/compile-file.js"
import { Compilation } from "../compiler/driver/compilation.js"
import { GraphBuild } from "../compiler/ir/graph/build.js"
import { tensorType } from "../compiler/ir/tensor.js"
import { DEFAULT_TARGET, SUBGROUP_TARGET, WEBGPU_VARIANTS } from "../compiler/targets/index.js"
import type { Bundle } from "../runtime/bundle/format.js"
import { allKernels, forAdapter } from "../runtime/bundle/variants.js"
import { needsOf } from "../runtime/exec/loaded-bundle.js"
import { openBundle, type TrainEvent } from "../runtime/node.js"
import { factsFor } from "./support/passes.js"

const PATH = "examples/digits/digits.nn"
const bundle = compileFile(PATH, { variants: WEBGPU_VARIANTS, devices: ["webgpu"] }).bundle!
const folder = mkdtempSync(join(tmpdir(), "nnc-variants-"))
afterAll(() => rmSync(folder, { recursive: true }))

const GPU = { software: false, features: [] }
const SUBGROUPS = { software: false, features: ["shader-f16", "subgroups"] }
const SOFTWARE = { software: true, features: ["subgroups"] }
const kinds = [
  { kind: GPU, target: "webgpu-default", needs: [] },
  { kind: SUBGROUPS, target: "webgpu-subgroups", needs: ["subgroups"] },
  { kind: SOFTWARE, target: "webgpu-software", needs: [] },
]

describe("kernels for several kinds of adapters", () => {
  it.each(kinds)("$target", ({ kind, target, needs }) => {
    const seen = forAdapter(bundle, kind)
    expect(seen.manifest.target).toBe(target)
    expect(needsOf(seen).features).toEqual(needs)
    const { kernels, programs } = seen.manifest
    const names = new Set(kernels.map((k) => k.name))
    for (const { dispatches } of programs) for (const d of dispatches) expect(names).toContain(d.kernel)
    for (const { name } of kernels) expect(bundle.wgsl.get(name)).toContain("fn main(")
  })

  it("are what was compiled for that kind alone, under names of their own", () => {
    const text = (b: Bundle, name: string): string => b.wgsl.get(name)!.replace(/^\/\/.*\n/gm, "")
    for (const target of WEBGPU_VARIANTS) {
      const alone = compileFile(PATH, { target, devices: ["webgpu"] }).bundle!
      const seen = forAdapter(bundle, target.subgroups ? SUBGROUPS : SOFTWARE)
      const { arenas, slots, programs } = seen.manifest
      expect({ arenas, slots }).toEqual({ arenas: alone.manifest.arenas, slots: alone.manifest.slots })
      const texts = (b: Bundle, from: Bundle["manifest"]["programs"]): string[][] =>
        from.map((p) => p.dispatches.map((d) => text(b, d.kernel)))
      expect(texts(bundle, programs)).toEqual(texts(alone, alone.manifest.programs))
    }
  })

  it("are there once where they are the same, and share the names and types of slots", () => {
    const all = allKernels(bundle.manifest)
    const texts = all.map((k) => bundle.wgsl.get(k.name)!.replace(/^\/\/.*\n/gm, ""))
    expect(new Set(texts).size).toBe(texts.length)
    const types = kinds.map(({ kind }) =>
      forAdapter(bundle, kind).manifest.slots.map((s) => [s.name, s.dtype, s.shape, s.role]),
    )
    expect(types[1]).toEqual(types[0])
    expect(types[2]).toEqual(types[0])
  })

  it("are not repeated for a kind that has nothing of its own", () => {
    const g = new GraphBuild("double")
    g.output("y", g.binary("mul", g.input("x", tensorType("f32", [8])), g.constant(2)))
    const run = new Compilation({ target: DEFAULT_TARGET, variants: [SUBGROUP_TARGET], devices: ["webgpu"] })
    const code = forDevices(stateOf("graphs", [g.finish()]), factsFor({ B: 1, R: 1 }), run)
    const model = { data: [], slots: [], predicts: [], trains: [], weights: [] }
    const { manifest, wgsl } = encode({ name: "double", compiler: "test", model, ...code, data: [] })
    expect(code.variants).toHaveLength(1)
    expect(manifest.variants).toBeUndefined()
    expect(wgsl.size).toBe(1)
  })
})

/** Losses by step of a run whose kernels are those for `kind`, whatever this machine's adapter is. */
async function course(
  kind: { readonly software: boolean; readonly features: readonly string[] },
  steps: number,
  options: { readonly resume?: string; readonly save?: string } = {},
): Promise<ReadonlyMap<number, number>> {
  const seen = forAdapter(bundle, kind)
  const trainer = await openBundle(seen, dirname(PATH), { device: "webgpu" })
  try {
    expect(trainer.device.kernels).toBe(seen.manifest.target)
    const losses = new Map<number, number>()
    await trainer.train({
      steps,
      ...(options.resume !== undefined && { resume: options.resume }),
      reportEvery: { unit: "steps", count: 10 },
      onEvent: (e: TrainEvent) => void (e.event === "report" && losses.set(e.step, e.metrics.loss)),
    })
    if (options.save !== undefined) await trainer.save(options.save)
    return losses
  } finally {
    trainer.close()
  }
}

describe("training", () => {
  it("takes the same course with the kernels of each kind, and one kind goes on where another stopped", async () => {
    const checkpoint = join(folder, "gpu.safetensors")
    const whole = await course(SOFTWARE, 40)
    const first = await course(GPU, 20, { save: checkpoint })
    const second = await course(SUBGROUPS, 40, { resume: checkpoint })
    const steps = [...whole.keys()]
    expect(whole.get(steps.at(-1)!)).toBeLessThan(whole.get(steps[0]!)!)
    const both = new Map([...first, ...second])
    expect([...both.keys()]).toEqual(steps)
    for (const [step, loss] of both) expect(Math.abs(loss - whole.get(step)!)).toBeLessThan(1e-3)
  })

  it("takes the kernels for the adapter at hand, and says so", async () => {
    const trainer = await openBundle(bundle, dirname(PATH), { device: "webgpu" })
    const { software, features } = trainer.device
    expect(trainer.device.kernels).toBe(forAdapter(bundle, { software, features }).manifest.target)
    trainer.close()
  })
})
