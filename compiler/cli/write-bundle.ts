/** cli: Bundle -> a folder that needs neither the compiler nor nnc.
 *  Guarantees: the folder is complete or not there: it is written beside its place and renamed; only an empty folder or an
 *              earlier bundle is replaced. Every file but the manifest is listed in it with its SHA-256, large data files with their size.
 *  Not here:   the trainer module (`bundle/host-module.ts`), the manifest (`bundle/encode.ts`). */
import {
  constants,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs"
import { basename, dirname, isAbsolute, join, resolve } from "node:path"
import type { Bundle, DataSpec, FittedStage, Manifest, WeightsSpec } from "../../runtime/bundle/format.js"
import { wasmBuild } from "../../runtime/bundle/builds.js"
import { shardsOf } from "../../runtime/checkpoint/weight-files.js"
import { withFiles } from "../../runtime/data/sources/index.js"
import { classNames, undoOf } from "../../runtime/data/undo.js"
import { saveWhole } from "../../runtime/node.js"
import { makeFolders } from "../../runtime/folders.js"
import { type FileElsewhere, hostModule, singleModule } from "../bundle/host-module.js"
import { hashOf } from "./compile-cache.js"
import { Failure } from "./failure.js"
import { hashOfPath, isLarge } from "./file-hash.js"
import { packageFolder } from "./host.js"

/** `sources`: the folder that the program's data paths are relative to. The result names the files written. */
export async function writeBundle(bundle: Bundle, out: string, sources: string): Promise<readonly string[]> {
  const target = resolve(out)
  refuseToReplace(target, out)
  const files = await bundleFiles(bundle, sources)
  makeFolders(dirname(target))
  const aside = `${target}.writing-${process.pid}`
  try {
    for (const [path, content] of files) {
      makeFolders(dirname(join(aside, path)))
      if (isCopy(content)) copyFileSync(content.from, join(aside, path), constants.COPYFILE_FICLONE)
      else writeFileSync(join(aside, path), content)
    }
    rmSync(target, { recursive: true, force: true })
    renameSync(aside, target)
  } finally {
    rmSync(aside, { recursive: true, force: true })
  }
  return [...files.keys()]
}

/** A data file, which is never in memory as a whole. */
interface Copy {
  readonly from: string
}
type Content = string | Uint8Array | Copy
type Files = ReadonlyMap<string, Content>

const isCopy = (content: Content): content is Copy => typeof content === "object" && "from" in content

async function bundleFiles(bundle: Bundle, sources: string): Promise<Files> {
  const { manifest, files } = contentsOf(bundle, sources)
  for (const [from, to] of RUNTIMES) files.set(to, readFileSync(runtimeFile(from)))
  for (const [path, text] of await hostModule(manifest, MEANING)) files.set(path, text)
  return withManifest(manifest, files)
}

/** The bundle for pages as one module, and its declarations beside it. The result names both. */
export async function writeSingle(bundle: Bundle, out: string, sources: string): Promise<readonly string[]> {
  const runtime = readFileSync(runtimeFile("browser.iife.js"), "utf8")
  const { js, dts } = await pageModule(bundle, sources, { runtime, data: inlinedFile })
  const written = [
    [out, js],
    [out.replace(/(m?)js$/, "d.$1ts"), dts],
  ] as const
  for (const [path, text] of written) await saveWhole(path, new TextEncoder().encode(text))
  return written.map(([path]) => path)
}

/** The trainer for pages as one module, and its declarations. `data`: the content of a data file, or where it is. */
export async function pageModule(
  bundle: Bundle,
  sources: string,
  { runtime, data }: { runtime: string; data(path: string): Uint8Array | FileElsewhere },
): Promise<{ readonly js: string; readonly dts: string }> {
  const { manifest, files } = contentsOf(bundle, sources)
  const contents = [...withManifest(manifest, files)].map(
    ([path, content]) => [path, isCopy(content) ? data(content.from) : content] as const,
  )
  return singleModule(manifest, MEANING, { runtime, files: new Map(contents) })
}

function inlinedFile(path: string): Uint8Array {
  if (!isLarge(path)) return readFileSync(path)
  throw new Failure(
    "io-folder",
    `${path} is too large to stand in a module`,
    "leave out --single: a folder keeps it as a file of its own",
  )
}

const MEANING = { names: classNames, undo: undoOf }

/** Kernels and data. */
function contentsOf(
  bundle: Bundle,
  sources: string,
): { readonly manifest: Manifest; readonly files: Map<string, Content> } {
  const { data, copies } = copyData(bundle.manifest.data, sources)
  const weights = copyWeights(bundle.manifest.weights ?? [], sources)
  const manifest = {
    ...bundle.manifest,
    data,
    ...(weights.specs.length > 0 && { weights: weights.specs }),
  }
  const files = new Map<string, Content>([...copies, ...weights.copies])
  for (const { name, file } of manifest.kernels) files.set(file, bundle.wgsl.get(name) ?? "")
  const wasm = wasmBuild(manifest)
  if (wasm && bundle.wasm) files.set(wasm.code.file, bundle.wasm)
  return { manifest, files }
}

/** A file that is too large to be read for its hash is known by its size. */
function withManifest(manifest: Manifest, files: Files): Files {
  const large = [...files].flatMap(([path, content]) =>
    isCopy(content) && isLarge(content.from) ? [[path, statSync(content.from).size] as const] : [],
  )
  const sizes = Object.fromEntries(large)
  const hashes = [...files].flatMap(([path, content]) =>
    Object.hasOwn(sizes, path) ? [] : [[path, hashOfContent(content)] as const],
  )
  const listed: Manifest = {
    ...manifest,
    files: Object.fromEntries(hashes),
    ...(large.length > 0 && { large: sizes }),
  }
  return new Map([["manifest.json", `${JSON.stringify(listed, null, 1)}\n`], ...files])
}

const hashOfContent = (content: Content): string =>
  isCopy(content) ? hashOfPath(content.from) : hashOf(content)

const RUNTIMES = [
  ["node.js", "runtime.js"],
  ["browser.js", "runtime.browser.js"],
] as const

export function runtimeFile(name: string): string {
  const folder = packageFolder("runtime-bundle")
  if (folder === undefined)
    throw new Failure(
      "io-program",
      "the runtime is not built",
      "`npm run build` in nnc's own folder makes it",
    )
  return join(folder, name)
}

/** The files of the sources under data/, and the specs with their new paths. */
function copyData(
  specs: readonly DataSpec[],
  sources: string,
): { readonly data: readonly DataSpec[]; readonly copies: ReadonlyMap<string, Copy> } {
  const copies = new Map<string, Copy>()
  const places = new Map<string, string>()
  const place = (path: string): string => {
    const from = isAbsolute(path) ? path : join(sources, path)
    const known = places.get(from)
    if (known !== undefined) return known
    let to = `data/${basename(path)}`
    for (let n = 2; copies.has(to); n++) to = `data/${n}-${basename(path)}`
    copies.set(to, { from })
    places.set(from, to)
    return to
  }
  const stageOf = (stage: FittedStage): FittedStage => {
    if (stage.kind !== "tokens") return stage
    const { json: _, ...rest } = stage
    return { ...rest, path: place(stage.path) }
  }
  const data = specs.map((spec) => ({
    ...spec,
    fields: spec.fields.map((field) => ({ ...field, stages: field.stages.map(stageOf) })),
    source: withFiles(spec.name, spec.source, place),
    ...(spec.val && { val: withFiles(spec.name, spec.val, place) }),
    test: spec.test && withFiles(spec.name, spec.test, place),
  }))
  return { data, copies }
}

/** Files of weights, each in a folder of its own below weights/, for those that an index lists lie beside it. */
function copyWeights(
  specs: readonly WeightsSpec[],
  sources: string,
): { readonly specs: readonly WeightsSpec[]; readonly copies: ReadonlyMap<string, Copy> } {
  const copies = new Map<string, Copy>()
  const moved = specs.map((spec, i) => {
    const from = isAbsolute(spec.path) ? spec.path : join(sources, spec.path)
    if (!existsSync(from))
      throw new Failure(
        "io-folder",
        `the weights ${spec.path} are not there`,
        "paths are relative to the program",
      )
    const folder = `weights/${i}`
    const shards = from.endsWith(".index.json") ? shardsOf(from, readFileSync(from)) : []
    for (const file of [basename(from), ...shards])
      copies.set(`${folder}/${file}`, { from: join(dirname(from), file) })
    return { ...spec, path: `${folder}/${basename(from)}` }
  })
  return { specs: moved, copies }
}

function refuseToReplace(target: string, out: string): void {
  if (!existsSync(target)) return
  if (!statSync(target).isDirectory()) throw new Failure("io-folder", `${out} is a file`, "name a folder")
  if (readdirSync(target).length > 0 && !existsSync(join(target, "manifest.json")))
    throw new Failure(
      "io-folder",
      `${out} holds other things than a bundle`,
      "choose another folder, or empty this one",
    )
}
