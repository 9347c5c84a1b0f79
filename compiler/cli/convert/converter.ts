/** cli: the interface of every source that is converted to a table before it is read. */
import type { Converted } from "../../../runtime/data/sources/converted.js"
import type { TableWriter } from "./table-writer.js"

export interface Converter<S extends Converted> {
  /** The facts that the table depends on besides the source: names, sizes and times of its files. Throws where there are none. */
  stamp(source: S, place: string): unknown
  /** Files and folders that change where the stamp does. */
  dependsOn(source: S, place: string): readonly string[]
  /** `place`: the path of the source, as the file system knows it. Throws a RunError at a file that cannot be read. */
  convert(source: S, place: string, into: TableWriter, told: Told): Promise<void>
}

export interface Told {
  /** Shown where it takes long. `what` names the unit: images. */
  progress(done: number, all: number, what: string): void
  /** Said once the table is there. */
  note(text: string): void
}
