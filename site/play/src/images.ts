/** play: images that the user brings -> two arrays that a program reads: `images.npy`, and `labels.npy` with the number of the class of each.
 *  The class of an image is its folder; without one, the part of its name before a number: `cat-1.png`. */

/** Rows and columns of every image, which is stretched to them. */
export const SIDE = 32

export interface ImageSet {
  /** The names of classes, in the order of their numbers. */
  readonly classes: readonly string[]
  readonly count: number
  readonly files: ReadonlyMap<string, Blob>
  /** Names of those that are no images. */
  readonly damaged: readonly string[]
}

export const isImage = ({ name }: File): boolean => /\.(png|jpe?g|webp)$/i.test(name)

export async function imageSet(files: readonly File[]): Promise<ImageSet> {
  const damaged: string[] = []
  const decoded: { readonly of: string; readonly pixels: Uint8Array<ArrayBuffer> }[] = []
  for (const file of files)
    try {
      decoded.push({ of: classOf(file), pixels: await pixelsOf(file) })
    } catch {
      damaged.push(file.name)
    }
  const classes = [...new Set(decoded.map((each) => each.of))].sort()
  const count = decoded.length
  const images = npy(
    "|u1",
    [count, 3, SIDE, SIDE],
    decoded.map(({ pixels }) => pixels),
  )
  const labels = npy("<i4", [count], [Int32Array.from(decoded, (each) => classes.indexOf(each.of))])
  const made = new Map([
    ["images.npy", images],
    ["labels.npy", labels],
  ])
  return { classes, count, damaged, files: made }
}

function classOf({ name, webkitRelativePath }: File): string {
  const folder = webkitRelativePath.split("/").at(-2)
  return folder ?? /^[^\d.]*[^\d.\s_(-]/.exec(name)?.[0] ?? "images"
}

/** Red, green and blue one after another, on white. */
async function pixelsOf(file: File): Promise<Uint8Array<ArrayBuffer>> {
  const image = await createImageBitmap(file, {
    resizeWidth: SIDE,
    resizeHeight: SIDE,
    resizeQuality: "high",
  })
  const context = new OffscreenCanvas(SIDE, SIDE).getContext("2d")
  if (context === null) throw new Error("this page has no canvas")
  context.fillStyle = "white"
  context.fillRect(0, 0, SIDE, SIDE)
  context.drawImage(image, 0, 0)
  image.close()
  const { data } = context.getImageData(0, 0, SIDE, SIDE)
  const plane = SIDE * SIDE
  return Uint8Array.from({ length: 3 * plane }, (_, i) => data[4 * (i % plane) + Math.floor(i / plane)]!)
}

/** A .npy file: numpy.lib.format, version 1.0. */
function npy(
  descr: string,
  shape: readonly number[],
  rows: readonly (Uint8Array<ArrayBuffer> | Int32Array<ArrayBuffer>)[],
): Blob {
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape.join(", ")}${shape.length === 1 ? "," : ""}), }`
  const header = `${text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11)}\n`
  const start = Uint8Array.of(0x93, ...new TextEncoder().encode("NUMPY"), 1, 0, header.length, 0)
  return new Blob([start, header, ...rows])
}

/** A program that trains on them. */
export const programOf = ({
  classes,
  count,
}: ImageSet): string => `// ${classes.map((name, n) => `${n}: ${name}`).join(", ")}

data pictures = npy(image: "images.npy", label: "labels.npy") {
  x: f32[3, ${SIDE}, ${SIDE}] = column("image") |> scale(1 / 255)
  y: i32 = column("label") |> classes(${classes.length})
  split train: 0.8, test: 0.2, seed: 1
}

model Net(x: f32[B, 3, ${SIDE}, ${SIDE}]) -> f32[B, ${classes.length}] {
  x |> Conv2d(8, kernel: 3, padding: 1) |> relu |> MaxPool2d(2) |> Conv2d(16, kernel: 3, padding: 1) |> relu |> MaxPool2d(2) |> Flatten() |> Linear(${classes.length})
}

train on pictures {
  let scores = Net(x)
  minimize cross_entropy(scores, y) with Adam(lr: 0.003)
  report accuracy = accuracy(scores, y)

  batch ${Math.max(1, Math.min(16, Math.floor(count / 4)))}, shuffle, epochs 30, seed 1
  report every 1 epochs
}
`
