/** runtime/device: the device that runs a bundle, and the build that it runs.
 *  Guarantees: the first build that the device can run; its info says why not those before it. `auto` takes a real GPU, else WebAssembly,
 *              and says why; a software WebGPU adapter is taken only when asked for.
 *  Not here:   how a device is opened (node-gpu.ts, browser-gpu.ts, wasm/open.ts). */
import { forBuild, wasmBuild } from "../bundle/builds.js"
import type { Bundle, DeviceBundle } from "../bundle/format.js"
import { RunError } from "../error.js"
import type { AdapterInfo, Host } from "../host.js"
import type { Device, DeviceInfo } from "./device.js"
import { notEnough } from "./open-adapter.js"
import { type BuildChoice, buildFor } from "./requirements.js"
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
  readonly bundle: DeviceBundle
}

export async function openDevice(bundle: Bundle, host: Host, choice: DeviceChoice = {}): Promise<Chosen> {
  const { name, why, adapter } = await choose(bundle, host, choice)
  const because = why === undefined ? {} : { why }
  if (name === "wasm") {
    const { build, code } = wasmBuild(bundle.manifest) ?? missing("wasm")
    if (!bundle.wasm) throw new RunError("bundle-corrupt", "the bundle's WebAssembly module is missing")
    const source = { code, programs: build.programs, bytes: bundle.wasm }
    const device = await openWasmDevice(source, host.threads, choice.threads)
    return { device, bundle: forBuild(bundle, build), info: { ...device.info, ...because } }
  }
  const found = adapter ?? (await host.probeDevice())
  const { build, passedOver } = buildFor(bundle.manifest.builds, found)
  if (build?.requires.device !== "webgpu") throw noBuild(found, passedOver)
  const device = await host.openDevice(build.requires)
  const info: DeviceInfo = {
    ...device.info,
    kernels: build.target,
    ...(passedOver.length > 0 && { passedOver: passedOver.map(({ target, why }) => ({ target, why })) }),
    ...because,
  }
  return { device, bundle: forBuild(bundle, build), info }
}

/** The last build asks for the least. */
function noBuild({ adapter }: AdapterInfo, passedOver: BuildChoice["passedOver"]): RunError {
  const last = passedOver.at(-1) ?? missing("webgpu")
  const before = passedOver.slice(0, -1).map(({ target, why }) => `${target}: ${why}`)
  const others = before.length === 0 ? "" : ` (${before.join("; ")})`
  return notEnough(adapter, { ...last, why: `${last.why}${others}` })
}

function missing(device: "webgpu" | "wasm"): never {
  throw new RunError("device-target", `the bundle was compiled without ${device}`, {
    help: "compile the source again without `--for`: a bundle for both devices is the default",
  })
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

interface NamedDevice {
  readonly name: "webgpu" | "wasm"
  readonly why?: string | undefined
  /** The offer of WebGPU, where it is known already. */
  readonly adapter?: AdapterInfo
}

async function choose(
  { manifest }: Bundle,
  host: Host,
  { device = "auto", why }: DeviceChoice,
): Promise<NamedDevice> {
  const has = (name: string): boolean => manifest.builds.some(({ requires }) => requires.device === name)
  if (device !== "auto") return has(device) ? { name: device, why } : missing(device)
  if (!has("webgpu") || !has("wasm"))
    return { name: has("wasm") ? "wasm" : "webgpu", why: "the bundle was compiled for it alone" }
  const chosen = await autoDevice(host)
  if (chosen.name === "wasm") return chosen
  const adapter = await host.probeDevice()
  const { build, passedOver } = buildFor(manifest.builds, adapter)
  if (build !== undefined) return { ...chosen, adapter }
  const reason = passedOver.at(-1)?.why ?? ""
  return { name: "wasm", why: `the GPU ${adapter.adapter} is not enough: ${reason}` }
}
