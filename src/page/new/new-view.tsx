/** @jsxImportSource preact */
import { useSignal } from '@preact/signals'
import { useEffect, useMemo } from 'preact/hooks'
import type { JSX } from 'preact'
import { parseJson } from '../../json/parse-json.ts'
import { stringifyJson } from '../../json/stringify-json.ts'
import { type FormSchema, initialValue } from '../answer/form-value.ts'
import { type FieldIssue, SchemaField } from '../answer/schema-field.tsx'
import { describeFailure, readIssues } from '../api/failure.ts'
import { request, requestJson } from '../api/server.ts'
import { start } from '../execution/commands.ts'
import { go } from '../route.ts'
import { showFailure } from '../shell/notices.tsx'
import { indentJson } from '../task/indent-json.ts'
import { DocumentEditor } from './document-editor.tsx'
import { ToolList } from './tool-list.tsx'
import { useValidation } from './validation.ts'

interface Registered {
  readonly name: string
  readonly description?: string
}

/** The text outlives a look at another view, in this tab. */
const KEY = 'dagstream-document'

/** Write or paste a workflow, fill in its input, run it. */
export function NewView(): JSX.Element {
  const text = useSignal(sessionStorage.getItem(KEY) ?? '')
  const workflows = useSignal<readonly Registered[]>([])
  const input = useSignal<unknown>(undefined)
  const issues = useSignal<readonly FieldIssue[]>([])
  const isStarting = useSignal(false)
  const validation = useValidation(text.value).value
  const schema = useMemo(() => readInputSchema(text.value), [text.value])
  const schemaText = JSON.stringify(schema ?? null)
  useEffect(() => {
    requestJson<{ workflows: readonly Registered[] }>('workflows')
      .then(found => (workflows.value = found.workflows))
      .catch(() => {})
  }, [])
  useEffect(() => sessionStorage.setItem(KEY, text.value.slice(0, 1_000_000)), [text.value])
  useEffect(() => {
    input.value = schema === undefined ? undefined : initialValue(schema, schema, true)
  }, [schemaText])
  const load = async (name: string): Promise<void> => {
    if (name === '') return
    try {
      text.value = indentJson(await request(`workflows/${encodeURIComponent(name)}`))
      showFailure(undefined)
    } catch (error) {
      showFailure(describeFailure(error))
    }
  }
  const run = async (event: Event): Promise<void> => {
    event.preventDefault()
    isStarting.value = true
    issues.value = []
    try {
      const given = input.peek() === undefined ? '' : `,"input":${stringifyJson(input.peek())}`
      // The document as it was written: its numbers keep their digits.
      const executionId = await start('executions', `{"workflow":${text.peek()}${given}}`)
      showFailure(undefined)
      go({ view: 'execution', executionId, tab: 'timeline' })
    } catch (error) {
      issues.value = readIssues(error).filter(each => each.in === 'input')
      showFailure(describeFailure(error))
    }
    isStarting.value = false
  }
  return (
    <main class="new">
      <div class="toolbar">
        <h1>New run</h1>
        {workflows.value.length > 0 && (
          <label>
            Begin with
            <select onChange={event => void load(event.currentTarget.value)}>
              <option value="">an own document</option>
              {workflows.value.map(({ name }) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </label>
        )}
        <span class="grow" />
        <button
          type="button"
          disabled={validation.status !== 'valid'}
          onClick={() => (text.value = indentJson(text.peek().trim()))}
        >
          Indent
        </button>
      </div>
      <div class="new-panels">
        <DocumentEditor text={text} validation={validation} />
        <form class="input-form" onSubmit={event => void run(event)}>
          <h2>Input</h2>
          <SchemaField
            key={schemaText}
            schema={schema ?? {}}
            root={schema ?? {}}
            name="$INPUT"
            pointer=""
            value={input.value}
            isRequired={schema !== undefined}
            issues={issues.value}
            onChange={value => (input.value = value)}
          />
          <button type="submit" class="primary" disabled={validation.status !== 'valid' || isStarting.value}>
            Run
          </button>
          <ToolList />
        </form>
      </div>
    </main>
  )
}

/** The `inputSchema` of a text, if it is a document with one. */
function readInputSchema(text: string): FormSchema | undefined {
  try {
    const { inputSchema } = (parseJson(text) ?? {}) as { readonly inputSchema?: unknown }
    return typeof inputSchema === 'object' && inputSchema !== null ? (inputSchema as FormSchema) : undefined
  } catch {
    return undefined
  }
}
