/** runtime/exec: a build on a device: arenas and pipelines, made once.
 *  Guarantees: after `loadBundle`, running a program creates nothing but command encoders.
 *  Not here:   the order of steps (train/), data sets (dataset.ts). */
import type { DeviceBundle, ProgramSpec, SlotSpec } from "../bundle/format.js"
import type { BoundRange, BoundKernel, Device, Memory } from "../device/device.js"
import { RunError } from "../error.js"
import { named } from "../named.js"
import type { DeviceData } from "./dataset.js"
import { Program, tripCount } from "./program.js"

export class LoadedBundle {
  private readonly programs = new Map<string, Program>()
  private readonly boundKernels = new Map<string, BoundKernel>()

  constructor(
    readonly bundle: DeviceBundle,
    readonly device: Device,
    private readonly arenas: ReadonlyMap<string, Memory>,
  ) {}

  /** The same arenas, by other places in them. */
  as(bundle: DeviceBundle, device: Device): LoadedBundle {
    return new LoadedBundle(bundle, device, this.arenas)
  }

  get slots(): readonly SlotSpec[] {
    return this.bundle.manifest.slots
  }

  arena(name: string): Memory {
    const memory = this.arenas.get(name)
    if (!memory) throw new RunError("bundle-corrupt", `the manifest has no arena "${name}"`)
    return memory
  }

  has(name: string): boolean {
    return this.bundle.manifest.programs.some((program) => program.name === name)
  }

  spec(name: string): ProgramSpec {
    const { programs } = this.bundle.manifest
    return named(programs, name, (program) => program.name, `the bundle has no program "${name}"`)
  }

  /** The program, with the fields of `data` bound; the same object when asked again. */
  program(name: string, data: DeviceData | null): Program {
    const key = `${name} ${data?.id ?? ""}`
    const known = this.programs.get(key)
    if (known) return known
    const program = new Program(this, this.spec(name), data)
    this.programs.set(key, program)
    return program
  }

  /** Bound kernels with the same kernel and ranges are shared, also between programs. */
  bind(kernel: string, ranges: readonly (BoundRange & { readonly key: string })[]): BoundKernel {
    const key = `${kernel} ${ranges.map((range) => range.key).join()}`
    const known = this.boundKernels.get(key)
    if (known) return known
    const bound = this.device.bind(kernel, ranges)
    this.boundKernels.set(key, bound)
    return bound
  }
}

/** Allocates and compiles everything. */
export async function loadBundle(bundle: DeviceBundle, device: Device): Promise<LoadedBundle> {
  const { manifest, wgsl } = bundle
  const arenas = new Map(
    manifest.arenas.map(({ name, bytes }) => [name, device.alloc(`arena ${name}`, bytes)]),
  )
  device.reserveBlocks(manifest.programs.reduce((most, spec) => Math.max(most, tripCount(spec)), 1))
  await device.prepare(manifest.kernels.map((spec) => ({ spec, wgsl: wgsl.get(spec.name) ?? "" })))
  return new LoadedBundle(bundle, device, arenas)
}
