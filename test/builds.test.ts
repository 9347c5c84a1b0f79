/** Bundles with builds for several kinds of WebGPU adapters: which ones run where, what they share, and that a run goes on from one
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
import type { Bundle, ProgramSpec, WebgpuRequirements } from "../runtime/bundle/format.js"
import { forBuild, programsOf } from "../runtime/bundle/builds.js"
import { buildFor, type Offer } from "../runtime/device/requirements.js"
import { openBundle, type TrainEvent } from "../runtime/node.js"
import { factsFor } from "./support/passes.js"

const PATH = "examples/digits/digits.nn"
const bundle = compileFile(PATH, { variants: WEBGPU_VARIANTS, devices: ["webgpu"] }).bundle!
const folder = mkdtempSync(join(tmpdir(), "nnc-variants-"))
afterAll(() => rmSync(folder, { recursive: true }))

const limits = {
  maxBufferSize: 2 ** 28,
  maxStorageBufferBindingSize: 2 ** 27,
  maxStorageBuffersPerShaderStage: 8,
}
const GPU: Offer = { software: false, features: [], limits }
const SUBGROUPS: Offer = { software: false, features: ["shader-f16", "subgroups"], limits }
const SOFTWARE: Offer = { software: true, features: ["subgroups"], limits }
const forSoftware = { target: "webgpu-software", why: "it is a GPU, and the code is for software adapters" }
const noSubgroups = {
  target: "webgpu-subgroups",
  why: "it has no subgroups, which this bundle was compiled to use",
}
const kinds = [
  { kind: GPU, target: "webgpu-default", needs: [], before: [noSubgroups, forSoftware] },
  { kind: SUBGROUPS, target: "webgpu-subgroups", needs: ["subgroups"], before: [] },
  {
    kind: SOFTWARE,
    target: "webgpu-software",
    needs: [],
    before: [{ target: "webgpu-subgroups", why: "it is software, and the code is for GPUs" }],
  },
]
const seenBy = (kind: Offer) => forBuild(bundle, buildFor(bundle.manifest.builds, kind).build!)

describe("kernels for several kinds of adapters", () => {
  it.each(kinds)("$target", ({ kind, target, needs, before }) => {
    const seen = seenBy(kind)
    expect(seen.manifest.target).toBe(target)
    expect(seen.manifest.requires.features).toEqual(needs)
    const { passedOver } = buildFor(bundle.manifest.builds, kind)
    expect(passedOver.map(({ target, why }) => ({ target, why }))).toEqual(before)
    const { kernels, programs } = seen.manifest
    const names = new Set(kernels.map((k) => k.name))
    for (const { dispatches } of programs) for (const d of dispatches) expect(names).toContain(d.kernel)
    for (const { name } of kernels) expect(bundle.wgsl.get(name)).toContain("fn main(")
  })

  it("are what was compiled for that kind alone, under names of their own", () => {
    const text = (b: Bundle, name: string): string => b.wgsl.get(name)!.replace(/^\/\/.*\n/gm, "")
    for (const target of WEBGPU_VARIANTS) {
      const alone = compileFile(PATH, { target, devices: ["webgpu"] }).bundle!
      const { arenas, slots, programs, requires } = seenBy(target.subgroups ? SUBGROUPS : SOFTWARE).manifest
      const [only] = alone.manifest.builds
      expect({ arenas, slots, requires }).toEqual({
        arenas: only!.arenas,
        slots: only!.slots,
        requires: only!.requires,
      })
      const texts = (b: Bundle, from: readonly ProgramSpec[]): string[][] =>
        from.map((p) => p.dispatches.map((d) => text(b, d.kernel)))
      expect(texts(bundle, programs)).toEqual(texts(alone, programsOf(alone.manifest)))
    }
  })

  it("are there once where they are the same, and share the names and types of slots", () => {
    const all = bundle.manifest.kernels
    const texts = all.map((k) => bundle.wgsl.get(k.name)!.replace(/^\/\/.*\n/gm, ""))
    expect(new Set(texts).size).toBe(texts.length)
    const types = kinds.map(({ kind }) =>
      seenBy(kind).manifest.slots.map((s) => [s.name, s.dtype, s.shape, s.role]),
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
    expect(code.webgpu).toHaveLength(2)
    expect(manifest.builds.map(({ target }) => target)).toEqual([DEFAULT_TARGET.name])
    expect(wgsl.size).toBe(1)
  })

  it("are refused where no build runs, with the reasons", async () => {
    const small = { ...GPU, limits: { ...limits, maxStorageBuffersPerShaderStage: 1 } }
    expect(buildFor(bundle.manifest.builds, small).build).toBeUndefined()
    const wide = bundle.manifest.builds.map((build) => ({
      ...build,
      requires: { ...build.requires, features: ["no-such-feature"] },
    })) as Bundle["manifest"]["builds"]
    const opening = openBundle({ ...bundle, manifest: { ...bundle.manifest, builds: wide } }, dirname(PATH))
    await expect(opening).rejects.toMatchObject({
      code: "device-limits",
      message: expect.stringMatching(
        /is not enough: it has no no-such-feature, .* \(webgpu-subgroups: .*; webgpu-software: .*\)$/,
      ),
    })
  })
})

/** Losses by step of a run whose kernels are those for `kind`, whatever this machine's adapter is. */
async function course(
  kind: Offer,
  steps: number,
  options: { readonly resume?: string; readonly save?: string } = {},
): Promise<ReadonlyMap<number, number>> {
  const { build } = buildFor(bundle.manifest.builds, kind)
  const requires = { ...build!.requires, software: undefined } as WebgpuRequirements
  const alone = { ...bundle, manifest: { ...bundle.manifest, builds: [{ ...build!, requires }] } }
  const trainer = await openBundle(alone, dirname(PATH), { device: "webgpu" })
  try {
    expect(trainer.device.kernels).toBe(build!.target)
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
    const { software, features, kernels, passedOver } = trainer.device
    const choice = buildFor(bundle.manifest.builds, { software, features, limits })
    expect(kernels).toBe(choice.build!.target)
    expect(passedOver).toEqual(choice.passedOver.map(({ target, why }) => ({ target, why })))
    trainer.close()
  })
})
