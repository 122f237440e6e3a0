/** @jsxImportSource preact */
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { JSX } from 'preact'
import { requestJson } from '../api/server.ts'

interface Tool {
  readonly name: string
  readonly description?: string
  readonly inputSchema?: { readonly properties?: object; readonly required?: readonly string[] }
}

/** The tools that a task can name, with the names of their arguments. */
export function ToolList(): JSX.Element | null {
  const tools = useSignal<readonly Tool[]>([])
  useEffect(() => {
    requestJson<{ tools: readonly Tool[] }>('tools')
      .then(found => (tools.value = found.tools))
      // Without it the list is missing; the document can be written all the same.
      .catch(() => {})
  }, [])
  if (tools.value.length === 0) return null
  return (
    <section class="tools">
      <h2>Tools</h2>
      <dl>
        {tools.value.map(({ name, description, inputSchema }) => (
          <div key={name}>
            <dt>
              <code>{name}</code> <span class="dim">{listArguments(inputSchema)}</span>
            </dt>
            {description !== undefined && <dd>{description}</dd>}
          </div>
        ))}
      </dl>
    </section>
  )
}

function listArguments(schema: Tool['inputSchema']): string {
  const required = schema?.required ?? []
  return Object.keys(schema?.properties ?? {})
    .map(name => (required.includes(name) ? name : `${name}?`))
    .join(', ')
}
