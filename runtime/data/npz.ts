/** runtime/data: NPZ archives (numpy.savez, savez_compressed) -> Table: one column per array. */
import { unzipSync } from "fflate"
import { reasonOf, RunError } from "../error.js"
import { emptyFile } from "./idx.js"
import { parseNpy } from "./npy.js"
import { tableOf, type Table } from "./table.js"

export function parseNpz(place: string, file: Uint8Array): Table {
  if (file.length === 0) emptyFile(place)
  const arrays = Object.entries(unpacked(place, file)).filter(([name]) => name.endsWith(".npy"))
  if (arrays.length === 0)
    throw new RunError("data-format", `${place} is an archive without arrays`, {
      help: "write it with numpy.savez(path, x=x, y=y)",
    })
  return tableOf(
    place,
    arrays.map(([name, bytes]) => parseNpy(`${place}: ${name}`, name.slice(0, -".npy".length), bytes)),
  )
}

function unpacked(place: string, file: Uint8Array): Readonly<Record<string, Uint8Array>> {
  try {
    return unzipSync(file)
  } catch (caught) {
    const isNpy = String.fromCharCode(...file.subarray(1, 6)) === "NUMPY"
    throw new RunError("data-format", `${place} is not an NPZ archive: ${reasonOf(caught)}`, {
      help: isNpy
        ? "it is a single array: read it with `npy(x: ...)`"
        : "write it with numpy.savez(path, x=x, y=y)",
    })
  }
}
