// Room: runtime/device. Names a software Vulkan driver that lies where Vulkan does not look by itself.
// Assumes: Node. Guarantees: only looks; installs nothing, sets nothing.
// Not here: opening devices. Real GPUs and Mesa's drivers are found without help, so ask for an adapter first.
// Vulkan reads VK_DRIVER_FILES whenever Dawn's `create()` runs, so setting process.env in this process is enough.

import { existsSync } from "node:fs"

/** Folders of Chromium-based browsers on Linux; each brings SwiftShader, a software Vulkan driver. */
const BROWSER_FOLDERS = [
  "/usr/lib/chromium",
  "/usr/lib64/chromium-browser",
  "/usr/lib/chromium-browser",
  "/opt/google/chrome",
  "/opt/microsoft/msedge",
  "/opt/brave.com/brave",
]

/**
 * The Vulkan driver file to put into VK_DRIVER_FILES when the default lookup found no adapter.
 * Undefined when there is none, or when the user has chosen drivers: their choice is not overruled.
 */
export function softwareDriverFiles(): string | undefined {
  if (process.platform !== "linux" || driversChosenByUser()) return undefined
  return BROWSER_FOLDERS.map((folder) => `${folder}/vk_swiftshader_icd.json`).find((file) => existsSync(file))
}

function driversChosenByUser(): boolean {
  return Boolean(process.env["VK_DRIVER_FILES"] || process.env["VK_ICD_FILENAMES"])
}
