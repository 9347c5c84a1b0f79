/** The curves of a run, beside the program, drawn anew whenever the run reports. */
import { randomBytes } from "node:crypto"
import { readdirSync, statSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import * as vscode from "vscode"
import { historyOf } from "../../../compiler/cli/report/history.js"
import { loggedEvents } from "../../../compiler/cli/runs/log.js"
import type { Shown } from "./page.js"

export class CurvesPanel {
  private static extension: vscode.Uri
  private static readonly panels = new Map<string, CurvesPanel>()

  static register({ extensionUri }: vscode.ExtensionContext): void {
    CurvesPanel.extension = extensionUri
  }

  /** The newest run beside a program. */
  static async showNewest(program: vscode.Uri): Promise<void> {
    const newest = runsBeside(program.fsPath)[0]
    if (newest === undefined)
      await vscode.window.showInformationMessage("There is no run of this program yet: train it first.")
    else CurvesPanel.show(newest)
  }

  static show(folder: string): void {
    const known = CurvesPanel.panels.get(folder)
    if (known) known.panel.reveal(undefined, true)
    else CurvesPanel.panels.set(folder, new CurvesPanel(folder))
  }

  private readonly panel: vscode.WebviewPanel

  private constructor(private readonly folder: string) {
    const assets = vscode.Uri.joinPath(CurvesPanel.extension, "dist")
    this.panel = vscode.window.createWebviewPanel(
      "nnc.curves",
      basename(folder),
      { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true },
      { enableScripts: true, retainContextWhenHidden: true, localResourceRoots: [assets] },
    )
    const { webview } = this.panel
    webview.html = pageText(webview, assets)
    const log = vscode.workspace.createFileSystemWatcher(
      new vscode.RelativePattern(vscode.Uri.file(folder), "log.jsonl"),
    )
    const draw = (): void => void webview.postMessage(shownOf(this.folder))
    log.onDidChange(draw)
    log.onDidCreate(draw)
    // The page says when it is there.
    webview.onDidReceiveMessage(draw)
    this.panel.onDidDispose(() => {
      log.dispose()
      CurvesPanel.panels.delete(folder)
    })
  }
}

/** Run folders, the newest first. */
function runsBeside(program: string): readonly string[] {
  const runs = join(dirname(program), "runs")
  const name = basename(program, ".nn")
  try {
    return readdirSync(runs)
      .filter((run) => run.startsWith(`${name}-`))
      .map((run) => ({ folder: join(runs, run), at: statSync(join(runs, run, "log.jsonl")).mtimeMs }))
      .sort((a, b) => b.at - a.at)
      .map(({ folder }) => folder)
  } catch {
    return []
  }
}

function shownOf(folder: string): Shown {
  const { parts, steps, charts, lastStep } = historyOf(loggedEvents(folder) ?? [])
  const part = parts.at(-1)
  const of = part ? ` of ${part.start.steps}` : ""
  const state = part?.error ? `stopped: ${part.error.message}` : part?.end ? part.end.why : "running"
  return { title: `step ${lastStep}${of}, ${state}`, steps, charts }
}

function pageText(webview: vscode.Webview, assets: vscode.Uri): string {
  const nonce = randomBytes(16).toString("base64")
  const at = (name: string): string => webview.asWebviewUri(vscode.Uri.joinPath(assets, name)).toString()
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src ${webview.cspSource} 'unsafe-inline'; script-src 'nonce-${nonce}'">
<link rel="stylesheet" href="${at("uPlot.min.css")}">
<style>
body { font-family: var(--vscode-font-family); color: var(--vscode-foreground); }
#charts { display: flex; flex-wrap: wrap; gap: 1rem; }
</style>
<p id="title"></p>
<div id="charts"></div>
<script nonce="${nonce}" src="${at("page.js")}"></script>
</html>`
}
