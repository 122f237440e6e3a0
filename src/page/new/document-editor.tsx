/** @jsxImportSource preact */
import { type Signal, useSignal } from '@preact/signals'
import { useRef } from 'preact/hooks'
import type { JSX } from 'preact'
import type { DocumentIssue, Validation } from './validation.ts'

/** Height of a line, px: as in the style. */
const LINE_HEIGHT = 18
const MAX_LINES = 20_000

interface EditorProps {
  readonly text: Signal<string>
  readonly validation: Validation
}

/** A text with the numbers of its lines; those with problems are marked, and each problem leads to its place. */
export function DocumentEditor({ text, validation }: EditorProps): JSX.Element {
  const area = useRef<HTMLTextAreaElement>(null)
  const top = useSignal(0)
  const lines = text.value.split('\n')
  const marked = new Map<number, DocumentIssue>()
  for (const issue of validation.issues) if (issue.line !== undefined) marked.set(issue.line, issue)
  const goTo = ({ line = 1, column = 1 }: DocumentIssue): void => {
    const element = area.current as HTMLTextAreaElement
    const start = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0) + column - 1
    element.focus()
    element.setSelectionRange(start, start + 1)
    element.scrollTop = Math.max(0, (line - 6) * LINE_HEIGHT)
  }
  const first = Math.floor(top.value / LINE_HEIGHT)
  return (
    <div class="editor">
      <div class="editor-box">
        <div class="gutter" aria-hidden="true">
          <div style={{ transform: `translateY(${-(top.value % LINE_HEIGHT)}px)` }}>
            {Array.from({ length: Math.min(80, Math.min(lines.length, MAX_LINES) - first) }, (_, at) => {
              const line = first + at + 1
              const issue = marked.get(line)
              return (
                <div key={line} class={issue === undefined ? '' : 'marked'} title={issue?.message}>
                  {line}
                </div>
              )
            })}
          </div>
        </div>
        <textarea
          ref={area}
          class="mono"
          aria-label="Workflow as JSON"
          aria-describedby="problems"
          spellcheck={false}
          wrap="off"
          value={text.value}
          placeholder={'{ "tasks": [ { "id": "hello", "tool": "echo", "arguments": { "text": "Hello" } } ] }'}
          onInput={event => (text.value = event.currentTarget.value)}
          onScroll={event => (top.value = event.currentTarget.scrollTop)}
        />
      </div>
      <div id="problems" class="problems" role="status" aria-label="Problems">
        <p class={`verdict ${validation.status}`}>{describe(validation)}</p>
        <ul>
          {validation.issues.map((issue, at) => (
            <li key={at}>
              <button type="button" class="problem" onClick={() => goTo(issue)}>
                <span class="where">{issue.line === undefined ? '' : `${issue.line}:${issue.column}`}</span>
                <code>{issue.code}</code>
                <span>
                  {issue.message}
                  {issue.hint !== undefined && <span class="dim"> {issue.hint}</span>}
                </span>
              </button>
            </li>
          ))}
        </ul>
      </div>
    </div>
  )
}

function describe({ status, issueCount, issues }: Validation): string {
  if (status === 'empty') return 'Paste or write a workflow.'
  if (status === 'checking') return 'Checking…'
  if (status === 'valid') return 'Valid'
  if (status === 'failed') return 'It could not be checked.'
  const more = issueCount > issues.length ? `, the first ${issues.length} shown` : ''
  return `${issueCount} ${issueCount === 1 ? 'problem' : 'problems'}${more}`
}
