// Diagnostics for other programs: SARIF logs and annotations of GitHub.

import { describe, expect, it } from "vitest"
import { codes } from "../compiler/driver/codes.js"
import { githubAnnotation, sarifLog } from "../compiler/source/machine-formats.js"
import type { Diagnostic } from "../compiler/source/diagnostic.js"

const file = { path: "nets/my net.nn", text: "let a = 1\nlet b = aa\n" }
const mistake: Diagnostic = {
  code: "name-unknown",
  severity: "error",
  message: "there is no `aa` here",
  primary: { span: { file, start: 18, end: 20 }, text: "not a name in sight" },
  related: [{ span: { file, start: 4, end: 5 }, text: "the near name" }],
  help: "did you mean `a`?",
  fix: { span: { file, start: 18, end: 20 }, replacement: "a" },
}

describe("SARIF", () => {
  const log = sarifLog([mistake, { code: "io", severity: "warning", message: "no place" }], {
    version: "1.2.3",
    titleOf: (code) => codes[code]?.title,
  })
  const region = { startLine: 2, startColumn: 9, endLine: 2, endColumn: 11 }
  const artifactLocation = { uri: "nets/my%20net.nn" }

  it("has the rule, the place, the other place and the repair", () => {
    expect(log).toMatchObject({
      version: "2.1.0",
      runs: [
        {
          tool: {
            driver: {
              name: "nnc",
              version: "1.2.3",
              rules: [
                { id: "name-unknown", shortDescription: { text: codes["name-unknown"]!.title } },
                { id: "io", shortDescription: { text: "io" } },
              ],
            },
          },
          results: [
            {
              ruleId: "name-unknown",
              ruleIndex: 0,
              level: "error",
              message: { text: "there is no `aa` here\nnot a name in sight\ndid you mean `a`?" },
              locations: [{ physicalLocation: { artifactLocation, region } }],
              relatedLocations: [{ message: { text: "the near name" } }],
              fixes: [
                {
                  artifactChanges: [
                    {
                      artifactLocation,
                      replacements: [{ deletedRegion: region, insertedContent: { text: "a" } }],
                    },
                  ],
                },
              ],
            },
            { ruleId: "io", ruleIndex: 1, level: "warning", message: { text: "no place" } },
          ],
        },
      ],
    })
  })
})

describe("an annotation of GitHub", () => {
  it("names the place, the code and what to do, on one line", () =>
    expect(githubAnnotation(mistake)).toBe(
      "::error file=nets/my net.nn,line=2,endLine=2,col=9,endColumn=11,title=name-unknown::" +
        "there is no `aa` here%0Anot a name in sight%0Ahelp: did you mean `a`?",
    ))
  it("escapes what would end it", () =>
    expect(githubAnnotation({ code: "a,b:c", severity: "note", message: "100%\r\n" })).toBe(
      "::notice title=a%2Cb%3Ac::100%25%0D%0A",
    ))
})
