/** cli: a program or a bundle folder -> a trainer on a device; and which checkpoint belongs to it. */
import { existsSync, statSync } from "node:fs"
import { basename, dirname, relative, resolve } from "node:path"
import { Option, type Command } from "commander"
import { withLimits } from "../targets/device-profiles.js"
import { DEFAULT_TARGET, targetFor, type TargetProfile } from "../targets/index.js"
import {
  autoNodeDevice,
  checkpointFile,
  LAST,
  loadBundle,
  newestRunFolder,
  PLACEMENTS,
  openBundle,
  probeNodeDevice,
  trainedWith,
  type DeviceInfo,
  type Placement,
  type Trainer,
  type Which,
} from "../../runtime/node.js"
import { userCache } from "./compile-cache.js"
import { bundleOf, isBundleFolder } from "./compile-file.js"
import { note } from "./console.js"
import { whenConverted } from "./convert/index.js"
import { EXIT, Failure } from "./failure.js"
import { userTables } from "./kept-tables.js"
import { visible } from "../source/visible.js"
import { type CompilingOptions, compiling, type DataOptions, integer, withData } from "./usage.js"

export type DeviceName = "auto" | "webgpu" | "wasm"

export interface DeviceOptions extends DataOptions {
  readonly device: DeviceName
  readonly threads?: number
  readonly allowData?: readonly string[]
  readonly placement?: Placement
}

/** The options of every command that opens a device. */
export const withDeviceOptions = (command: Command): Command =>
  withData(withDevice(command)).option(
    "--allow-data <path>",
    "let a bundle read its data from this file or folder outside of it; may be given several times",
    (path: string, before: readonly string[] = []) => [...before, path],
  )

/** The option of commands that go through the rows of data sets. */
export const withPlacement = (command: Command): Command =>
  command.addOption(
    new Option(
      "--placement <name>",
      "where the rows of data are: on the device, in one buffer or in pieces, or streamed there (default: as there is room)",
    ).choices(PLACEMENTS),
  )

export function withDevice(command: Command): Command {
  return command
    .addOption(
      new Option("--device <name>", "the device to use: auto takes a GPU through webgpu, else wasm")
        .choices(["auto", "webgpu", "wasm"])
        .default("auto"),
    )
    .option("--threads <count>", "threads of the wasm device (default: chosen from the work)", integer(1))
}

/** Compiles a `.nn` file, or loads a bundle. Close the trainer, or the process does not end. */
export async function openProgram(path: string, options: DeviceOptions): Promise<Trainer> {
  const { device, threads, placement, data, allowData = [] } = options
  const choice = { ...(threads !== undefined && { threads }), ...(placement && { placement }) }
  if (isBundleFolder(path)) {
    refuseSettings(path, options)
    const absolute = new Map([...data].map(([name, file]) => [name, resolve(file)]))
    const { open: openFile } = userTables()
    const { fold, plans: _, ...verifying } = compiling(options)
    const trainer = await loadBundle(path, {
      ...choice,
      device,
      data: absolute,
      allowData,
      openFile,
      ...verifying,
    })
    requireFold(trainer, path, fold)
    return trainer
  }
  // Decided before compiling, as only the code that will run is made.
  const chosen = device === "auto" ? await autoNodeDevice() : { name: device }
  const target = chosen.name === "webgpu" ? await profileOfAdapter() : DEFAULT_TARGET
  const tables = userTables()
  const asked = { data, devices: [chosen.name], target, ...compiling(options) }
  const bundle = await whenConverted(() => bundleOf(path, asked, userCache(), tables))
  const { name, ...reason } = chosen
  return openBundle(bundle, dirname(path), { ...choice, device: name, ...reason, openFile: tables.open })
}

/** Refuses another fold than that on whose training rows a bundle's stages were fitted. */
function requireFold(trainer: Trainer, path: string, fold: number | undefined): void {
  const own = trainer.bundle.manifest.data.find(({ split }) => split?.folds !== undefined)?.split
  if (fold === undefined || fold === own?.fold) return
  trainer.close()
  throw new Failure(
    "data-fold",
    own ? `${path} was compiled for fold ${own.fold} of ${own.folds}` : `no data set of ${path} has folds`,
    own ? `\`nnc compile --fold ${fold}\` makes a bundle for the other fold` : undefined,
  )
}

/** `wasm: WebAssembly SIMD, 2 threads (this machine has no GPU)` */
export function deviceText({ device, adapter, software, kernels, why }: DeviceInfo): string {
  return `${device}: ${adapter}${software ? ", software" : ""}${kernels === undefined ? "" : `, kernels for ${kernels}`}${why === undefined ? "" : ` (${why})`}`
}

/** The target for the adapter of this machine. Where there is none, opening it says so, after the program's own mistakes. */
export async function profileOfAdapter(): Promise<TargetProfile> {
  const adapter = await probeNodeDevice().catch(() => undefined)
  return adapter === undefined ? DEFAULT_TARGET : withLimits(targetFor(adapter), adapter.limits)
}

const RUNS = "runs"

/** The newest run of this program that saved a checkpoint. */
export const newestRun = (name: string): string | undefined => newestRunFolder(RUNS, name)

/** Which checkpoint a command reads. */
export interface CheckpointOptions {
  readonly checkpoint?: string
  readonly from?: Which
}

/** The options of every command that uses learned parameters. */
export const withCheckpoint = (command: Command): Command =>
  command
    .option("--checkpoint <file>", "checkpoint or run folder (default: the newest run)")
    .addOption(
      new Option(
        "--from <which>",
        "which checkpoint of the run (default: the best, where one is kept)",
      ).choices(["best", "last"]),
    )

/** `options` with the settings and the fold of the checkpoint that is read, where the command line gives no others: without them the
 *  program would be another one. */
export async function withSettingsOf<T extends CompilingOptions>(
  path: string,
  { checkpoint, from = "best" }: CheckpointOptions,
  options: T,
): Promise<T> {
  if (isBundleFolder(path)) return options
  const run = checkpoint ?? newestRun(basename(path, ".nn"))
  if (run === undefined) return options
  const { settings, fold } = await trainedWith(run, from)
  const taken = [...settings].filter(([name]) => !options.set?.has(name))
  const said = [
    ...taken.map(([name, value]) => `${name} = ${visible(value)}`),
    ...(fold === undefined || options.fold !== undefined ? [] : [`fold ${fold}`]),
  ]
  if (said.length === 0) return options
  note(`${said.join(", ")}, as ${run} was trained`)
  return {
    ...options,
    ...(taken.length > 0 && { set: new Map([...taken, ...(options.set ?? [])]) }),
    ...(fold !== undefined && { fold: options.fold ?? fold }),
  }
}

/** Refuses settings for a compiled program. */
export function refuseSettings(path: string, { set, plan }: CompilingOptions): void {
  if (plan !== undefined)
    throw new Failure(
      "usage",
      `${path} is compiled already`,
      "`nnc compile --plan` compiles it with other plans of kernels",
      EXIT.usage,
    )
  if (set !== undefined)
    throw new Failure(
      "usage",
      `${path} is compiled already`,
      "`nnc compile --set` compiles it with other settings",
      EXIT.usage,
    )
}

/** The checkpoint to use: the one named, or of the newest run of this program. */
export async function checkpointFor(
  { name }: { readonly name: string },
  { checkpoint, from }: CheckpointOptions,
): Promise<string> {
  const run = checkpoint ?? newestRun(name)
  if (run === undefined)
    throw new Failure(
      "checkpoint-none",
      `no checkpoint was named, and there is no run of ${name} below ${RUNS}/`,
      "train it first, or name one with --checkpoint",
    )
  const file = await checkpointFile(run, from ?? "best")
  if (from !== undefined && file === run)
    throw new Failure(
      "usage",
      `\`--from ${from}\` chooses among the checkpoints of a run, and ${run} is one file`,
      undefined,
      EXIT.usage,
    )
  if (from === "best" && !file.endsWith("best.safetensors"))
    throw new Failure(
      "checkpoint-none",
      `${run} keeps no best checkpoint`,
      "`--from last` takes the last one",
    )
  return file
}

/** Loads learned parameters: those of the checkpoint that is named, or of the newest run; else those of the program's own files, where it
 *  names some. Says which. */
export async function loadLearned(trainer: Trainer, options: CheckpointOptions): Promise<Learned> {
  const { manifest } = trainer.bundle
  const { weights = [] } = manifest
  if (weights.length > 0 && options.checkpoint === undefined && newestRun(manifest.name) === undefined) {
    const place = weights.map(({ path }) => path).join(", ")
    return { place, text: place }
  }
  const { place, position } = await trainer.load(await checkpointFor(manifest, options))
  return { place, text: position === null ? place : `${place}, step ${position.step}` }
}
interface Learned {
  readonly place: string
  /** `runs/cancer-1/checkpoints/best.safetensors, step 80`. */
  readonly text: string
}

/** The run folder whose last checkpoint this is, so that a resumed run goes on in it. */
export function runFolderOf(checkpoint: string): string | undefined {
  if (existsSync(checkpoint) && statSync(checkpoint).isDirectory()) return checkpoint
  const folder = dirname(dirname(checkpoint))
  return relative(folder, checkpoint) === LAST ? folder : undefined
}
