// Makes sure that a WebGPU adapter works here: a real one when there is one, else a software Vulkan driver that is
// already installed, else (as root on Debian or Ubuntu) one that it installs. Exit code 3 when there is none and this user may not
// install one; 1 when installing one failed.
// Nothing has to be handed on to later processes: the runtime finds the same driver through discover.ts.
// NNC_NO_INSTALL=1 keeps it from installing.

import { NONE_TO_BE_HAD } from "./adapter-outcome.js"
import { softwareDriverFiles } from "../runtime/device/discover.js"
import {
  addBackports,
  aptSystem,
  candidateMajor,
  install,
  lastLines,
  mayInstall,
  update,
  type Outcome,
} from "./apt.js"
import { describe, probe, type AdapterInfo } from "./probe.js"

/** Dawn refuses Mesa 22's software driver and takes Mesa 25's; see docs/adapters.md. */
const MESA_THAT_WORKS = 25

interface Attempt {
  readonly title: string
  run(): Outcome
}

const found = findAdapter() ?? installAdapter()
if (found) console.log(`WebGPU adapter: ${describe(found)}`)
else {
  console.error(advice())
  process.exitCode = mayInstall() && chosenDrivers() === undefined ? 1 : NONE_TO_BE_HAD
}

function findAdapter(): AdapterInfo | undefined {
  const real = probe()
  if (real) return real
  const driver = softwareDriverFiles()
  return driver ? probe(driver) : undefined
}

function installAdapter(): AdapterInfo | undefined {
  if (!mayInstall() || chosenDrivers() !== undefined) return undefined
  update()
  for (const attempt of attempts()) {
    console.log(`No WebGPU adapter yet: installing ${attempt.title}`)
    const { ok, output } = attempt.run()
    if (!ok) console.error(`That did not work. The package manager said:\n${lastLines(output)}`)
    const adapter = findAdapter()
    if (adapter) return adapter
  }
  return undefined
}

/** Fastest driver first: Mesa's llvmpipe is several times faster than SwiftShader. */
function attempts(): Attempt[] {
  const system = aptSystem()
  const mesa = ["mesa-vulkan-drivers", "libvulkan1"]
  const list: Attempt[] = []
  if (candidateMajor("mesa-vulkan-drivers") >= MESA_THAT_WORKS)
    list.push({ title: "Mesa's software Vulkan driver (mesa-vulkan-drivers)", run: () => install(mesa) })
  else if (system?.id === "debian")
    list.push({
      title: `Mesa's software Vulkan driver from ${system.codename}-backports`,
      run: () => installFromBackports(system.codename, mesa),
    })
  if (system?.id === "debian")
    list.push({
      title: "SwiftShader, Chromium's software Vulkan driver (chromium-common)",
      run: () => install(["chromium-common", "libvulkan1"]),
    })
  return list
}

function installFromBackports(codename: string, packages: readonly string[]): Outcome {
  const backports = addBackports(codename)
  if (backports === undefined) return { ok: false, output: "apt names no mirror of this Debian release" }
  const outcome = install(packages, backports.release)
  if (!outcome.ok) backports.undo()
  return outcome
}

/** Vulkan looks nowhere else once the environment names drivers, so installing would not help. */
function chosenDrivers(): string | undefined {
  return process.env["VK_DRIVER_FILES"] || process.env["VK_ICD_FILENAMES"] || undefined
}

function advice(): string {
  const chosen = chosenDrivers()
  return [
    "No WebGPU adapter works on this machine.",
    ...(chosen
      ? [`  The environment names the Vulkan driver ${chosen}; without that, others may be found.`]
      : []),
    "  With a GPU: install its driver with Vulkan support, and libvulkan1 (vulkan-loader).",
    "  Without one, install a software driver as root:",
    "    Debian 13, Ubuntu with Mesa 25:  apt-get install mesa-vulkan-drivers libvulkan1",
    "    Debian 12: the same with -t bookworm-backports, after adding bookworm-backports to apt's sources",
    "    any Linux with Chromium or Chrome: their SwiftShader is found when libvulkan1 is installed",
    "  docs/adapters.md has the details, also for macOS and Windows.",
  ].join("\n")
}
