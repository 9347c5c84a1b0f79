/** runtime/session: the data sets of a session: each is opened when it is first asked for, and its files are closed with the session.
 *  Not here: reading rows (data/), putting them where programs find them (exec/data-set.ts). */
import type { DataSpec, TrainSpec } from "../bundle/format.js"
import { arenaBytes } from "../bundle/memory.js"
import type { DataFile } from "../data/file.js"
import type { OpenFile } from "../data/load.js"
import type { Device } from "../device/device.js"
import { RunError } from "../error.js"
import { openDataSet, type DataSet, type HowToPlace } from "../exec/data-set.js"
import type { LoadedBundle } from "../exec/loaded-bundle.js"
import type { Placement } from "../exec/placed-rows.js"
import type { Host } from "../host.js"
import { named } from "../named.js"

/** Those that are on a device, by name; sessions of one device may have them in common. */
export interface OpenDataSets {
  readonly device: Device
  readonly byName: Map<string, Promise<DataSet>>
}

export class DataSets {
  private readonly files: DataFile[] = []

  constructor(
    private readonly loaded: LoadedBundle,
    private readonly host: Pick<Host, "openFile">,
    /** With the files that the caller names instead. */
    readonly specs: readonly DataSpec[],
    private readonly placement: Placement | undefined,
    private readonly open: OpenDataSets,
  ) {}

  /** `beside`: sets whose rows come with those of `name`, which leads. */
  get(name: string, beside: readonly string[] = []): Promise<DataSet> {
    const { device, byName } = this.open
    const key = [name, ...beside].join(", ")
    const known = byName.get(key)
    if (known) return known
    const specOf = (each: string): DataSpec =>
      named(this.specs, each, (spec) => spec.name, `there is no data set "${each}"`)
    const specs = [specOf(name), ...beside.map(specOf)] as const
    const loading = openDataSet(device, specs, this.openFile, this.howToPlace(name, beside))
    byName.set(key, loading)
    return loading
  }

  /** The rows that a train section reads; null: none. */
  async of({ data, beside }: TrainSpec): Promise<DataSet | null> {
    return data === null ? null : this.get(data, beside)
  }

  readonly openFile: OpenFile = async (path) => {
    const file = await this.host.openFile(path)
    this.files.push(file)
    const size = this.loaded.bundle.manifest.large?.[path] ?? file.size
    if (file.size !== size)
      throw new RunError(
        "bundle-corrupt",
        `${path} of the bundle has ${file.size} bytes, and had ${size} when it was compiled`,
        { help: "copy the bundle again, or compile the source again" },
      )
    return file
  }

  /** Which of the folds of its data set a section has for validation. */
  foldOf({ data }: TrainSpec): number | null {
    return this.specs.find(({ name }) => name === data)?.split?.fold ?? null
  }

  close(): void {
    for (const file of this.files) file.close?.()
  }

  private howToPlace(data: string, beside: readonly string[]): HowToPlace {
    const { device, bundle } = this.loaded
    const trains = bundle.manifest.trains.filter(
      (train) => train.data === data && (train.beside ?? []).join() === beside.join(),
    )
    const programs = trains.flatMap(({ step, evaluate }) => (evaluate === null ? [step] : [step, evaluate]))
    const batch = Math.max(1, ...programs.map((name) => this.loaded.spec(name).maxBatch))
    const budget = Math.min(...trains.map(({ memory = Infinity }) => memory)) - arenaBytes(bundle.manifest)
    const room = { ...device.room, all: Math.min(device.room.all, budget) }
    const draws = new Map(trains.flatMap(({ name, draw }) => (draw ? [[name, draw] as const] : [])))
    return { placement: this.placement, room, batch, draws }
  }
}
