/** Where `nnc` is. */
import { existsSync } from "node:fs"
import { spawn } from "node:child_process"
import { dirname, join } from "node:path"
import * as vscode from "vscode"

const isWindows = process.platform === "win32"

/** The command of the settings, of the project around a file or workspace, or that on the path. */
export function nncCommand(near: string | undefined): string {
  const chosen = vscode.workspace.getConfiguration("nnc").get("path", "")
  if (chosen !== "") return chosen
  for (let at = near; at !== undefined; at = dirname(at) === at ? undefined : dirname(at)) {
    const own = join(at, "node_modules", ".bin", isWindows ? "nnc.cmd" : "nnc")
    if (existsSync(own)) return own
  }
  return "nnc"
}

/** Windows starts `.cmd` files through a shell alone. */
export const shellOptions = { shell: isWindows }

export const answers = (command: string): Promise<boolean> =>
  new Promise((resolve) => {
    const child = spawn(command, ["--version"], { stdio: "ignore", ...shellOptions })
    child.on("error", () => resolve(false))
    child.on("exit", (status) => resolve(status === 0))
  })

export async function sayMissing(command: string): Promise<void> {
  const settings = "Open Settings"
  const choice = await vscode.window.showErrorMessage(
    `\`${command}\` could not be started. Install nnc (npm install --global nnc), or say in the settings where it is.`,
    settings,
  )
  if (choice === settings) await vscode.commands.executeCommand("workbench.action.openSettings", "nnc.path")
}
