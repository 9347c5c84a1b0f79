/** play: the files of a program, and those that the user brings. */
import { byId, h } from "./dom.js"
import { imageSet, isImage, programOf, SIDE } from "./images.js"

/** The most bytes of a file, since it is read from end to end while one types. */
const MOST_BYTES = 256 * 2 ** 20

export class DataPanel {
  /** By their paths in the program. */
  files = new Map<string, Blob>()
  /** Brought by the user. */
  readonly own = new Set<string>()

  constructor(
    private readonly changed: () => void,
    /** Puts a program in the place of the one that is there. */
    private readonly write: (text: string) => void,
  ) {
    const drop = byId("drop", HTMLElement)
    for (const id of ["upload", "folder"]) {
      const input = byId(id, HTMLInputElement)
      input.addEventListener("change", async () => {
        await this.take(input.files)
        input.value = ""
      })
    }
    for (const type of ["dragover", "dragleave", "drop"] as const)
      drop.addEventListener(type, (event) => {
        event.preventDefault()
        drop.classList.toggle("over", type === "dragover")
        if (type === "drop") void this.take(event.dataTransfer?.files ?? null)
      })
  }

  set(files: Map<string, Blob>): void {
    this.files = files
    this.own.clear()
    void this.show()
  }

  /** A file takes the place of the one of its name, in whatever folder; else it is a new one. Images become arrays. Large files are refused, as
   *  they are read again at every change of the program. */
  private async take(list: FileList | null): Promise<void> {
    const all = [...(list ?? [])]
    const large = all.filter(({ size }) => size > MOST_BYTES)
    const images = all.filter((file) => isImage(file) && !large.includes(file))
    const about: HTMLElement[] = large.map(({ name, size }) =>
      h(
        "p",
        {},
        `${name} has ${(size / 2 ** 20).toFixed(0)} MiB, and this page takes files of up to ${MOST_BYTES / 2 ** 20} MiB. `,
        "Take a part of its rows here; ",
        h("code", {}, "npx nnc train"),
        " reads files of any size.",
      ),
    )
    for (const file of all) {
      if (large.includes(file) || images.includes(file)) continue
      const path = [...this.files.keys()].find((each) => each.split("/").at(-1) === file.name) ?? file.name
      this.own.add(path)
      this.files.set(path, file)
    }
    if (images.length > 0) about.push(...(await this.takeImages(images)))
    byId("taken", HTMLElement).replaceChildren(...about)
    void this.show()
    this.changed()
  }

  private async takeImages(images: readonly File[]): Promise<HTMLElement[]> {
    const set = await imageSet(images)
    const { classes, count, damaged, files } = set
    const bad = damaged.slice(0, 5).join(", ")
    const lost = damaged.length > 0 && h("p", {}, `No images that this browser reads: ${bad}`)
    if (count === 0) return lost ? [lost] : []
    for (const [path, blob] of files) {
      this.files.set(path, blob)
      this.own.add(path)
    }
    const said = `${count} images of ${classes.length} classes (${classes.slice(0, 8).join(", ")}) are images.npy, ${SIDE} x ${SIDE} pixels each, and labels.npy now. `
    const write = h("button", { onclick: () => this.write(programOf(set)) }, "Write a program for them")
    return [h("p", {}, said, write), ...(lost ? [lost] : [])]
  }

  private async show(): Promise<void> {
    const cards = [...this.files].map(async ([path, blob]) => {
      const head = (await blob.slice(0, 2000).text()).split("\n").slice(0, 6).join("\n")
      const size = blob.size < 10_000 ? `${blob.size} bytes` : `${(blob.size / 1024).toFixed(0)} KiB`
      const isText = !head.includes("\0") && !head.includes("\uFFFD")
      return h(
        "article",
        { className: "file" },
        h("header", {}, h("code", {}, path), h("span", { className: "muted" }, size)),
        isText && h("pre", {}, head.length > 1200 ? `${head.slice(0, 1200)} …` : head),
      )
    })
    byId("files", HTMLElement).replaceChildren(...(await Promise.all(cards)))
  }
}
