// Every supported version of Node runs the command line alike: the same lines, and no line that should not be there.

import { spawnSync } from "node:child_process"
import { cpSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { skipTest } from "./support/adapter-runner.js"
import { commandLine } from "./support/command-line.js"
import { temporaryFolder } from "./support/nnc.js"
import { otherNodeVersions } from "./support/node-versions.js"

/** The output of a command, without the times in it. */
function printed(program: string, args: readonly string[], cwd: string): { out: string[]; err: string[] } {
  const env = { ...process.env, NO_COLOR: "1", XDG_CACHE_HOME: join(cwd, "cache") }
  const { stdout, stderr } = spawnSync(program, [commandLine(), ...args], { cwd, encoding: "utf8", env })
  const timeless = (line: string) => line.replace(/ {2}[\d.]+[MGk]? steps\/s.*| {2}\([\d.]+ s, .*\)/, "")
  const lines = (text: string) => text.split("\n").map(timeless)
  return { out: lines(stdout), err: lines(stderr) }
}

const COMMANDS: readonly (readonly string[])[] = [
  ["check", "cancer.nn"],
  ["train", "cancer.nn", "--epochs", "10", "--out", "run", "--device", "wasm"],
  ["evaluate", "cancer.nn", "--checkpoint", "run", "--device", "wasm"],
  ["fmt", "--check", "cancer.nn"],
]

/** Every command in order, in a folder of its own. */
function course(program: string): { out: string[]; err: string[] }[] {
  const folder = temporaryFolder()
  cpSync("examples/cancer", folder, { recursive: true })
  return COMMANDS.map((args) => printed(program, args, folder))
}

describe("the command line runs alike", () => {
  const here = course(process.execPath)
  it("with nothing on stderr but results and the progress of a run, on this Node", () => {
    for (const line of here.flatMap(({ err }) => err))
      expect(line).toMatch(/^(cancer(\.nn)?: |step |checkpoint, |parameters from run|$)/)
  })
  it.each(otherNodeVersions())("on Node $major", ({ major, program }) => {
    if (program === undefined) skipTest(`npm has no Node ${major} for this machine`)
    expect(course(program)).toEqual(here)
  })
})
