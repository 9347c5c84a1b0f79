/** runtime/bundle: files -> Bundle, checked.
 *  Guarantees: every file that the manifest lists is there and is, byte for byte, the one that was compiled; the manifest has the
 *              right types, and its parts fit together.
 *  Not here:   where files come from (Host), whether the device can run it (device/open-adapter.ts). */
import { reasonOf, RunError } from "../error.js"
import * as v from "valibot"
import { BUNDLE_FORMAT, BUNDLE_VERSION, type Bundle, type FittedStage, type Manifest } from "./format.js"
import { MANIFEST } from "./schema.js"
import { wasmBuild } from "./builds.js"
import { misfit } from "./verify.js"

export type ReadFile = (path: string) => Promise<Uint8Array>

/** `place` names the bundle in messages. */
export async function readBundle(place: string, readFile: ReadFile): Promise<Bundle> {
  const manifest = parseManifest(place, await readManifest(place, readFile))
  const texts = new Map<string, string>()
  const tokenizers = new Set(
    stagesOf(manifest).flatMap((stage) => (stage.kind === "tokens" ? stage.path : [])),
  )
  const moduleFile = wasmBuild(manifest)?.code.file
  const module: { wasm?: Uint8Array } = {}
  await Promise.all(
    Object.entries(manifest.files).map(async ([path, hash]) => {
      const bytes = await readListed(place, path, readFile)
      const found = await sha256(bytes)
      if (found !== hash)
        throw new RunError("bundle-corrupt", `${place}: ${path} is not the file that was compiled`, {
          help: "its SHA-256 differs from the manifest's: compile the source again",
        })
      if (path.endsWith(".wgsl") || tokenizers.has(path)) texts.set(path, new TextDecoder().decode(bytes))
      if (path === moduleFile) module.wasm = bytes
    }),
  )
  const wgsl = new Map(
    manifest.kernels.map(({ name, file }) => {
      const text = texts.get(file)
      if (text === undefined)
        throw new RunError(
          "bundle-corrupt",
          `${place}: the manifest lists no hash for ${file}, kernel ${name}`,
        )
      return [name, text]
    }),
  )
  return { manifest: withTokenizers(place, manifest, texts), wgsl, ...module }
}

const stagesOf = ({ data }: Manifest): readonly FittedStage[] =>
  data.flatMap(({ fields }) => fields.flatMap(({ stages }) => stages))

function withTokenizers(place: string, manifest: Manifest, texts: ReadonlyMap<string, string>): Manifest {
  const read = (stage: FittedStage): FittedStage => {
    if (stage.kind !== "tokens") return stage
    const json = texts.get(stage.path)
    if (json !== undefined) return { ...stage, json }
    throw new RunError("bundle-corrupt", `${place}: the manifest lists no hash for ${stage.path}`)
  }
  const data = manifest.data.map((set) => ({
    ...set,
    fields: set.fields.map((field) => ({ ...field, stages: field.stages.map(read) })),
  }))
  return { ...manifest, data }
}

export async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new Uint8Array(bytes))
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("")
}

async function readManifest(place: string, readFile: ReadFile): Promise<string> {
  try {
    return new TextDecoder().decode(await readFile("manifest.json"))
  } catch (caught) {
    throw new RunError("bundle-missing", `${place} is not a bundle: manifest.json cannot be read`, {
      help: "`nnc compile model.nn` writes a bundle folder",
      cause: caught,
    })
  }
}

async function readListed(place: string, path: string, readFile: ReadFile): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (caught) {
    if (caught instanceof RunError) throw caught
    throw new RunError("bundle-corrupt", `${place}: ${path} cannot be read: ${reasonOf(caught)}`, {
      help: "the manifest lists it: copy the bundle again, or compile the source again",
      cause: caught,
    })
  }
}

function parseManifest(place: string, text: string): Manifest {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (caught) {
    throw new RunError("bundle-corrupt", `${place}: manifest.json is not JSON: ${reasonOf(caught)}`)
  }
  if (!isRecord(json) || json["format"] !== BUNDLE_FORMAT)
    throw new RunError("bundle-missing", `${place}: manifest.json is not that of a bundle`)
  if (json["version"] !== BUNDLE_VERSION)
    throw new RunError(
      "bundle-version",
      `${place} is a bundle of version ${String(json["version"])}, this runtime reads version ${BUNDLE_VERSION}`,
      { help: "compile the source again with this nnc" },
    )
  const read = v.safeParse(MANIFEST, json, { abortEarly: true })
  const wrong = read.success ? misfit(read.output) : issueText(read.issues[0])
  if (read.success && wrong === undefined) return read.output
  throw new RunError("bundle-corrupt", `${place}: manifest.json: ${wrong ?? ""}`, {
    help: "the compiler wrote it otherwise: copy the bundle again, or compile the source again",
  })
}

/** `trains.0.batch: expected a number, found a text` */
function issueText(issue: v.BaseIssue<unknown>): string {
  const path = v.getDotPath(issue) ?? "it"
  const { expected, received } = issue
  return `${path.slice(0, LONGEST)}: expected ${(expected ?? "another value").slice(0, LONGEST)}, found ${received.slice(0, LONGEST)}`
}
const LONGEST = 120

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value)
