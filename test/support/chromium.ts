/** test: the Chromium of this machine, without a window, and pages in it. */
import { existsSync } from "node:fs"
import { chromium, type Browser, type Page } from "playwright-core"

const FILES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]

/** Where it lies; `scripts/ensure-chromium.ts` installs it where that is possible. */
export const chromiumFile = (): string | undefined => FILES.find((file) => existsSync(file))

/** With SwiftShader as its WebGPU adapter, so that pages find the same one on every machine. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumFile()!,
    args: [
      "--no-sandbox",
      "--no-first-run",
      "--disable-quic",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--enable-unsafe-webgpu",
      "--use-webgpu-adapter=swiftshader",
    ],
  })
}

/** Runs the body of an async function in the page; its result comes back as JSON. */
export async function inPage<T>(page: Page, body: string): Promise<T> {
  return (await page.evaluate(`(async () => {${body}})()`)) as T
}
