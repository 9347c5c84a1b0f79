// Faults in large numbers, of which the tests try a few: `npm run faults -- kills 200`, `-- bits 100000`, `-- manifests 1000`; after a
// number a seed may follow. The last line gives the counts; nothing else is left behind.

import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join, resolve } from "node:path"
import { slotsOf } from "../runtime/bundle/builds.js"
import { encodeCheckpoint } from "../runtime/checkpoint/checkpoint.js"
import { takenAfterFlip } from "../test/faults/flipped-bits.js"
import { killAtRandom } from "../test/faults/kills.js"
import { useMutated } from "../test/faults/manifests.js"
import { random } from "../test/support/random.js"
import { bundleOf } from "../compiler/cli/compile-file.js"
import { writeBundle } from "../compiler/cli/write-bundle.js"

const main = resolve("dist/compiler/cli/main.js")
const [kind = "", count = "", seed = "1"] = process.argv.slice(2)
const folder = mkdtempSync(join(tmpdir(), "nnc-faults-"))
try {
  const wrong = await tried(kind, Number(count), Number(seed))
  process.exitCode = wrong ? 1 : 0
} finally {
  rmSync(folder, { recursive: true })
}

/** Whether something was wrong. */
async function tried(what: string, times: number, from: number): Promise<boolean> {
  if (what === "kills") {
    const { killed, began, refused, lost, mixed } = await killAtRandom(main, folder, times, from)
    for (const line of [...lost, ...mixed]) console.log(line)
    console.log(
      `${killed} kills of ${began} runs, ${refused} others refused: ${lost.length} lost, ${mixed.length} mixed`,
    )
    return lost.length + mixed.length > 0
  }
  if (what === "bits") {
    const { manifest } = bundleOf("examples/cancer/cancer.nn", { devices: ["wasm"] })
    const draw = random(from)
    const slots = new Map(
      slotsOf(manifest).map(({ name, bytes }) => [
        name,
        Uint8Array.from({ length: bytes }, () => draw() * 256),
      ]),
    )
    const position = {
      train: "train",
      step: 70,
      epoch: 8,
      seed: 1,
      batch: 64,
      rows: 455,
      best: 0.5,
      best_step: 64,
      patience: { value: 0.25, step: 64 },
      means: { rows: 6, sums: { loss: 1.5 } },
      fold: null,
    }
    const file = encodeCheckpoint(manifest, slots, position)
    const at = (): number => Math.floor(draw() * file.length * 8)
    const taken = takenAfterFlip(file, manifest, { count: times, at })
    console.log(`${times} flipped bits of ${file.length} bytes: ${taken.length} taken`)
    return taken.length > 0
  }
  if (what === "manifests") {
    const [out, work] = [join(folder, "out"), join(folder, "work")]
    mkdirSync(work)
    const program = "examples/six-points/six-points.nn"
    await writeBundle(bundleOf(program, { devices: ["wasm"] }), out, dirname(program))
    const { tried, outcomes, wrong } = await useMutated(out, work, times, from)
    for (const line of wrong) console.log(line)
    console.log(
      `${tried} changed manifests, ${JSON.stringify(outcomes)}: ${wrong.length} bugs or writes elsewhere`,
    )
    return wrong.length > 0
  }
  console.log(readFileSync("scripts/faults.ts", "utf8").split("\n")[0])
  return true
}
