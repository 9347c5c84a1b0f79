/** play: the page: connects the user's actions to the editor, the compiler and the training. */
import { zipSync } from "fflate"
import { DataPanel } from "./data.js"
import { byId, download, h } from "./dom.js"
import { newEditor } from "./editor.js"
import { EXAMPLES, type Example, filesOf } from "./examples.js"
import { keepProgram, keptProgram } from "./kept.js"
import { addressOf, sharedIn } from "./share.js"
import type { Problem } from "./protocol.js"
import { startCompiler } from "./services.js"
import { StagePanel } from "./stages.js"
import { ProfilePanel } from "./profiling.js"
import { shareText } from "./shares.js"
import { TrainingPanel } from "./training.js"

/** Milliseconds of rest after a key before the program is checked, and before its data is. */
const CHECK_AFTER = 60
const DATA_AFTER = 500

const compiler = startCompiler()
const select = byId("example", HTMLSelectElement)
const main = document.querySelector("main")!
let example: Example = EXAMPLES[0]!
let [checkTimer, dataTimer]: (number | undefined)[] = []
/** The files of the program are on their way. */
let opening = Promise.resolve()
/** The problems of the text, and those of its data. */
let [ofText, ofData]: [readonly Problem[], readonly Problem[]] = [[], []]

const editor = newEditor(byId("editor", HTMLElement), "", {
  complete: compiler.complete,
  hover: compiler.hover,
  changed: () => changed(),
  pointed: (line) => {
    if (main.dataset["tab"] !== "stages") return
    stages.light(line)
    profiling.pointed(line)
  },
})
const data = new DataPanel(
  () => void checkData(),
  (text) => editor.setText(text),
)
const training = new TrainingPanel({
  text: () => editor.text(),
  build: async (device) => {
    await opening
    return compiler.build(editor.text(), data.files, device)
  },
  problems: (problems) => showProblems([], problems),
})
const stages = new StagePanel(
  byId("stage", HTMLSelectElement),
  byId("stage-about", HTMLElement),
  byId("stage-text", HTMLElement),
  {
    stages: async () => {
      await opening
      return compiler.stages(editor.text(), data.files)
    },
    stage: compiler.stage,
    pointed: (lines) => editor.light(lines),
  },
)

const profiling = new ProfilePanel({
  text: () => editor.text(),
  build: async (device) => {
    await opening
    return compiler.build(editor.text(), data.files, device)
  },
  show(shares) {
    editor.showShares(new Map([...(shares?.lines ?? [])].map(([line, share]) => [line, shareText(share)])))
    stages.share(shares)
  },
})

function changed(): void {
  profiling.changed()
  clearTimeout(checkTimer)
  clearTimeout(dataTimer)
  checkTimer = window.setTimeout(() => void check(), CHECK_AFTER)
  dataTimer = window.setTimeout(() => void checkData(), DATA_AFTER)
}

async function check(): Promise<void> {
  const text = editor.text()
  keepProgram({ text, example: example.id })
  const began = performance.now()
  const checked = await compiler.check(text)
  if (text !== editor.text()) return
  editor.show(checked)
  showProblems(checked.problems, [])
  // For whoever measures.
  document.documentElement.dataset["checked"] = (performance.now() - began + CHECK_AFTER).toFixed(0)
}

async function checkData(): Promise<void> {
  await opening
  const text = editor.text()
  if (main.dataset["tab"] === "stages") void stages.show(text)
  if (ofText.some(({ severity }) => severity === "error")) return
  const problems = await compiler.checkData(text, data.files)
  if (text === editor.text()) showProblems([], problems)
}

function showProblems(text: readonly Problem[], all: readonly Problem[]): void {
  ;[ofText, ofData] = [text, all]
  const problems = ofData.length > 0 ? ofData : ofText
  editor.showProblems(problems)
  const rows = problems.map((problem) =>
    h(
      "button",
      { className: problem.severity, onclick: () => editor.goTo(problem.from) },
      h("span", { className: "mark" }),
      h("span", {}, problem.message),
      h("span", { className: "muted" }, `line ${problem.line}`),
      problem.help !== undefined && h("span", { className: "help" }, problem.help),
    ),
  )
  const fine = h("div", { className: "fine" }, h("span", { className: "mark" }), "Every shape fits.")
  byId("problems", HTMLElement).replaceChildren(...(rows.length > 0 ? rows : [fine]))
}

function open(next: Example, text = next.text, more: Readonly<Record<string, string>> = {}): void {
  example = next
  select.value = next.id
  editor.setText(text)
  training.reset()
  opening = openFiles(next, more)
  void checkData()
}

async function openFiles(of: Example, more: Readonly<Record<string, string>>): Promise<void> {
  try {
    const files = await filesOf(of)
    for (const [path, content] of Object.entries(more)) files.set(path, new Blob([content]))
    data.set(files)
    for (const path of Object.keys(more)) data.own.add(path)
  } catch (caught) {
    toast(
      `The data of this example cannot be had: ${caught instanceof Error ? caught.message : String(caught)}`,
    )
  }
}

function showTab(tab: string): void {
  main.dataset["tab"] = tab
  for (const button of document.querySelectorAll<HTMLElement>("#tabs button"))
    button.setAttribute("aria-selected", String(button.dataset["tab"] === tab))
  for (const panel of document.querySelectorAll<HTMLElement>("[data-panel]"))
    panel.hidden = panel.dataset["panel"] !== tab
  if (tab === "stages") stages.show(editor.text()).catch(() => toast("The program has mistakes."))
  training.resized()
}

let toastTimer: number | undefined
function toast(text: string): void {
  const box = byId("toast", HTMLElement)
  box.textContent = text
  box.hidden = false
  clearTimeout(toastTimer)
  toastTimer = window.setTimeout(() => (box.hidden = true), 4000)
}

async function share(): Promise<void> {
  const own: Record<string, string> = {}
  for (const path of data.own) own[path] = (await data.files.get(path)?.text()) ?? ""
  const address = addressOf({ text: editor.text(), example: example.id, files: own })
  if (address === undefined)
    return toast("This program and its data are too long for an address: export them.")
  history.replaceState(null, "", address)
  await navigator.clipboard?.writeText(address).then(
    () => toast("Copied: the address holds this program."),
    () => toast("The address of this page holds the program now."),
  )
}

async function exportBundle(): Promise<void> {
  const files = await compiler.bundleFiles(editor.text(), data.files)
  if (files.size === 0) return toast("The program has mistakes.")
  const zip = zipSync(Object.fromEntries(files), { level: 6 })
  download(new Blob([new Uint8Array(zip)], { type: "application/zip" }), `${example.id}.zip`)
}

select.append(...EXAMPLES.map(({ id, title }) => new Option(title, id)))
select.addEventListener("change", () => {
  history.replaceState(null, "", location.href.replace(/#.*$/, ""))
  open(EXAMPLES.find(({ id }) => id === select.value) ?? EXAMPLES[0]!)
})
byId("tabs", HTMLElement).addEventListener("click", ({ target }) => {
  const tab = target instanceof HTMLElement ? target.dataset["tab"] : undefined
  if (tab) showTab(tab)
})
byId("share", HTMLElement).addEventListener("click", () => void share())
byId("export", HTMLElement).addEventListener("click", () => void exportBundle())
byId("format", HTMLElement).addEventListener("click", async () => {
  const text = await compiler.format(editor.text())
  if (text !== null) editor.setText(text)
})
byId("theme", HTMLElement).addEventListener("click", () => {
  const { dataset } = document.documentElement
  dataset["theme"] = dataset["theme"] === "dark" ? "light" : "dark"
  try {
    localStorage.setItem("nnc-theme", dataset["theme"])
  } catch {
    // Not allowed: it is forgotten.
  }
  training.redraw()
})
document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key === "Enter") {
    event.preventDefault()
    training.toggle()
  }
})

// The built page, from an origin that browsers trust.
if (import.meta.env.MODE === "production" && "serviceWorker" in navigator)
  addEventListener("load", () => {
    navigator.serviceWorker.register("./service-worker.js").catch(() => {
      // Not allowed here: the page works while there is a network.
    })
  })

const shared = sharedIn(location.href)
const wanted = /#example=([\w-]+)/.exec(location.href)?.[1]
const last = shared ? undefined : keptProgram()
const kept = wanted === undefined || wanted === last?.example ? last : undefined
const chosen = EXAMPLES.find(({ id }) => id === (shared?.example ?? wanted ?? kept?.example)) ?? EXAMPLES[0]!
open(chosen, shared?.text ?? kept?.text, shared?.files)
