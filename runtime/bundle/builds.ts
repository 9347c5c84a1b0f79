/** runtime/bundle: the builds of a bundle, each as a device sees it, and the parts that all of them share.
 *  Not here:   which build a device runs (device/choose.ts). */
import type {
  Bundle,
  BuildSpec,
  DeviceBundle,
  DeviceManifest,
  KernelSpec,
  Manifest,
  ProgramSpec,
  SlotSpec,
} from "./format.js"

/** A manifest of a bundle, or as one device sees it. */
export type AnyManifest = Manifest | DeviceManifest

/** The manifest as a device sees it that runs this build; left out: the first. */
export function withBuild(manifest: Manifest, build: BuildSpec = firstOf(manifest)): DeviceManifest {
  const { builds: _, kernels: shared, ...common } = manifest
  const { code } = build
  const byName = new Map(shared.map((k) => [k.name, k]))
  const kernels: readonly KernelSpec[] =
    code.language === "wasm" ? code.kernels : code.kernels.flatMap((name) => byName.get(name) ?? [])
  return { ...common, ...build, kernels }
}
export const forBuild = ({ manifest, wgsl }: Bundle, build?: BuildSpec): DeviceBundle => ({
  manifest: withBuild(manifest, build),
  wgsl,
})

/** Names, types and roles are the same in all builds, offsets are not. */
export const slotsOf = (manifest: AnyManifest): readonly SlotSpec[] => anyBuild(manifest).slots
/** Inputs and outputs are the same in all builds, except that one may have no use for an input. */
export const programsOf = (manifest: AnyManifest): readonly ProgramSpec[] => anyBuild(manifest).programs

/** The build for processors, and its code. */
export function wasmBuild({ builds }: Pick<Manifest, "builds">) {
  for (const build of builds) if (build.code.language === "wasm") return { build, code: build.code }
  return undefined
}

const anyBuild = (manifest: AnyManifest): Pick<BuildSpec, "slots" | "programs"> =>
  "builds" in manifest ? firstOf(manifest) : manifest
/** There is one at least. */
const firstOf = ({ builds }: Manifest): BuildSpec => builds[0]!
