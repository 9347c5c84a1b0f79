/** The WebAssembly device: whole programs trained on it, the same bits with any number of threads, and what goes wrong. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterAll, describe, expect, it } from "vitest"
import { linearMemoryExcess } from "../compiler/codegen/wasm/limits.js"
import { compileFile } from "../compiler/cli/compile-file.js"
import { wasmBuild } from "../runtime/bundle/builds.js"
import type { Bundle } from "../runtime/bundle/format.js"
import { openBundle, type TrainEvent } from "../runtime/node.js"
import { Allocator } from "../runtime/device/wasm/allocator.js"
import { hasSimd, loadModule, type WasmSource } from "../runtime/device/wasm/module.js"
import { startNodeThread } from "../runtime/device/wasm/node-thread.js"
import { openWasmDevice } from "../runtime/device/wasm/open.js"
import { RunError } from "../runtime/error.js"
import { autoDevice, openDevice } from "../runtime/device/choose.js"
import type { AdapterInfo, Host } from "../runtime/host.js"
import type { StartThread } from "../runtime/device/wasm/thread-pool.js"

const folder = mkdtempSync(join(tmpdir(), "nnc-wasm-"))
afterAll(() => rmSync(folder, { recursive: true }))

const bundles = new Map<string, Bundle>()
function compiled(path: string): Bundle {
  const known = bundles.get(path) ?? compileFile(path).bundle!
  bundles.set(path, known)
  return known
}

/** Parameters after `steps` steps, and the losses reported on the way. */
async function trained(
  path: string,
  steps: number,
  threads: number,
): Promise<{ bytes: Uint8Array; losses: number[] }> {
  const trainer = await openBundle(compiled(path), dirname(path), { device: "wasm", threads })
  const losses: number[] = []
  const onEvent = (e: TrainEvent): void => void (e.event === "report" && losses.push(e.metrics.loss))
  try {
    await trainer.train({ steps, onEvent, reportEvery: { unit: "steps", count: 10 } })
    const file = join(folder, `${threads}.safetensors`)
    await trainer.save(file)
    return { bytes: readFileSync(file), losses }
  } finally {
    trainer.close()
  }
}

function moduleOf(path: string): WasmSource {
  const { manifest, wasm } = compiled(path)
  const { build, code } = wasmBuild(manifest)!
  return { code, programs: build.programs, bytes: wasm! }
}

describe("threads", () => {
  it.each(["cancer", "digits", "boston"])("%s: one, two and three give the same bits", async (name) => {
    const path = `examples/${name}/${name}.nn`
    const one = await trained(path, 20, 1)
    expect(one.losses.every(Number.isFinite)).toBe(true)
    expect(Buffer.compare((await trained(path, 20, 2)).bytes, one.bytes)).toBe(0)
    expect(Buffer.compare((await trained(path, 20, 3)).bytes, one.bytes)).toBe(0)
  })

  it("are not started for a small program", async () => {
    const trainer = await openBundle(compiled("examples/xor/xor.nn"), "examples/xor", { device: "wasm" })
    expect(trainer.device.adapter).toBe("WebAssembly SIMD, 1 thread")
    trainer.close()
  })

  it("a thread that dies stops the run by name, and nobody waits for it", async () => {
    let kill = (): void => {}
    const start: StartThread = (task, onDeath) => {
      kill = () => onDeath("out of memory")
      return startNodeThread(task, onDeath)
    }
    const host = { start, most: 2, mayBlock: true }
    const device = await openWasmDevice(moduleOf("examples/cancer/cancer.nn"), host, 2)
    const memory = device.alloc("m", 16)
    expect((await device.read(memory, 0, 16)).byteLength).toBe(16)
    kill()
    await expect(device.read(memory, 0, 16)).rejects.toThrow("a thread died: out of memory")
    device.close()
  })
})

describe("engines", () => {
  it("have SIMD here; one without it is refused by name", async () => {
    expect(hasSimd()).toBe(true)
    expect(hasSimd(() => false)).toBe(false)
    const { validate } = WebAssembly
    WebAssembly.validate = () => false
    try {
      const loading = loadModule(moduleOf("examples/xor/xor.nn"), false)
      await expect(loading).rejects.toMatchObject({ code: "no-wasm-simd" })
    } finally {
      WebAssembly.validate = validate
    }
  })

  it("without shared memory run one thread", async () => {
    const loaded = await loadModule(moduleOf("examples/xor/xor.nn"), false)
    expect(loaded.shared).toBe(false)
    expect(loaded.memory.buffer).toBeInstanceOf(ArrayBuffer)
  })
})

/** Those that WebGPU guarantees. */
const DEFAULT_LIMITS = {
  maxBufferSize: 2 ** 28,
  maxStorageBufferBindingSize: 2 ** 27,
  maxStorageBuffersPerShaderStage: 8,
}

describe("choosing", () => {
  const host = (adapter: Partial<AdapterInfo> | undefined, mayHaveGpu = true): Host => ({
    openFile: () => Promise.reject(new Error("no files")),
    openDevice: () => Promise.reject(new Error("webgpu was opened")),
    probeDevice: () =>
      adapter === undefined
        ? Promise.reject(new RunError("no-adapter", "no adapter was found", { exit: 3 }))
        : Promise.resolve({
            device: "webgpu",
            adapter: "Adapter",
            vendor: "",
            architecture: "",
            software: false,
            features: [],
            limits: DEFAULT_LIMITS,
            ...adapter,
          }),
    mayHaveGpu: () => mayHaveGpu,
    threads: { start: startNodeThread, most: 1, mayBlock: true },
    now: () => 0,
  })
  const bundle = (): Bundle => compiled("examples/xor/xor.nn")
  const madeFor = (device: string): Bundle => {
    const { manifest, ...code } = bundle()
    const builds = manifest.builds.filter(({ requires }) => requires.device === device)
    return { ...code, manifest: { ...manifest, builds } }
  }

  it.each([
    { loaded: "no adapter", given: host(undefined), why: "no adapter was found" },
    {
      loaded: "a software adapter",
      given: host({ software: true }),
      why: "the WebGPU adapter Adapter is software, taken only when asked for",
    },
    { loaded: "no GPU at all", given: host({ software: false }, false), why: "this machine has no GPU" },
  ])("auto with $machine is wasm, and says why", async ({ given, why }) => {
    const { device, info } = await openDevice(bundle(), given)
    expect(info).toMatchObject({ device: "wasm", why })
    device.close()
  })
  it("auto is wasm where a GPU is too small, and says why", async () => {
    const limits = { ...DEFAULT_LIMITS, maxBufferSize: 16 }
    const { device, info } = await openDevice(bundle(), host({ limits }))
    const why = "the GPU Adapter is not enough: a buffer of 0.1 MiB is needed, it offers 0.1 MiB"
    expect(info).toMatchObject({ device: "wasm", why })
    device.close()
  })
  it("auto takes a GPU; a software adapter is taken when asked for", async () => {
    await expect(openDevice(bundle(), host({ software: false }))).rejects.toThrow("webgpu was opened")
    expect(await autoDevice(host({ software: false }))).toEqual({ name: "webgpu", why: "it is a GPU" })
    await expect(openDevice(bundle(), host({ software: true }), { device: "webgpu" })).rejects.toThrow(
      "webgpu was opened",
    )
  })
  it("of a bundle for one device, auto takes that one", async () => {
    await expect(openDevice(madeFor("webgpu"), host({ software: true }))).rejects.toThrow("webgpu was opened")
    const { device, info } = await openDevice(madeFor("wasm"), host({ software: false }))
    expect(info).toMatchObject({ device: "wasm", why: "the bundle was compiled for it alone" })
    device.close()
  })
  it("a device that the bundle was not compiled for is refused: device-target", async () => {
    await expect(openDevice(madeFor("webgpu"), host(undefined), { device: "wasm" })).rejects.toMatchObject({
      code: "device-target",
    })
  })
})

describe("memory", () => {
  it("pieces are reused and joined", () => {
    const ends: number[] = []
    const a = new Allocator(4096, (end) => ends.push(end))
    const [x, y, z] = [a.take(100), a.take(100), a.take(64)]
    expect([x, y, z]).toEqual([4096, 4224, 4352])
    a.give(x, 100)
    a.give(y, 100)
    expect(a.take(256)).toBe(4096)
    expect(a.take(64)).toBe(4416)
    expect(ends).toEqual([4224, 4352, 4416, 4480])
  })

  it("more than 4 GiB is a mistake with sizes: memory-wasm", () => {
    const arena = (name: string, bytes: number) => ({ name, bytes })
    const plan = {
      arenas: [arena("state", 2 ** 30), arena("work", 3 * 2 ** 30)],
      slots: [],
      kernels: [],
      programs: [],
    }
    expect(linearMemoryExcess(plan)?.message).toContain("needs 4.00 GiB (work 3.00 GiB, state 1.00 GiB)")
    expect(linearMemoryExcess({ ...plan, arenas: [] })).toBeUndefined()
  })
})
