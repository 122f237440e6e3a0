/** @jsxImportSource preact */
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { formatBytes } from '../shell/format.ts'

/** Characters that are shown at first, and that are coloured at most. */
const SHOWN = 20_000
const COLOURED = 20_000

/** Tokens of JSON: keys, strings, numbers and words. */
const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d[\d.eE+-]*)|\b(true|false|null)\b/g

/** A JSON text, indented; a long one is shown whole on demand. */
export function JsonText({ text, label }: { readonly text: string; readonly label: string }): JSX.Element {
  const isWhole = useSignal(false)
  const shown = isWhole.value ? text : text.slice(0, SHOWN)
  return (
    <>
      <pre class="json" tabIndex={0} role="group" aria-label={label}>
        {shown.length <= COLOURED ? colour(shown) : shown}
      </pre>
      {shown.length < text.length && (
        <button type="button" onClick={() => (isWhole.value = true)}>
          Show all {formatBytes(text.length)}
        </button>
      )}
    </>
  )
}

function colour(text: string): (string | JSX.Element)[] {
  const parts: (string | JSX.Element)[] = []
  let end = 0
  for (const match of text.matchAll(TOKEN)) {
    const [whole, string, colon, number] = match
    if (match.index > end) parts.push(text.slice(end, match.index))
    const kind = string === undefined ? (number === undefined ? 'word' : 'num') : colon === undefined ? 'str' : 'key'
    parts.push(<span class={kind}>{whole}</span>)
    end = match.index + whole.length
  }
  parts.push(text.slice(end))
  return parts
}
