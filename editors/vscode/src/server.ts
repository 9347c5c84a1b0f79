/** The language server: `nnc lsp`. */
import * as vscode from "vscode"
import { LanguageClient, TransportKind } from "vscode-languageclient/node"
import { answers, nncCommand, sayMissing, shellOptions } from "./command.js"

export class Server {
  private client: LanguageClient | undefined

  async start(): Promise<void> {
    const command = nncCommand(vscode.workspace.workspaceFolders?.[0]?.uri.fsPath)
    if (!(await answers(command))) return sayMissing(command)
    const executable = { command, args: ["lsp"], transport: TransportKind.stdio, options: shellOptions }
    this.client = new LanguageClient(
      "nnc",
      "nnc",
      { run: executable, debug: executable },
      { documentSelector: [{ language: "nn" }] },
    )
    await this.client.start()
  }

  async stop(): Promise<void> {
    await this.client?.dispose()
    this.client = undefined
  }

  async restart(): Promise<void> {
    await this.stop()
    await this.start()
  }
}
