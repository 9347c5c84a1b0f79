/** play: the files of a program, and those that the user brings. */
import { byId, h } from "./dom.js"

/** Of a file. It is read from end to end while one types. */
const MOST_BYTES = 256 * 2 ** 20

export class DataPanel {
  /** By their paths in the program. */
  files = new Map<string, Blob>()
  /** Brought by the user. */
  readonly own = new Set<string>()

  constructor(private readonly changed: () => void) {
    const upload = byId("upload", HTMLInputElement)
    const drop = byId("drop", HTMLElement)
    upload.addEventListener("change", () => {
      this.take(upload.files)
      upload.value = ""
    })
    for (const type of ["dragover", "dragleave", "drop"] as const)
      drop.addEventListener(type, (event) => {
        event.preventDefault()
        drop.classList.toggle("over", type === "dragover")
        if (type === "drop") this.take(event.dataTransfer?.files ?? null)
      })
  }

  set(files: Map<string, Blob>): void {
    this.files = files
    this.own.clear()
    void this.show()
  }

  /** Says what was refused, for it is read again at every change of the program. A file takes the place of the one of its name, in whatever folder; else it is a new one. */
  private take(list: FileList | null): void {
    const large = [...(list ?? [])].filter(({ size }) => size > MOST_BYTES)
    byId("refused", HTMLElement).replaceChildren(
      ...large.map(({ name, size }) =>
        h(
          "p",
          {},
          `${name} has ${(size / 2 ** 20).toFixed(0)} MiB, and this page takes files of up to ${MOST_BYTES / 2 ** 20} MiB. `,
          "Take a part of its rows here; ",
          h("code", {}, "npx nnc train"),
          " reads files of any size.",
        ),
      ),
    )
    for (const file of list ?? []) {
      if (large.includes(file)) continue
      const path = [...this.files.keys()].find((each) => each.split("/").at(-1) === file.name) ?? file.name
      this.files.set(path, file)
      this.own.add(path)
    }
    void this.show()
    this.changed()
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
