/** What goes wrong around a run: the bundle, the device, the options. */
import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { afterEach, describe, expect, test } from "vitest"
import { create } from "webgpu"
import { readBundle } from "../runtime/bundle/decode.js"
import {
  type Bundle,
  BUNDLE_VERSION,
  type Manifest,
  type WebgpuRequirements,
} from "../runtime/bundle/format.js"
import { openAdapter } from "../runtime/device/open-adapter.js"
import type { Device } from "../runtime/device/device.js"
import { quietWait } from "../runtime/device/quiet-wait.js"
import { WebGpuDevice } from "../runtime/device/webgpu.js"
import { openBundle, openNodeDevice } from "../runtime/node.js"
import { failure, rejection } from "./support/failure.js"
import { tinyBundle, type TinyOptions } from "./support/tiny-bundle.js"

const closing: { close(): void }[] = []
afterEach(() => {
  for (const each of closing.splice(0)) each.close()
})
const LIMITS = { maxBufferSize: 16, maxStorageBufferBindingSize: 16, maxStorageBuffersPerShaderStage: 1 }
const NEEDS: WebgpuRequirements = { device: "webgpu", features: [], limits: LIMITS }

async function openDevice(): Promise<Device> {
  const device = await openNodeDevice(NEEDS)
  closing.push(device)
  return device
}

describe("a bundle folder", () => {
  const files = (change: (manifest: Manifest) => object = (same) => same): Record<string, Buffer> => {
    const { manifest, wgsl } = tinyBundle()
    const texts = Object.fromEntries(
      manifest.kernels.map(({ name, file }) => [file, Buffer.from(wgsl.get(name)!)]),
    )
    const hashes = Object.fromEntries(
      Object.entries(texts).map(([path, text]) => [path, createHash("sha256").update(text).digest("hex")]),
    )
    return { ...texts, "manifest.json": Buffer.from(JSON.stringify(change({ ...manifest, files: hashes }))) }
  }
  const read = (from: Record<string, Buffer>): Promise<Bundle> =>
    readBundle("b", async (path) => from[path] ?? Promise.reject(new Error("no such file")))

  test("is read whole", async () => {
    const bundle = await read(files())
    expect(bundle.wgsl).toEqual(tinyBundle().wgsl)
  })
  test("with one byte changed, or a file gone, is refused by the file's name", async () => {
    const changed = files()
    changed["kernels/update.wgsl"]![300]! ^= 1
    expect((await rejection(read(changed))).slice(0, 2)).toEqual([
      "bundle-corrupt",
      "b: kernels/update.wgsl is not the file that was compiled",
    ])
    const { "kernels/init.wgsl": _, ...gone } = files()
    expect((await rejection(read(gone)))[1]).toBe("b: kernels/init.wgsl cannot be read: no such file")
  })
  test("of another version, or none at all, says so", async () => {
    expect((await rejection(read(files((manifest) => ({ ...manifest, version: 1 }))))).slice(0, 2)).toEqual([
      "bundle-version",
      `b is a bundle of version 1, this runtime reads version ${BUNDLE_VERSION}`,
    ])
    expect((await rejection(read({})))[0]).toBe("bundle-missing")
    expect((await rejection(read({ "manifest.json": Buffer.from("{") })))[0]).toBe("bundle-corrupt")
  })
})

describe("a device", () => {
  test("names itself", async () => {
    const { info } = await openDevice()
    expect(info.device).toBe("webgpu")
    expect(info.adapter).not.toBe("")
  })
  test("reads back what was written, at any offset and size", async () => {
    const device = await openDevice()
    const memory = device.alloc("m", 100)
    device.write(memory, 8, new Uint8Array([9, 1, 2, 3, 4, 9]).subarray(1, 5))
    expect([...new Uint8Array(await device.read(memory, 8, 3))]).toEqual([1, 2, 3])
    expect([...new Uint8Array(await device.read(memory, 4, 4))]).toEqual([0, 0, 0, 0])
  })
  test("times what it runs by its own clock, copies between passes included", async ({ skip }) => {
    const device = await openDevice()
    const recorder = device.recordTimed?.() ?? skip("the adapter has no clock")
    const bindings = [{ name: "x", access: "read_write" as const }]
    const wgsl = `@group(1) @binding(0) var<storage, read_write> x: array<u32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  for (var i = 0u; i < 100000u; i++) { x[id.x] = x[id.x] * 3u + i; }
}`
    await device.prepare([{ spec: { name: "k", file: "k.wgsl", bindings, origins: [] }, wgsl }])
    const memory = device.alloc("m", 256)
    const bound = device.bind("k", [{ memory, offset: 0, bytes: 256 }])
    recorder.dispatch(bound, [1, 1, 1], 0)
    recorder.copy(memory, 0, device.alloc("copy", 256), 0, 256)
    recorder.dispatch(bound, [1, 1, 1], 0)
    recorder.submit()
    const ms = await recorder.elapsed()
    expect(ms).toBeGreaterThan(0)
    expect(ms).toBeLessThan(60_000)
  })
  test("that refuses a command ends the run", async () => {
    const device = await openDevice()
    const memory = device.alloc("m", 16)
    const recorder = device.record()
    recorder.copy(memory, 0, memory, 8, 64)
    recorder.submit()
    expect((await rejection(device.read(memory, 0, 4)))[0]).toBe("device-error")
  })
  test("that refuses a kernel names it and its source", async () => {
    const device = await openDevice()
    const spec = { name: "k", file: "k.wgsl", bindings: [], origins: ["m.nn:3:1"] }
    const [code, message] = await rejection(device.prepare([{ spec, wgsl: "@compute fn main() { oops }" }]))
    expect(code).toBe("kernel-refused")
    expect(message).toContain("the device refuses kernel k (m.nn:3:1): ")
  })
  test("that is lost says so", async () => {
    const gpu = create([])
    const adapter = await gpu.requestAdapter()
    const lost = await adapter!.requestDevice()
    const device = new WebGpuDevice(lost, { device: "webgpu", adapter: "a", vendor: "", architecture: "", software: true, features: [] }, quietWait) // prettier-ignore
    const memory = device.alloc("m", 16)
    lost.destroy()
    expect((await rejection(device.read(memory, 0, 4)))[0]).toBe("device-lost")
  })
  test("that is too small is refused with both sizes", async () => {
    const gpu = create([])
    const open = async (needs: Partial<WebgpuRequirements>): Promise<Device> =>
      openAdapter((await gpu.requestAdapter())!, { ...NEEDS, ...needs }, quietWait)
    const [code, message] = await rejection(
      open({ limits: { ...LIMITS, maxStorageBufferBindingSize: 2 ** 50 } }),
    )
    expect(code).toBe("device-limits")
    expect(message).toMatch(/a binding of 1073741824 MiB is needed, it offers [\d.]+ MiB$/)
    expect((await rejection(open({ features: ["no-such-feature"] })))[1]).toContain(
      "it has no no-such-feature",
    )
    const { limits, info } = (await gpu.requestAdapter())!
    const old = { features: new Set(), limits, info } as unknown as GPUAdapter
    await expect(openAdapter(old, { ...NEEDS, features: ["shader-f16"] }, quietWait)).rejects.toMatchObject({
      message: expect.stringMatching(/it has no shader-f16, which this bundle was compiled to use$/),
      help: "f16 and `precision mixed` need it; `--device wasm` runs them without",
    })
    const device = await openDevice()
    expect(failure(() => device.alloc("arena work", 2 ** 50))[1]).toMatch(
      /^arena work needs 1073741824 MiB, /,
    )
  })
  test("that is not there", () => {
    const script = `import { openNodeDevice } from "./runtime/node.ts"
      openNodeDevice(${JSON.stringify(NEEDS)}).catch((error) => console.log(error.code, error.exit))`
    const { stdout } = spawnSync(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script], {
      encoding: "utf8",
      env: { ...process.env, VK_DRIVER_FILES: "/nowhere.json" },
    })
    expect(stdout.trim()).toMatch(process.platform === "linux" ? /^no-adapter 3$/ : /./)
  })
  test("is waited for without burning a core", async () => {
    const before = process.cpuUsage()
    await quietWait(new Promise((resolve) => setTimeout(resolve, 500)))
    const { user, system } = process.cpuUsage(before)
    expect((user + system) / 1000).toBeLessThan(150)
  })
})

describe("options", () => {
  const open = async (options?: TinyOptions): ReturnType<typeof openBundle> => {
    const trainer = await openBundle(tinyBundle(options), ".")
    closing.push(trainer)
    return trainer
  }
  test("that make no sense are refused", async () => {
    const trainer = await open()
    expect(await rejection(trainer.train({ steps: -1 }))).toEqual([
      "bad-option",
      'the option "steps" of `train` is -1; it takes a whole number from 0 to 2147483647',
    ])
    expect((await rejection(trainer.train({ steps: 1, epochs: 1 })))[0]).toBe("bad-option")
  })
  test("that name nothing get a suggestion", async () => {
    const trainer = await open()
    expect(await rejection(trainer.train({ train: "trian" }))).toEqual([
      "unknown-name",
      'there is no train section "trian"',
      'did you mean "train"?',
    ])
  })
  test("more rows at once than were planned for", async () => {
    const trainer = await open({ train: { batch: null } })
    expect((await rejection(trainer.train())).slice(0, 2)).toEqual([
      "too-many-rows",
      'program "step" was compiled for at most 4 rows at once, not 10',
    ])
  })
})
