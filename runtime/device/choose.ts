/** runtime/device: which device a bundle runs on.
 *  Guarantees: the kernels for the kind of adapter that there is. `auto` takes a real GPU, else WebAssembly, and says why; a software WebGPU adapter is taken only when asked for.
 *  Not here:   how a device is opened (node-gpu.ts, browser-gpu.ts, wasm/open.ts). */
import type { Bundle, Manifest } from "../bundle/format.js"
import { forAdapter } from "../bundle/variants.js"
import { RunError } from "../error.js"
import { needsOf } from "../exec/loaded-bundle.js"
import type { Host } from "../host.js"
import type { Device, DeviceInfo } from "./device.js"
import { openWasmDevice } from "./wasm/open.js"

export interface DeviceChoice {
  readonly device?: "auto" | "webgpu" | "wasm"
  /** Why that device, for the `start` event, where the caller chose it and not the user. */
  readonly why?: string
  /** Threads of the WebAssembly device; left out, chosen from the work. */
  readonly threads?: number
}
export interface Chosen {
  readonly device: Device
  readonly info: DeviceInfo
  /** The bundle as that device sees it. */
  readonly bundle: Bundle
}

export async function openDevice(bundle: Bundle, host: Host, choice: DeviceChoice = {}): Promise<Chosen> {
  const { name, why } = await choose(bundle, host, choice)
  const because = why === undefined ? {} : { why }
  if (name === "wasm") {
    const device = await openWasm(bundle, host, choice.threads)
    return { device, bundle: forWasm(bundle), info: { ...device.info, ...because } }
  }
  const seen = bundle.manifest.variants ? forAdapter(bundle, await host.probeDevice()) : bundle
  const device = await host.openDevice(needsOf(seen))
  const info = { ...device.info, kernels: seen.manifest.target, ...because }
  return { device, bundle: seen, info }
}

/** The device that `auto` takes for a bundle with code for both. */
export async function autoDevice(
  host: Pick<Host, "mayHaveGpu" | "probeDevice">,
): Promise<{ readonly name: "webgpu" | "wasm"; readonly why: string }> {
  if (!host.mayHaveGpu()) return { name: "wasm", why: "this machine has no GPU" }
  try {
    const { adapter, software } = await host.probeDevice()
    return software
      ? { name: "wasm", why: `the WebGPU adapter ${adapter} is software, taken only when asked for` }
      : { name: "webgpu", why: "it is a GPU" }
  } catch (caught) {
    if (caught instanceof RunError && caught.code === "no-adapter")
      return { name: "wasm", why: caught.message }
    throw caught
  }
}

/** The same bundle, with the programs and the memory layout of the WebAssembly module. */
export function forWasm(bundle: Bundle): Bundle {
  const { wasm } = bundle.manifest
  if (!wasm) return bundle
  const { arenas, slots, kernels, programs } = wasm
  const manifest: Manifest = { ...bundle.manifest, target: "wasm", arenas, slots, kernels, programs }
  return { ...bundle, manifest }
}

async function choose(
  bundle: Bundle,
  host: Host,
  { device = "auto", why }: DeviceChoice,
): Promise<{ readonly name: "webgpu" | "wasm"; readonly why?: string | undefined }> {
  const has = { webgpu: bundle.wgsl.size > 0, wasm: bundle.wasm !== undefined }
  if (device !== "auto") {
    if (!has[device])
      throw new RunError("device-target", `the bundle was compiled without ${device}`, {
        help: "compile the source again without `--for`: a bundle for both devices is the default",
      })
    return { name: device, why }
  }
  if (has.webgpu && has.wasm) return autoDevice(host)
  return { name: has.wasm ? "wasm" : "webgpu", why: "the bundle was compiled for it alone" }
}

function openWasm({ manifest, wasm }: Bundle, host: Host, threads: number | undefined): Promise<Device> {
  if (!manifest.wasm || !wasm)
    throw new RunError("bundle-corrupt", "the bundle's WebAssembly module is missing")
  return openWasmDevice({ spec: manifest.wasm, bytes: wasm }, host.threads, threads)
}
