/** runtime/bundle: whether the parts of a manifest fit together: every name has its entry, ranges lie in their arenas, programs call
 *  kernels as these are declared. A bundle may come from a stranger.
 *  Assumes:    the manifest has the types of `Manifest` (schema.ts).
 *  Not here:   the results of kernels, whether a device is large enough. */
import type { BuildSpec, KernelSpec, Manifest, ProgramSpec, RangeSpec } from "./format.js"

/** The path of the first part that does not fit, and why; undefined where all do. */
export function misfit(manifest: Manifest): string | undefined {
  try {
    verify(manifest)
    return undefined
  } catch (caught) {
    if (caught instanceof Misfit) return caught.message
    throw caught
  }
}

class Misfit extends Error {}
function wrong(path: string, why: string): never {
  throw new Misfit(`${path}: ${why}`)
}

/** The layout of one build. */
interface Layout extends Pick<BuildSpec, "arenas" | "slots" | "programs"> {
  readonly kernels: readonly KernelSpec[]
}

function verify(manifest: Manifest): void {
  const { builds } = manifest
  distinct("kernels", namesOf(manifest.kernels))
  builds.forEach((build, i) => {
    const path = `builds.${i}`
    const { device } = build.requires
    if ((build.code.language === "wasm") !== (device === "wasm"))
      wrong(`${path}.code.language`, `it is ${build.code.language}, for ${device}`)
    verifyLayout(`${path}.`, { ...build, kernels: kernelsIn(`${path}.code.kernels`, build.code, manifest) })
  })
  const programs = new Set(builds.flatMap((build) => namesOf(build.programs)))
  for (const name of programs)
    for (const build of builds)
      if (!name.endsWith(".multi") && !build.programs.some((p) => p.name === name))
        wrong("builds", `the program "${name}" is not in all of them`)
  verifyData(manifest)
  verifySections(manifest, builds[0]!)
}

function kernelsIn(path: string, code: BuildSpec["code"], { kernels }: Manifest): readonly KernelSpec[] {
  if (code.language === "wasm") return code.kernels
  return code.kernels.map(
    (name, i) => kernels.find((k) => k.name === name) ?? wrong(`${path}.${i}`, `there is no "${name}"`),
  )
}

const namesOf = (list: readonly { readonly name: string }[]): string[] => list.map(({ name }) => name)

function distinct(path: string, names: readonly string[]): ReadonlySet<string> {
  names.forEach((name, i) => {
    if (names.indexOf(name) < i) wrong(`${path}.${i}`, `there are two called "${name}"`)
  })
  return new Set(names)
}

function known(path: string, names: ReadonlySet<string>, name: string | null | undefined): void {
  if (name !== null && name !== undefined && !names.has(name)) wrong(path, `there is no "${name}"`)
}

const ELEMENT_BYTES = { f32: 4, i32: 4, u32: 4, bool: 4, f16: 2 } as const
const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1)

function verifyLayout(path: string, { arenas, slots, kernels, programs }: Layout): void {
  distinct(`${path}arenas`, namesOf(arenas))
  distinct(`${path}slots`, namesOf(slots))
  distinct(`${path}kernels`, namesOf(kernels))
  distinct(`${path}programs`, namesOf(programs))
  const bytesOf = new Map(arenas.map(({ name, bytes }) => [name, bytes]))
  const inArena = (at: string, { arena, offset, bytes }: RangeSpec): void => {
    const all = bytesOf.get(arena) ?? wrong(`${at}.arena`, `there is no arena "${arena}"`)
    if (offset % 4 !== 0) wrong(`${at}.offset`, `${offset} is no multiple of 4`)
    if (offset + Math.ceil(bytes / 4) * 4 > Math.ceil(all / 4) * 4)
      wrong(`${at}.bytes`, `bytes ${offset} to ${offset + bytes} of an arena of ${all}`)
  }
  slots.forEach((slot, i) => {
    inArena(`${path}slots.${i}`, slot)
    const bytes = product(slot.shape) * ELEMENT_BYTES[slot.dtype]
    if (bytes > slot.bytes)
      wrong(`${path}slots.${i}.shape`, `it has ${bytes} bytes, and the slot ${slot.bytes}`)
  })
  const byName = new Map(kernels.map((kernel) => [kernel.name, kernel]))
  programs.forEach((program, i) => verifyProgram(`${path}programs.${i}`, program, byName, inArena))
}

function verifyProgram(
  path: string,
  { inputs, outputs, dispatches, loops = [] }: ProgramSpec,
  kernels: ReadonlyMap<string, KernelSpec>,
  inArena: (at: string, range: RangeSpec) => void,
): void {
  const isData = ({ arena }: RangeSpec): boolean => arena.startsWith("data:")
  distinct(`${path}.inputs`, namesOf(inputs))
  distinct(`${path}.outputs`, namesOf(outputs))
  inputs.forEach(({ source }, i) => {
    if (source.kind === "feed") inArena(`${path}.inputs.${i}.source.range`, source.range)
  })
  outputs.forEach((output, i) => inArena(`${path}.outputs.${i}`, { ...output, bytes: 0 }))
  dispatches.forEach(({ kernel, bindings, writes }, i) => {
    const at = `${path}.dispatches.${i}`
    const spec = kernels.get(kernel) ?? wrong(`${at}.kernel`, `there is no kernel "${kernel}"`)
    if (spec.bindings.length !== bindings.length)
      wrong(
        `${at}.bindings`,
        `the kernel takes ${spec.bindings.length} bindings, there are ${bindings.length}`,
      )
    bindings.forEach((range, n) => {
      if (!isData(range)) inArena(`${at}.bindings.${n}`, range)
    })
    writes.forEach(({ binding }, n) => {
      if (binding >= bindings.length)
        wrong(`${at}.writes.${n}.binding`, `there are ${bindings.length} bindings`)
    })
  })
  let last = 0
  loops.forEach(({ first, end }, i) => {
    if (first < last || end <= first || end > dispatches.length)
      wrong(`${path}.loops.${i}`, `dispatches ${first} to ${end} of ${dispatches.length}, after ${last}`)
    last = end
  })
}

function verifyData({ data }: Manifest): void {
  distinct("data", namesOf(data))
  data.forEach(({ fields, source, val, test }, i) => {
    distinct(`data.${i}.fields`, namesOf(fields))
    for (const [name, { kind, ...rest }] of Object.entries({
      source,
      ...(val && { val }),
      ...(test && { test }),
    }))
      if (kind === "array" && "columns" in rest)
        rest.columns.forEach(({ shape, values }, c) => {
          const width = product(shape)
          if (width === 0 || values.length % width !== 0)
            wrong(`data.${i}.${name}.columns.${c}.values`, `${values.length} values are no rows of ${width}`)
        })
  })
}

function verifySections({ data, trains, predicts }: Manifest, { programs, slots }: BuildSpec): void {
  const sets = new Set(namesOf(data))
  const programNames = new Set(namesOf(programs))
  const slotNames = new Set(namesOf(slots))
  distinct("trains", namesOf(trains))
  trains.forEach((train, i) => {
    known(`trains.${i}.data`, sets, train.data)
    for (const name of train.beside ?? []) known(`trains.${i}.beside`, sets, name)
    for (const kind of ["step", "evaluate", "overall"] as const)
      known(`trains.${i}.${kind}`, programNames, train[kind])
    for (const { value, at } of train.observed ?? [])
      for (const slot of [value, at]) known(`trains.${i}.observed`, slotNames, slot)
  })
  predicts.forEach(({ program }, i) => known(`predicts.${i}.program`, programNames, program))
}
