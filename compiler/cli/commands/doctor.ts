/** cli: `nnc doctor`: which devices work here, which one `auto` takes and why, and how to get a GPU. Exit code 3 when none works. */
import type { Command } from "commander"
import { RunError } from "../../../runtime/error.js"
import { autoNodeDevice, probeNodeDevice, type DeviceInfo } from "../../../runtime/node.js"
import { hasSimd } from "../../../runtime/device/wasm/module.js"
import { nodeThreads } from "../../../runtime/device/wasm/node-thread.js"
import { MOST_THREADS } from "../../../runtime/device/wasm/open.js"
import { VERSION } from "../../version.js"
import { print, printJson } from "../console.js"
import { targetFor } from "../../targets/index.js"
import { EXIT } from "../failure.js"

const HOW = `
A GPU needs its driver:
  Linux: the driver of the GPU with Vulkan support, and libvulkan1 (vulkan-loader)
  macOS and Windows: Metal and Direct3D 12 are part of the system

A software WebGPU adapter, for \`--device webgpu\` without a GPU, as root:
  Debian 13, Ubuntu with Mesa 25:  apt-get install mesa-vulkan-drivers libvulkan1
  Debian 12: the same with -t bookworm-backports, after adding bookworm-backports to apt's sources
  any Linux with Chromium or Chrome: their SwiftShader is found when libvulkan1 is installed
`

export function addDoctor(program: Command): void {
  program
    .command("doctor")
    .description("say which devices work on this machine, which one is taken, and how to get a GPU")
    .option("--json", "print one object")
    .action(async (options: { json?: boolean }) => {
      const machine = `nnc ${VERSION}, Node ${process.versions.node}, ${process.platform} ${process.arch}`
      const wasm = {
        device: "wasm",
        simd: hasSimd(),
        threads: Math.min(MOST_THREADS, nodeThreads()),
      } as const
      const webgpu = await probe()
      const auto = await autoNodeDevice()
      if (options.json)
        printJson({
          event: "end",
          machine,
          wasm,
          webgpu: withKernels(webgpu),
          auto: { device: auto.name, why: auto.why },
        })
      else {
        print(machine)
        print(`wasm:   ${wasmText(wasm)}`)
        print(`webgpu: ${webgpuText(webgpu)}`)
        print(`\`--device auto\`, the default, takes ${auto.name}: ${auto.why}`)
        if (auto.name === "wasm") print(HOW)
      }
      if ("error" in webgpu && !wasm.simd) process.exitCode = EXIT.device
    })
}

const wasmText = ({ simd, threads }: { readonly simd: boolean; readonly threads: number }): string =>
  simd
    ? `works, with SIMD and up to ${threads} ${threads === 1 ? "thread" : "threads"}`
    : "does not work: this engine has no WebAssembly SIMD"

function webgpuText(found: DeviceInfo | { readonly error: string }): string {
  if (!("error" in found))
    return `${found.adapter}${found.software ? " (software: runs on the CPU)" : ""}, kernels for ${targetFor(found).name}`
  const named = process.env["VK_DRIVER_FILES"] || process.env["VK_ICD_FILENAMES"]
  const others = named
    ? `; the environment names the Vulkan driver ${named}, so no others are looked for`
    : ""
  return `${found.error}${others}`
}

const withKernels = (found: DeviceInfo | { readonly error: string }): object =>
  "error" in found ? found : { ...found, kernels: targetFor(found).name }

async function probe(): Promise<DeviceInfo | { readonly error: string }> {
  try {
    return await probeNodeDevice()
  } catch (error) {
    if (error instanceof RunError) return { error: error.message }
    throw error
  }
}
