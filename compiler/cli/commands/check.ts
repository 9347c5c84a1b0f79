/** cli: `nnc check`: everything that can be known without running, as text or for another program, and repairs. */
import { Option, type Command } from "commander"
import { programBytes } from "../../../runtime/bundle/memory.js"
import { sizeText } from "../../driver/budget.js"
import { compile, type Compiled } from "../../driver/compile.js"
import type { Diagnostic } from "../../source/diagnostic.js"
import { applyFixes } from "../../source/fixes.js"
import { githubAnnotation, sarifLog } from "../../source/machine-formats.js"
import { diagnosticJson, renderDiagnostics } from "../../source/render.js"
import { DEVICE_PROFILES, targetOfProfile } from "../../targets/device-profiles.js"
import { DEFAULT_TARGET, TARGETS, type TargetProfile } from "../../targets/index.js"
import { VERSION } from "../../version.js"
import { allCodes } from "../codes.js"
import { readProgram } from "../compile-file.js"
import { note, noteMessage, print, printJson } from "../console.js"
import { whenConverted } from "../convert/index.js"
import { optimizeLater } from "../engine.js"
import { EXIT } from "../failure.js"
import { fileHost } from "../host.js"
import { replaceFile } from "../replace-file.js"
import { type DeviceOptions, withDeviceOptions } from "../open-program.js"
import { type Need, needsOf, needsText } from "../target-needs.js"
import { compiling } from "../usage.js"
import { validateFile } from "../validate-file.js"

/** The kinds of devices that code is made for, and the profiles of real ones. */
const ALL_TARGETS: readonly TargetProfile[] = [...TARGETS, ...DEVICE_PROFILES.map(targetOfProfile)]

interface Options extends DeviceOptions {
  readonly json?: boolean
  readonly format?: "github" | "sarif"
  readonly fix?: boolean
  readonly validate?: boolean
  readonly target?: string
}

export function addCheck(program: Command): void {
  withDeviceOptions(program.command("check"))
    .description("find every mistake that can be found without running")
    .argument("<files...>", "programs")
    .addOption(
      new Option("--json", "print one object per diagnostic, and one `end` per file").conflicts("format"),
    )
    .addOption(
      new Option(
        "--format <name>",
        "print for another program: annotations of GitHub, or a SARIF log",
      ).choices(["github", "sarif"]),
    )
    .addOption(
      new Option(
        "--target <name>",
        "check that the program fits this kind of device, and say what it needs of it",
      ).choices(ALL_TARGETS.map(({ name }) => name)),
    )
    .option("--fix", "make the repairs that messages suggest, in the files, and check again")
    .option("--validate", "run every stage of the compiler, and the device, on random values, and compare")
    .action(async (files: string[], options: Options) => {
      optimizeLater()
      const checked: Checked[] = []
      for (const path of files) checked.push(await whenConverted(() => checkFile(path, options)))
      for (const { path, compiled } of checked) {
        if (errorsOf(compiled) > 0) process.exitCode = EXIT.mistake
        if (options.json) printAsJson(path, compiled, options)
        else if (options.format === "github")
          for (const each of compiled.diagnostics) print(githubAnnotation(each))
        else if (options.format === undefined) printAsText(path, compiled, options)
      }
      if (options.format === "sarif") {
        const all = checked.flatMap(({ compiled }) => compiled.diagnostics)
        printJson(sarifLog(all, { version: VERSION, titleOf: (code) => allCodes[code]?.title }))
      }
      if (options.validate)
        for (const { path, compiled } of checked)
          if (errorsOf(compiled) === 0) note(await validateFile(path, options))
    })
}

interface Checked {
  readonly path: string
  readonly compiled: Compiled
}

function checkFile(path: string, options: Options): Checked {
  let compiled = checkOnce(path, options)
  if (options.fix) {
    // A repair may uncover mistakes that can be repaired too.
    for (let round = 0; round < MOST_ROUNDS && repair(compiled.diagnostics); round++)
      compiled = checkOnce(path, options)
  }
  return { path, compiled }
}

/** Repairs that undo each other must not go on for ever. */
const MOST_ROUNDS = 10

function checkOnce(path: string, options: Options): Compiled {
  const host = fileHost(path, options)
  const target = targetOf(options)
  const compiled = compile(readProgram(path), host, {
    target: target ?? DEFAULT_TARGET,
    ...(target && { devices: [target.code === "wasm" ? "wasm" : "webgpu"] }),
    ...compiling(options),
  })
  host.checkAsked()
  return compiled
}

/** The target of `--target`; left out: limits of every device. */
const targetOf = ({ target }: Options): TargetProfile | undefined =>
  ALL_TARGETS.find(({ name }) => name === target)

/** Whether anything was changed. */
function repair(diagnostics: readonly Diagnostic[]): boolean {
  const repaired = applyFixes(diagnostics)
  for (const { file, text, count } of repaired) {
    replaceFile(file.path, text)
    note(`${file.path}: repaired ${count === 1 ? "one mistake" : `${count} mistakes`}`)
  }
  return repaired.length > 0
}

const errorsOf = ({ diagnostics }: Compiled): number =>
  diagnostics.filter(({ severity }) => severity === "error").length

function printAsJson(path: string, compiled: Compiled, options: Options): void {
  for (const each of compiled.diagnostics) printJson({ event: "diagnostic", ...diagnosticJson(each) })
  const errors = errorsOf(compiled)
  const memory = memoryOf(compiled)
  printJson({
    event: "end",
    file: path,
    errors,
    warnings: compiled.diagnostics.length - errors,
    ...(memory && { memory }),
    ...needsIn(compiled, options),
  })
}

function printAsText(path: string, compiled: Compiled, options: Options): void {
  if (compiled.diagnostics.length > 0) noteMessage(renderDiagnostics(compiled.diagnostics))
  if (errorsOf(compiled) > 0) return
  note(`${path}: no mistakes found`)
  const memory = memoryOf(compiled)
  if (memory) note(`${path}: ${memoryText(memory)}`)
  const { target, needs } = needsIn(compiled, options)
  if (needs) note(`${path}: fits ${target}\n${needsText(needs)}`)
}

/** The needs of a program without mistakes that was compiled for one target. */
function needsIn(
  { bundle }: Compiled,
  options: Options,
): { readonly target?: string; readonly needs?: readonly Need[] } {
  const target = targetOf(options)
  return bundle && target ? { target: target.name, needs: needsOf(bundle.manifest, target) } : {}
}

interface Memory {
  readonly budget: number
  /** Bytes on each device that the program is compiled for. */
  readonly takes: Readonly<Record<string, number>>
}

/** The memory of a program that trains within a budget. */
function memoryOf({ model, bundle }: Compiled): Memory | undefined {
  const budgets = model?.trains.flatMap(({ settings }) => settings.budget?.bytes ?? []) ?? []
  if (bundle === undefined || budgets.length === 0) return undefined
  // The last of several builds for a device is for all that are left.
  const takes = Object.fromEntries(
    bundle.manifest.builds.map((build) => [build.requires.device, programBytes(build)]),
  )
  return { budget: Math.min(...budgets), takes }
}

const memoryText = ({ budget, takes }: Memory): string => {
  const each = Object.entries(takes).map(([device, bytes]) => `${sizeText(bytes)} on ${device}`)
  return `training takes ${each.join(", ")}; the budget is ${sizeText(budget)}`
}
