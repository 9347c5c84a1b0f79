/** cli: `nnc doctor`: which devices work here, and how to get one. Exit code 3 when there is none. */
import type { Command } from "commander"
import { probeNodeDevice } from "../../../runtime/node.js"
import { RunError } from "../../../runtime/error.js"
import { VERSION } from "../../version.js"
import { print, printJson } from "../console.js"
import { EXIT } from "../failure.js"

const HOW = `
How to get one:
  With a GPU: install its driver with Vulkan support, and libvulkan1 (vulkan-loader).
  Without one, install a software driver as root:
    Debian 13, Ubuntu with Mesa 25:  apt-get install mesa-vulkan-drivers libvulkan1
    Debian 12: the same with -t bookworm-backports, after adding bookworm-backports to apt's sources
    any Linux with Chromium or Chrome: their SwiftShader is found when libvulkan1 is installed
  macOS and Windows: Metal and Direct3D 12 are part of the system.
`

export function addDoctor(program: Command): void {
  program
    .command("doctor")
    .description("say which devices work on this machine, and how to get one")
    .option("--json", "print one object")
    .action(async (options: { json?: boolean }) => {
      const machine = `nnc ${VERSION}, Node ${process.versions.node}, ${process.platform} ${process.arch}`
      const drivers = process.env["VK_DRIVER_FILES"] || process.env["VK_ICD_FILENAMES"]
      const found = await probe()
      if (options.json) {
        const { error, ...info } = "error" in found ? { error: found.error } : { ...found, error: undefined }
        printJson({ event: "end", machine, devices: error === undefined ? [info] : [], error })
      } else {
        print(machine)
        if (drivers) print(`Vulkan drivers named by the environment: ${drivers}; no others are looked for`)
        print(
          "error" in found
            ? `webgpu: no adapter (${found.error})\n${HOW}`
            : `webgpu: ${found.adapter}${found.software ? " (software: runs on the CPU)" : ""}`,
        )
      }
      if ("error" in found) process.exitCode = EXIT.device
    })
}

async function probe(): Promise<Awaited<ReturnType<typeof probeNodeDevice>> | { readonly error: string }> {
  try {
    return await probeNodeDevice()
  } catch (error) {
    if (error instanceof RunError) return { error: error.message }
    throw error
  }
}
