// Folders of images and lists of them -> tables of bytes: their rows, their values, and refused files.

import { cpSync, existsSync, mkdirSync, readdirSync, truncateSync, utimesSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import sharp from "sharp"
import { describe, expect, it } from "vitest"
import { imageDecoder } from "../compiler/cli/convert/decode-image.js"
import { images } from "../compiler/cli/convert/images.js"
import type { ImageSource } from "../compiler/cli/convert/image-files.js"
import { Unconverted, whenConverted, withTable } from "../compiler/cli/convert/index.js"
import { TableWriter } from "../compiler/cli/convert/table-writer.js"
import { fileHost } from "../compiler/cli/host.js"
import { compile } from "../compiler/driver/compile.js"
import { DEFAULT_TARGET } from "../compiler/targets/index.js"
import { inMemory } from "../runtime/data/file.js"
import { parseTableFile } from "../runtime/data/table-file.js"
import { parseSource } from "../runtime/data/load.js"
import type { Table } from "../runtime/data/table.js"
import { fileOnDisk } from "../runtime/disk.js"
import { failure, rejection } from "./support/failure.js"
import { temporaryFolder } from "./support/nnc.js"

type Pixel = readonly number[]
const RED: Pixel = [200, 10, 20]
const BLUE: Pixel = [10, 20, 200]

/** An image whose left half is one colour and whose right half another. */
async function draw(path: string, left: Pixel, right: Pixel = left, [width, height] = [4, 2]): Promise<void> {
  mkdirSync(dirname(path), { recursive: true })
  const pixels = Array.from({ length: width! * height! }, (_, i) => (i % width! < width! / 2 ? left : right))
  const raw = { width: width!, height: height!, channels: left.length as 1 | 3 | 4 }
  await sharp(Uint8Array.from(pixels.flat()), { raw }).toFile(path)
}

const source = (over: Partial<ImageSource> = {}): ImageSource => ({
  kind: "images",
  path: "photos",
  column: null,
  shape: [3, 2, 4],
  skipDamaged: false,
  ...over,
})

async function converted(
  place: string,
  of: ImageSource,
): Promise<{ readonly table: Table; readonly notes: readonly string[] }> {
  const file = join(temporaryFolder(), "table")
  const notes: string[] = []
  const writer = new TableWriter(file, of.path)
  try {
    await images.convert(of, place, writer, { progress: () => {}, note: (text) => notes.push(text) })
  } finally {
    writer.close()
  }
  return { table: parseTableFile(of.path, fileOnDisk(file)), notes }
}

const texts = (table: Table, name: string): string[] => {
  const { distinct, codes } = table.texts(name)
  return Array.from(codes, (code) => distinct[code]!)
}
const pixelsOf = (table: Table): number[] => [...table.column("image").values]
const halves = (left: number, right = left): number[] => [left, left, right, right, left, left, right, right]

describe("a folder of folders", () => {
  it("gives a row for each image, in order of folders and names, with its bytes channel after channel", async () => {
    const folder = temporaryFolder()
    await draw(join(folder, "owl/b.png"), BLUE)
    await draw(join(folder, "owl/a.png"), RED, BLUE)
    await draw(join(folder, "cat/deep/c.png"), BLUE)
    writeFileSync(join(folder, "cat/notes.txt"), "no image")
    const { table } = await converted(folder, source())
    expect(table.names).toEqual(["image", "file", "folder"])
    expect(texts(table, "file")).toEqual(["cat/deep/c.png", "owl/a.png", "owl/b.png"])
    expect(texts(table, "folder")).toEqual(["cat", "owl", "owl"])
    expect(table.column("image").shape).toEqual([3, 2, 4])
    expect(table.column("image").values).toBeInstanceOf(Uint8Array)
    const blue = BLUE.flatMap((value) => halves(value))
    expect(pixelsOf(table)).toEqual([...blue, ...RED.flatMap((value, i) => halves(value, BLUE[i])), ...blue])
    expect(table.where(1, "image")).toBe('photos: owl/a.png, column "image"')
  })

  it.each([
    { what: "a grey image is red, green and blue alike", pixel: [77], shape: [3, 1, 1], is: [77, 77, 77] },
    { what: "what is transparent lies on white", pixel: [9, 8, 7, 0], shape: [3, 1, 1], is: [255, 255, 255] },
    { what: "a coloured one becomes grey", pixel: [80, 80, 80], shape: [1, 1, 1], is: [80] },
    { what: "one of another size is resized", pixel: RED, shape: [3, 1, 2], is: RED.flatMap((v) => [v, v]) },
  ])("$what", async ({ pixel, shape, is }) => {
    const folder = temporaryFolder()
    await draw(join(folder, "a/x.png"), pixel, pixel, [6, 6])
    const { table } = await converted(folder, source({ shape }))
    expect(pixelsOf(table)).toEqual(is)
  })

  it("JPEG and WebP are read, and an image that is marked as turned is turned", async () => {
    const folder = temporaryFolder()
    await draw(join(folder, "a/x.webp"), RED, BLUE, [64, 32])
    const turned = { orientation: 6 }
    await sharp(join(folder, "a/x.webp"))
      .withMetadata(turned)
      .jpeg({ quality: 100 })
      .toFile(join(folder, "a/y.jpg"))
    const { table } = await converted(folder, source({ shape: [1, 2, 1] }))
    const [top, bottom, turnedTop, turnedBottom] = pixelsOf(table)
    expect(top).toBe(bottom)
    expect(Math.abs(turnedTop! - turnedBottom!)).toBeGreaterThan(20)
  })

  it.each([
    { what: "nothing in it", files: [], says: ["data-empty", "photos holds no images"] },
    {
      what: "an image beside folders",
      files: ["a/x.png", "y.png"],
      says: ["data-image", "photos/y.png is in no folder that would be its class"],
    },
  ])("is refused with $what", async ({ files, says }) => {
    const folder = temporaryFolder()
    for (const file of files) await draw(join(folder, file), RED)
    expect((await rejection(converted(folder, source()))).slice(0, 2)).toEqual(says)
  })

  it("has images beside folders where no class is asked for", async () => {
    const folder = temporaryFolder()
    for (const file of ["a/x.png", "y.png"]) await draw(join(folder, file), RED)
    const { table } = await converted(folder, source({ mixed: true }))
    expect(texts(table, "file")).toEqual(["y.png", "a/x.png"])
    expect(table.names).not.toContain("folder")
  })

  it("is no table, which needs the name of a column", async () => {
    const list = join(temporaryFolder(), "list.csv")
    writeFileSync(list, "file\na.png\n")
    const [code, , help] = await rejection(converted(list, source()))
    expect([code, help]).toEqual([
      "data-empty",
      'a table that lists images names the column of their paths: `images("list.csv", path: "file")`',
    ])
  })
})

describe("a list of images", () => {
  it("gives its columns, as numbers where they are, and the images that it names", async () => {
    const folder = temporaryFolder()
    await draw(join(folder, "in/a.png"), RED)
    await draw(join(folder, "b.png"), BLUE)
    const list = join(folder, "list.csv")
    writeFileSync(list, "photo,age,kind\nb.png,3.5,x\nin/a.png,4,y")
    const { table } = await converted(list, source({ path: "list.csv", column: "photo", shape: [3, 1, 1] }))
    expect(pixelsOf(table)).toEqual([...BLUE, ...RED])
    expect([...table.column("age").values]).toEqual([3.5, 4])
    expect(texts(table, "kind")).toEqual(["x", "y"])
    expect(failure(() => table.column("kind")).slice(0, 2)).toEqual([
      "data-not-a-number",
      'list.csv: row 1, column "kind": "x" is a text, not a number',
    ])
  })

  it("is refused with a path that is none", async () => {
    const list = join(temporaryFolder(), "list.csv")
    writeFileSync(list, "photo\na.png")
    expect(
      (await rejection(converted(list, source({ path: "list.csv", column: "photo" })))).slice(0, 2),
    ).toEqual(["data-file", 'list.csv: row 1 (line 2), column "photo": there is no file "a.png"'])
  })
})

describe("a damaged image", () => {
  const damaged = async (): Promise<string> => {
    const folder = temporaryFolder()
    for (const name of ["a/x.png", "a/y.jpg", "b/z.png"]) await draw(join(folder, name), RED, BLUE, [64, 64])
    truncateSync(join(folder, "a/y.jpg"), 300)
    return folder
  }
  it("is refused by its name", async () => {
    const [code, message] = await rejection(converted(await damaged(), source()))
    expect(code).toBe("data-image")
    expect(message).toMatch(/^photos: a\/y\.jpg cannot be read: (?!.*failOn)/)
  })
  it("is left out, counted and named where the program says so", async () => {
    const { table, notes } = await converted(await damaged(), source({ skipDamaged: true }))
    expect(texts(table, "file")).toEqual(["a/x.png", "b/z.png"])
    expect(table.rows).toBe(2)
    expect(notes).toEqual(["photos: 1 damaged image is left out: a/y.jpg"])
  })
})

describe("a table that was converted", () => {
  it("is made once, and anew when a file changes", async () => {
    const folder = temporaryFolder()
    await draw(join(folder, "a/x.png"), RED)
    const of = source({ path: folder })
    expect(() => withTable(of, folder)).toThrow(Unconverted)
    const ready = await whenConverted(() => withTable(of, folder))
    expect(withTable(of, folder)).toEqual(ready)
    expect(() => withTable({ ...of, shape: [1, 2, 4] }, folder)).toThrow(Unconverted)
    utimesSync(join(folder, "a/x.png"), 1, 1)
    expect(() => withTable(of, folder)).toThrow(Unconverted)
  })

  it("leaves nothing half-written when it cannot be made", async () => {
    const folder = temporaryFolder()
    await draw(join(folder, "a/x.png"), RED)
    const of = source({ path: folder })
    const { tables } = await whenConverted(() => withTable(of, folder))
    const beside = (): string[] => readdirSync(dirname(tables[0]!)).sort()
    const before = beside()
    truncateSync(join(folder, "a/x.png"), 40)
    expect((await rejection(whenConverted(() => withTable(of, folder))))[0]).toBe("data-image")
    expect(beside()).toEqual(before)
  })

  it("is refused when it is cut off, or something else", async () => {
    const folder = temporaryFolder()
    await draw(join(folder, "a/x.png"), RED)
    const { tables } = await whenConverted(() => withTable(source({ path: folder }), folder))
    const copy = join(folder, "copy")
    cpSync(tables[0]!, copy)
    truncateSync(copy, 60)
    for (const bytes of [fileOnDisk(copy), inMemory(new Uint8Array(100)), inMemory(new Uint8Array(3))])
      expect(failure(() => parseTableFile("photos", bytes))[0]).toBe("data-format")
    expect(failure(() => parseSource("d", source(), () => inMemory(new Uint8Array())))[0]).toBe(
      "data-unconverted",
    )
  })

  it("says which package is missing", async () => {
    const absent = (): Promise<never> => Promise.reject(new Error("Cannot find package 'sharp'"))
    expect(await rejection(imageDecoder(absent))).toEqual([
      "data-decoder",
      "images are decoded by the package sharp, which cannot be loaded: Cannot find package 'sharp'",
      "`npm install sharp@0.34.5` beside nnc installs it (with `--include=optional` where optional packages are left out)",
    ])
  })
})

describe("a program on images", () => {
  const program = (from: string, type = "f32[3, 16, 16]"): string => `
data photos = images(${from}) {
  x: ${type} = column("image") |> scale(1 / 255)
  y: i32 = column("folder") |> categories(2)
}
model Net(x: f32[B, 3, 16, 16]) -> f32[B, 2] { x |> flatten(start: 1) |> Linear(2) }
train on photos {
  minimize cross_entropy(Net(x), y) with SGD(lr: 0.1)
  batch 2, steps 1
}`
  const path = join(temporaryFolder(), "p.nn")
  const run = (text: string) =>
    whenConverted(() => compile({ path, text }, fileHost(path), { target: DEFAULT_TARGET }))

  it("keeps them as bytes on the device, and their folders as classes", async () => {
    for (const name of ["cat/a.png", "dog/b.png"]) await draw(join(dirname(path), "photos", name), RED)
    const { bundle, diagnostics } = await whenConverted(() =>
      compile({ path, text: program('"photos"') }, fileHost(path), {
        target: DEFAULT_TARGET,
        devices: ["wasm"],
      }),
    )
    expect(diagnostics).toEqual([])
    const [x, y] = bundle!.manifest.data[0]!.fields
    expect(x!.stored).toEqual({ type: "u8", values: "one" })
    expect(y!.stages).toEqual([{ kind: "categories", count: 2, names: ["cat", "dog"] }])
    expect(bundle!.manifest.data[0]!.source).toMatchObject({ kind: "images", path: "photos" })
    expect(existsSync(join(dirname(path), "photos/cat/a.png"))).toBe(true)
  })

  it.each([
    { from: '"photos"', type: "f32[2, 2, 4]", code: "data-source", says: "an image is [3, height, width]" },
    { from: '"photos", skip: "all"', code: "data-source", says: 'what can be skipped are "damaged" images' },
    { from: "", code: "data-source", says: "needs the path of a folder" },
    { from: '"nowhere"', code: "data-file", says: "nowhere cannot be read: there is no such file" },
  ])("images($from) as $type says $says", async ({ from, type, code, says }) => {
    const { diagnostics } = await run(program(from, type))
    expect(diagnostics.map((each) => each.code)).toContain(code)
    expect(diagnostics.map(({ message }) => message).join()).toContain(says)
  })

  it("a type that no image has is shown where it is written", async () => {
    const text = program('"photos"', "f32[4, 7, 9]")
    const { diagnostics } = await run(text)
    const { start, end } = diagnostics[0]!.primary!.span
    expect(text.slice(start, end)).toBe("f32[4, 7, 9]")
  })
})
