// The command line as a user meets it: a process of its own, run from what command-line.ts built.

import { spawn, spawnSync, type ChildProcess } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, expect } from "vitest"
import { skipWithoutAdapter } from "./adapter-runner.js"
import { commandLine } from "./command-line.js"

export interface Result {
  readonly exit: number | null
  readonly out: string
  readonly err: string
}
export interface Place {
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  /** Standard input. */
  readonly input?: string
}

/** Runs to the end. Whatever happens, no stack trace may show. */
export function nnc(args: readonly string[], { cwd = ".", env = {}, input = "" }: Place = {}): Result {
  const { status, stdout, stderr } = spawnSync(process.execPath, [commandLine(), ...args], {
    cwd,
    encoding: "utf8",
    input,
    env: { ...process.env, NO_COLOR: "1", ...env },
    timeout: 100_000,
  })
  expect(stderr, "a stack trace").not.toMatch(/^\s+at .*:\d+:\d+/m)
  skipWithoutAdapter(stdout + stderr)
  return { exit: status, out: stdout, err: stderr }
}

/** Starts, for tests that end it early. */
export function startNnc(args: readonly string[], cwd: string): ChildProcess {
  return spawn(process.execPath, [commandLine(), ...args], { cwd, stdio: ["ignore", "pipe", "pipe"] })
}

/** The objects that `--json` printed. */
export const jsonLines = ({ out }: Result): Record<string, unknown>[] =>
  out
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>)

const folders: string[] = []
/** A folder of its own, removed when the tests of the file are done. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "nnc-test-"))
  folders.push(folder)
  return folder
}
afterAll(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})
