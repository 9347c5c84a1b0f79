/** runtime/device: which device a bundle runs on.
 *  Guarantees: `auto` takes a WebGPU adapter, else WebAssembly. Where it is not the first choice, `why` says so.
 *  Not here:   how a device is opened (node-gpu.ts, browser-gpu.ts, wasm/open.ts). */
import type { Bundle, Manifest } from "../bundle/format.js"
import { RunError } from "../error.js"
import { needsOf } from "../exec/machine.js"
import type { Host } from "../host.js"
import type { Device, DeviceInfo } from "./device.js"
import { openWasmDevice } from "./wasm/open.js"

export interface DeviceChoice {
  readonly device?: "auto" | "webgpu" | "wasm"
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
  const { name, why } = await choose(bundle, host, choice.device ?? "auto")
  const seen = name === "wasm" ? forWasm(bundle) : bundle
  const device =
    name === "wasm" ? await openWasm(bundle, host, choice.threads) : await host.openDevice(needsOf(bundle))
  return { device, bundle: seen, info: { ...device.info, ...(why === undefined ? {} : { why }) } }
}

/** The same bundle, with the programs and the memory layout of the WebAssembly module. */
export function forWasm(bundle: Bundle): Bundle {
  const { wasm } = bundle.manifest
  if (!wasm) return bundle
  const { arenas, slots, kernels, programs } = wasm
  const manifest: Manifest = { ...bundle.manifest, arenas, slots, kernels, programs }
  return { ...bundle, manifest }
}

async function choose(
  bundle: Bundle,
  host: Host,
  asked: "auto" | "webgpu" | "wasm",
): Promise<{ name: "webgpu" | "wasm"; why?: string }> {
  const has = { webgpu: bundle.wgsl.size > 0, wasm: bundle.wasm !== undefined }
  if (asked !== "auto") {
    if (!has[asked])
      throw new RunError("device-target", `the bundle was compiled without ${asked}`, {
        help: "compile the source again without `--for`: a bundle for both devices is the default",
      })
    return { name: asked }
  }
  if (!has.wasm) return { name: "webgpu" }
  if (!has.webgpu) return { name: "wasm", why: "the bundle was compiled for it alone" }
  const adapter = await probe(host)
  return adapter === undefined ? { name: "wasm", why: "no WebGPU adapter was found" } : { name: "webgpu" }
}

async function probe(host: Host): Promise<DeviceInfo | undefined> {
  try {
    return await host.probeDevice()
  } catch (caught) {
    if (caught instanceof RunError && caught.code === "no-adapter") return undefined
    throw caught
  }
}

function openWasm({ manifest, wasm }: Bundle, host: Host, threads: number | undefined): Promise<Device> {
  if (!manifest.wasm || !wasm)
    throw new RunError("bundle-corrupt", "the bundle's WebAssembly module is missing")
  return openWasmDevice({ spec: manifest.wasm, bytes: wasm }, host.threads, threads)
}
