/** `nnc train`, `profile` and `summary` of a program, in a terminal of the editor. */
import { basename, dirname } from "node:path"
import * as vscode from "vscode"
import { answers, nncCommand, sayMissing } from "./command.js"
import { CurvesPanel } from "./curves.js"

export async function train(uri: vscode.Uri): Promise<void> {
  const settings = vscode.workspace.getConfiguration("nnc", uri)
  const started = await start(uri, "train", ["--device", settings.get("device", "auto")])
  if (started === undefined || !settings.get("curves.open", true)) return
  const logs = vscode.workspace.createFileSystemWatcher(
    new vscode.RelativePattern(vscode.Uri.file(dirname(uri.fsPath)), "runs/*/log.jsonl"),
  )
  const subscriptions = [
    logs,
    logs.onDidCreate(({ fsPath }) => CurvesPanel.show(dirname(fsPath))),
    vscode.tasks.onDidEndTask(({ execution }) => {
      if (execution !== started) return
      for (const each of subscriptions) each.dispose()
    }),
  ]
}

export const profile = (uri: vscode.Uri): Promise<unknown> =>
  start(uri, "profile", ["--device", vscode.workspace.getConfiguration("nnc", uri).get("device", "auto")])

export const summary = (uri: vscode.Uri): Promise<unknown> => start(uri, "summary", [])

/** Runs the file as it is on disk. Undefined where it cannot be started. */
async function start(
  uri: vscode.Uri,
  command: string,
  options: readonly string[],
): Promise<vscode.TaskExecution | undefined> {
  const open = vscode.workspace.textDocuments.find((document) => document.uri.toString() === uri.toString())
  if (open?.isDirty && !(await open.save())) return undefined
  const folder = dirname(uri.fsPath)
  const nnc = nncCommand(folder)
  if (!(await answers(nnc))) {
    await sayMissing(nnc)
    return undefined
  }
  const name = basename(uri.fsPath)
  const task = new vscode.Task(
    { type: "nnc", command, file: uri.fsPath },
    vscode.workspace.getWorkspaceFolder(uri) ?? vscode.TaskScope.Workspace,
    `${command} ${name}`,
    "nnc",
    new vscode.ShellExecution(nnc, [command, ...options, name], { cwd: folder }),
  )
  task.presentationOptions = { clear: true, panel: vscode.TaskPanelKind.Dedicated }
  return vscode.tasks.executeTask(task)
}
