// A bundle carried elsewhere: nothing of nnc there, only npm `webgpu`.

import { spawnSync } from "node:child_process"
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { beforeAll, describe, expect, it } from "vitest"
import { nnc, temporaryFolder } from "./support/nnc.js"

const SCRIPT = `import { load } from "./out/trainer.js"
const trainer = await load()
const losses = []
await trainer.train({ epochs: 5, onEvent: (event) => event.event === "report" && losses.push(event.metrics.loss) })
await trainer.save("saved.safetensors")
const row = { MEAN }
const { output } = await trainer.predict([row, row])
const end = await trainer.resume("saved.safetensors", { epochs: 8 })
const again = await trainer.predict("Classifier", { x: new Float32Array(60) })
console.log(JSON.stringify({ device: trainer.device, losses, end, shapes: [output.shape, again.output.shape], test: await trainer.evaluate() }))
trainer.close()
`

describe("the bundle of examples/cancer", () => {
  const elsewhere = temporaryFolder()
  beforeAll(() => {
    const folder = temporaryFolder()
    expect(existsSync("dist/runtime-bundle/node.js"), "run `npm run build` first").toBe(true)
    expect(nnc(["compile", resolve("examples/cancer/cancer.nn"), "-o", join(folder, "out")])).toMatchObject({
      exit: 0,
    })
    cpSync(join(folder, "out"), join(elsewhere, "out"), { recursive: true })
    mkdirSync(join(elsewhere, "node_modules"))
    symlinkSync(resolve("node_modules/webgpu"), join(elsewhere, "node_modules/webgpu"))
  })

  it("trains, saves, predicts and resumes in a script of its own", () => {
    const header =
      readFileSync("examples/cancer/data/breast_cancer_wisconsin.csv", "utf8").split("\n")[0] ?? ""
    const columns = header.split(",").filter((name) => name !== "benign")
    const cells = columns.map((name) => `${JSON.stringify(name)}: 1`).join(", ")
    writeFileSync(join(elsewhere, "script.mjs"), SCRIPT.replace("{ MEAN }", `{ ${cells} }`))
    const { stdout, stderr, status } = spawnSync(process.execPath, ["script.mjs"], {
      cwd: elsewhere,
      encoding: "utf8",
    })
    expect({ status, stderr: status === 0 ? "" : stderr }).toEqual({ status: 0, stderr: "" })
    const said = JSON.parse(stdout) as {
      losses: number[]
      end: { why: string; step: number }
      shapes: number[][]
      test: Record<string, number>
    }
    expect(said.losses.at(-1)).toBeLessThan(said.losses[0] ?? 0)
    expect(said.end).toMatchObject({ why: "finished", step: 8 * 7 })
    expect(said.shapes).toEqual([
      [2, 1],
      [2, 1],
    ])
    expect(said.test["accuracy"]).toBeGreaterThan(0.9)
  })

  it("has typed modules for Node and for pages that TypeScript accepts, and a README that it accepts", () => {
    const use = `import { load, type ClassifierInputs } from "./out/trainer.js"
const trainer = await load({ device: "auto" })
const inputs: ClassifierInputs = { x: new Float32Array(30) }
const { output } = await trainer.predict("Classifier", inputs)
const values: readonly number[] = output.shape
// @ts-expect-error there is no such model
await trainer.predict("Other", inputs)
export { values }
`
    const page = `import { load } from "./out/trainer.browser.js"
const trainer = await load({ device: "wasm", threads: 2 })
await trainer.train({ epochs: 1, store: { save: async (kind, file) => kind + file.length } })
const bytes: Uint8Array = await trainer.save()
await trainer.resume(bytes, { epochs: 2 })
// @ts-expect-error a page has no paths
await trainer.save("model.safetensors")
export const { why } = trainer.device
`
    writeFileSync(join(elsewhere, "use.mts"), use)
    writeFileSync(join(elsewhere, "page.mts"), page)
    const snippets = [
      ...readFileSync(join(elsewhere, "out/README.md"), "utf8").matchAll(/^```js\n([^]*?)^```$/gm),
    ]
    const readme = snippets.map(([, code = ""], i) => {
      const name = `readme-${i}.mts`
      writeFileSync(join(elsewhere, name), code.replace("./trainer", "./out/trainer"))
      return name
    })
    expect(readme.length).toBe(2)
    const compilerOptions = { noEmit: true, strict: true, module: "nodenext", target: "es2022", types: [] }
    writeFileSync(
      join(elsewhere, "tsconfig.json"),
      JSON.stringify({ compilerOptions, files: ["use.mts", "page.mts", ...readme] }),
    )
    for (const version of ["typescript", "typescript-native"]) {
      const tsc = resolve("node_modules", version, "bin/tsc")
      const { stdout, status } = spawnSync(process.execPath, [tsc], { cwd: elsewhere, encoding: "utf8" })
      expect({ version, status, stdout }).toEqual({ version, status: 0, stdout: "" })
    }
  })
})
