// Makes sure that a Chromium is here for the tests of pages: as root on Debian it is installed. Where it cannot be had, this says
// so and the tests that need it are skipped. After ensure-adapter.ts, because Chromium brings a software Vulkan driver too, a
// slow one that would be taken for good enough. NNC_NO_INSTALL=1 keeps it from installing.

import { chromiumFile } from "../test/support/chromium.js"
import { aptSystem, install, lastLines, mayInstall, update } from "./apt.js"

if (chromiumFile() === undefined && mayInstall() && aptSystem()?.id === "debian") {
  console.log("No Chromium yet: installing Debian's")
  update()
  const { ok, output } = install(["chromium"])
  if (!ok) console.error(`That did not work. The package manager said:\n${lastLines(output)}`)
}
console.log(`browser: ${chromiumFile() ?? "no Chromium; the tests of pages are skipped"}`)
