// Programs compiled before: found again while nothing has changed, and compiled again whenever anything has.

import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { spawn } from "node:child_process"
import { afterAll, describe, expect, it } from "vitest"
import { CompileCache } from "../compiler/cli/compile-cache.js"
import { bundleOf, type CompileFileOptions } from "../compiler/cli/compile-file.js"
import { DEFAULT_TARGET, SOFTWARE_TARGET } from "../compiler/targets/index.js"
import { commandLine } from "./support/command-line.js"
import { temporaryFolder } from "./support/nnc.js"

const FILES = {
  "net.nn": `import { Two } from "two.nn"
data rows = csv("rows.csv") {
  x: f32[2] = columns("a", "b")
  y: i32 = column("y") |> categories(2)
}
model Net(x: f32[B, 2]) -> f32[B, 2] { x |> Two() }
train on rows {
  minimize cross_entropy(Net(x), y) with SGD(lr: 1.0)
  batch 2, steps 20, seed 1
}
`,
  "two.nn": `layer Two()(x: f32[N, K]) -> f32[N, 2] { x |> Linear(2) }
`,
  "rows.csv": "a,b,y\n0,1,no\n1,0,yes\n1,1,yes\n0,0,no\n",
  "other.csv": "a,b,y\n0,1,no\n1,0,yes\n",
}
const GPU: CompileFileOptions = { devices: ["webgpu"], target: DEFAULT_TARGET }

function project(): string {
  const folder = temporaryFolder()
  for (const [name, text] of Object.entries(FILES)) writeFileSync(join(folder, name), text)
  return folder
}
const edit = (file: string, from: string, to: string): void => {
  const text = readFileSync(file, "utf8")
  expect(text).toContain(from)
  writeFileSync(file, text.replace(from, to))
}

/** The result, and whether it was compiled. */
function compiledBy(cache: CompileCache, folder: string, options = GPU): { found: unknown; anew: boolean } {
  let anew = false
  const hooks = { time: () => void (anew = true) }
  const found = bundleOf(join(folder, "net.nn"), { ...options, hooks }, cache)
  return { found, anew }
}

describe("a program that was compiled before", () => {
  it("is not compiled again, and gives the same bundle", () => {
    const [folder, cache] = [project(), new CompileCache(temporaryFolder(), "a")]
    const first = compiledBy(cache, folder)
    const second = compiledBy(cache, folder)
    expect([first.anew, second.anew]).toEqual([true, false])
    expect(second.found).toEqual(first.found)
  })

  const changes: Readonly<Record<string, (folder: string) => CompileFileOptions | void>> = {
    "its source": (at) => edit(join(at, "net.nn"), "lr: 1.0", "lr: 0.5"),
    "what it imports": (at) => edit(join(at, "two.nn"), "Linear(2)", "Linear(2) |> relu"),
    "a row of its data": (at) => edit(join(at, "rows.csv"), "0,0,no\n", "0,0,no\n2,2,yes\n"),
    "a word of its data": (at) => edit(join(at, "rows.csv"), "0,0,no", "0,0,perhaps"),
    "the file of its data": (at) => ({ ...GPU, data: new Map([["rows", join(at, "other.csv")]]) }),
    "its device": () => ({ ...GPU, devices: ["wasm"] }),
    "the kind of adapter": () => ({ ...GPU, target: SOFTWARE_TARGET }),
    "other kinds of adapters beside it": () => ({ ...GPU, variants: [SOFTWARE_TARGET] }),
    "its data gone": (at) => rmSync(join(at, "rows.csv")),
  }
  it.each(Object.entries(changes))("is compiled again with another: %s", (_, change) => {
    const [folder, cache] = [project(), new CompileCache(temporaryFolder(), "a")]
    compiledBy(cache, folder)
    const options = change(folder) ?? GPU
    const outcome = (make: () => unknown): unknown => {
      try {
        return make()
      } catch (error) {
        return error
      }
    }
    const after = outcome(() => compiledBy(cache, folder, options).found)
    expect(after).toEqual(outcome(() => bundleOf(join(folder, "net.nn"), options)))
  })

  it("is compiled again by another compiler", () => {
    const [folder, kept] = [project(), temporaryFolder()]
    compiledBy(new CompileCache(kept, "a"), folder)
    expect(compiledBy(new CompileCache(kept, "b"), folder).anew).toBe(true)
  })

  const damage: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
    nothing: () => Buffer.alloc(0),
    "a part": (bytes) => bytes.subarray(0, bytes.length >> 1),
    "a changed byte": (bytes) => (
      bytes.writeUInt8(bytes.readUInt8(bytes.length >> 1) ^ 1, bytes.length >> 1),
      bytes
    ),
    "something else": () => Buffer.from("not an entry, but longer than the hash in front of one"),
  }
  it.each(Object.entries(damage))("is compiled again when of its entry is left: %s", (_, damaged) => {
    const [folder, kept] = [project(), temporaryFolder()]
    const cache = new CompileCache(kept, "a")
    const { found } = compiledBy(cache, folder)
    const [entry] = readdirSync(kept)
    writeFileSync(join(kept, entry!), damaged(readFileSync(join(kept, entry!))))
    expect(compiledBy(cache, folder)).toEqual({ found, anew: true })
    expect(compiledBy(cache, folder)).toEqual({ found, anew: false })
  })

  it("compiles where nothing can be kept", () => {
    const folder = project()
    const cache = new CompileCache(join(folder, "net.nn", "below-a-file"), "a")
    expect([compiledBy(cache, folder).anew, compiledBy(cache, folder).anew]).toEqual([true, true])
  })

  it("is forgotten first when it was not used for longest", () => {
    const [old, used, fresh] = [project(), project(), project()]
    const kept = temporaryFolder()
    compiledBy(new CompileCache(kept, "a"), old)
    const [entry] = readdirSync(kept)
    const { size } = statSync(join(kept, entry!))
    const cache = new CompileCache(kept, "a", size * 2.5)
    compiledBy(cache, used)
    compiledBy(cache, fresh)
    const anew = [used, fresh, old].map((folder) => compiledBy(cache, folder).anew)
    expect(anew).toEqual([false, false, true])
  })
})

describe("nnc train", () => {
  // A build of its own, since that of the other tests keeps nothing.
  const built = resolve(mkdtempSync(".cache/test-cache-"))
  afterAll(() => rmSync(built, { recursive: true, force: true }))

  it("keeps one entry whoever writes at once, and shows warnings every time", async () => {
    cpSync(dirname(dirname(dirname(commandLine()))), built, { recursive: true })
    writeFileSync(join(built, "compiler/cli/build.sha256"), "a build")
    const [folder, kept] = [project(), temporaryFolder()]
    edit(join(folder, "net.nn"), "batch 2", "batch 64")
    let runs = 0
    const train = (): Promise<{ exit: number | null; said: string }> =>
      new Promise((done) => {
        const args = [
          join(built, "compiler/cli/main.js"),
          "train",
          "net.nn",
          "--device",
          "wasm",
          "--out",
          `run-${++runs}`,
        ]
        const env = { ...process.env, NO_COLOR: "1", XDG_CACHE_HOME: kept }
        const child = spawn(process.execPath, args, { cwd: folder, env })
        let said = ""
        child.stderr.on("data", (text) => void (said += text))
        child.on("close", (exit) => done({ exit, said }))
      })
    const atOnce = await Promise.all([train(), train(), train()])
    const entries = readdirSync(join(kept, "nnc"))
    expect(entries).toHaveLength(1)
    for (const { exit, said } of [...atOnce, await train()]) {
      expect(exit).toBe(0)
      expect(said).toContain("warning[batch-rows]")
    }
    expect(readdirSync(join(kept, "nnc"))).toEqual(entries)
  })
})
