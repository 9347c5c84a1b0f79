/** The extension: the language server, and commands for a program. */
import * as vscode from "vscode"
import { CurvesPanel } from "./curves.js"
import { Server } from "./server.js"
import { profile, summary, train } from "./tasks.js"

const server = new Server()

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  CurvesPanel.register(context)
  const onProgram = (name: string, act: (uri: vscode.Uri) => Promise<unknown>): vscode.Disposable =>
    // The lens of the language server gives an address as text, the title of an editor a Uri, the palette nothing.
    vscode.commands.registerCommand(name, async (given?: string | vscode.Uri) => {
      const uri = typeof given === "string" ? vscode.Uri.parse(given) : given
      const program = uri ?? vscode.window.activeTextEditor?.document.uri
      if (program) await act(program)
    })
  context.subscriptions.push(
    onProgram("nnc.train", train),
    onProgram("nnc.profile", profile),
    onProgram("nnc.summary", summary),
    onProgram("nnc.curves", CurvesPanel.showNewest),
    vscode.commands.registerCommand("nnc.restart", () => server.restart()),
  )
  await server.start()
}

export const deactivate = (): Promise<void> => server.stop()
