/** cli: an image file -> its bytes, channel after channel, in the size that is asked for. `sharp` decodes: an optional package. */
import type sharp from "sharp"
import { reasonOf, RunError } from "../../../runtime/error.js"

export type Decode = (path: string, shape: readonly number[]) => Promise<Uint8Array>

/** The version that nnc is tested with. */
const SHARP = "sharp@0.34.5"

const packaged = async (): Promise<typeof sharp> => (await import("sharp")).default

/** `load`: gives the package, or throws. */
export async function imageDecoder(load = packaged): Promise<Decode> {
  const library = await load().catch((caught: unknown) => {
    throw new RunError(
      "data-decoder",
      `images are decoded by the package sharp, which cannot be loaded: ${firstLine(reasonOf(caught))}`,
      {
        help: `\`npm install ${SHARP}\` beside nnc installs it (with \`--include=optional\` where optional packages are left out)`,
        cause: caught,
      },
    )
  })
  // Images are decoded beside each other; one at a time is not worth threads of its own.
  library.concurrency(1)
  library.cache(false)
  return async (path, [channels = 3, height = 1, width = 1]) => {
    const image = library(path, { failOn: "warning" })
      .rotate()
      .resize(width, height, { fit: "fill" })
      .flatten({ background: "white" })
    const coloured = channels === 1 ? image.greyscale() : image.toColourspace("srgb")
    const { data, info } = await coloured.raw().toBuffer({ resolveWithObject: true })
    return byChannel(data, info.channels, channels)
  }
}

const firstLine = (text: string): string => text.split("\n", 1)[0]!

/** From pixel after pixel. A grey image has one channel, which is then all three. */
function byChannel(pixels: Uint8Array, given: number, channels: number): Uint8Array {
  const count = pixels.length / given
  const out = new Uint8Array(count * channels)
  for (let channel = 0; channel < channels; channel++) {
    const from = given < channels ? 0 : channel
    for (let i = 0; i < count; i++) out[channel * count + i] = pixels[i * given + from]!
  }
  return out
}
