/** runtime/data: NPZ archives (numpy.savez, savez_compressed) -> Table: one column per array. Arrays that nobody asks for are not read. */
import { reasonOf, RunError } from "../error.js"
import { bytesOf, type DataFile } from "./file.js"
import { emptyFile } from "./damaged.js"
import { parseNpy } from "./npy.js"
import { EVERY_USE, isUsed, tableOf, type Table, type Uses } from "./table.js"
import { zipMembers, type ZipMember } from "./zip.js"

const ENDING = ".npy"

/** `isPassedOnce`: rows are read in their order, and packed arrays need not be in memory. */
export function parseNpz(place: string, file: DataFile, uses: Uses = EVERY_USE, isPassedOnce = false): Table {
  if (file.size === 0) emptyFile(place)
  const arrays = membersOf(place, file).filter(({ name }) => name.endsWith(ENDING))
  if (arrays.length === 0)
    throw new RunError("data-format", `${place} is an archive without arrays`, {
      help: "write it with numpy.savez(path, x=x, y=y)",
    })
  const names = arrays.map(({ name }) => name.slice(0, -ENDING.length))
  const seen = new Set<string>()
  const columns = arrays.flatMap((member, i) => {
    const name = names[i]!
    if (!isUsed(uses(name))) return []
    if (seen.has(name))
      throw new RunError("data-format", `${place} holds the array "${name}" twice`, {
        help: "write it again with numpy.savez(path, x=x, y=y)",
      })
    seen.add(name)
    const inside = `${place}: ${member.name}`
    return [parseNpy(inside, name, member.open(inside, isPassedOnce))]
  })
  return tableOf(place, columns, { names, placeOf: (name) => `${place}: ${name}${ENDING}` })
}

function membersOf(place: string, file: DataFile): readonly ZipMember[] {
  try {
    return zipMembers(file)
  } catch (caught) {
    const isNpy = String.fromCharCode(...bytesOf(file, 1, 5)) === "NUMPY"
    throw new RunError("data-format", `${place} is not an NPZ archive: ${reasonOf(caught)}`, {
      help: isNpy
        ? "it is a single array: read it with `npy(x: ...)`"
        : "write it with numpy.savez(path, x=x, y=y)",
    })
  }
}
