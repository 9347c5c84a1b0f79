// HTML of which parts come from files: values are text wherever they stand.

import { describe, expect, it } from "vitest"
import { markup, Markup, scriptData } from "../compiler/cli/markup.js"

describe("a template of HTML", () => {
  it("escapes texts, and nothing twice", () => {
    const name = `<img src=x onerror='alert("1")'>&`
    const cell = markup`<td title="${name}">${1}`
    expect(cell.text).toBe('<td title="&#60;img src=x onerror=&#39;alert(&#34;1&#34;)&#39;&#62;&#38;">1')
    expect(markup`<tr>${[cell, cell]}</tr>${new Markup("<b>")}`.text).toBe(
      `<tr>${cell.text}${cell.text}</tr><b>`,
    )
  })

  it("keeps data within their script", () => {
    expect(markup`<script>${scriptData({ a: "</script><!--" })}</script>`.text).toBe(
      '<script>{"a":"\\u003c/script>\\u003c!--"}</script>',
    )
  })
})
