// Runs probe-adapter.mjs in a child process: which WebGPU adapter is there, with these Vulkan drivers?

import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"

export interface AdapterInfo {
  readonly vendor: string
  readonly architecture: string
  readonly device: string
  readonly description: string
}

const PROBE = fileURLToPath(new URL("probe-adapter.mjs", import.meta.url))
const LIMIT_MS = 60_000

/** The adapter that the default lookup finds, or with `driverFiles`, the one of that Vulkan driver. */
export function probe(driverFiles?: string): AdapterInfo | undefined {
  const env = driverFiles ? { ...process.env, VK_DRIVER_FILES: driverFiles } : process.env
  const { stdout } = spawnSync(process.execPath, [PROBE], {
    env,
    encoding: "utf8",
    timeout: LIMIT_MS,
    stdio: ["ignore", "pipe", "ignore"],
  })
  const line = stdout?.trim().split("\n").at(-1)
  try {
    return (JSON.parse(line ?? "null") as AdapterInfo | null) ?? undefined
  } catch {
    return undefined
  }
}

export function describe(info: AdapterInfo): string {
  return info.description || info.device || `${info.vendor} ${info.architecture}`
}
