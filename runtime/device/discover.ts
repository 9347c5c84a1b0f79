/** runtime/device: finds GPUs and Vulkan drivers in the file system, without loading any.
 *  Assumes:    Node. Real GPUs and Mesa's drivers are found without help, so ask for an adapter before naming a driver.
 *  Guarantees: only looks; installs nothing, sets nothing.
 *  Not here:   opening devices (node-gpu.ts). */
import { existsSync } from "node:fs"

/** Where Linux shows the GPUs of a machine: the kernel's own drivers, NVIDIA's, WSL's, those of phones and boards. */
const GPU_FILES = ["/dev/dri", "/dev/nvidiactl", "/dev/dxg", "/dev/kgsl-3d0", "/dev/mali0"]

/** Folders of Chromium-based browsers on Linux; each brings SwiftShader, a software Vulkan driver. */
const BROWSER_FOLDERS = [
  "/usr/lib/chromium",
  "/usr/lib64/chromium-browser",
  "/usr/lib/chromium-browser",
  "/opt/google/chrome",
  "/opt/microsoft/msedge",
  "/opt/brave.com/brave",
]

/** Whether a GPU is possible at all: asking Vulkan where there is none takes 0.1 to 0.3 s, and a broken driver ends the process. */
export function mayHaveGpu(): boolean {
  return process.platform !== "linux" || driversChosenByUser() || GPU_FILES.some((file) => existsSync(file))
}

/**
 * The Vulkan driver file to put into VK_DRIVER_FILES when the default lookup found no adapter. Vulkan reads that variable
 * whenever Dawn's `create()` runs, so setting it in this process is enough.
 * Undefined when there is none, or when the user has chosen drivers: their choice is not overruled.
 */
export function softwareDriverFiles(): string | undefined {
  if (process.platform !== "linux" || driversChosenByUser()) return undefined
  return BROWSER_FOLDERS.map((folder) => `${folder}/vk_swiftshader_icd.json`).find((file) => existsSync(file))
}

function driversChosenByUser(): boolean {
  return Boolean(process.env["VK_DRIVER_FILES"] || process.env["VK_ICD_FILENAMES"])
}
