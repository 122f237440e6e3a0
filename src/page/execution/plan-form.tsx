/** @jsxImportSource preact */
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { patch } from './commands.ts'
import type { ExecutionContext } from './execution-context.ts'

/** Changes the tasks that have not started, while the execution runs. */
export function PlanForm({ context: { model } }: { readonly context: ExecutionContext }): JSX.Element | null {
  const text = useSignal('')
  void model.version.value
  if (model.live.state.status !== 'running') return null
  const apply = async (): Promise<void> => {
    if (await patch(model.executionId, text.value)) text.value = ''
  }
  return (
    <details class="change">
      <summary>Change the plan</summary>
      <textarea
        class="mono"
        spellcheck={false}
        aria-label="Change of the plan, JSON"
        placeholder='{"add": [{"id": "…"}], "remove": ["…"], "replace": []}'
        value={text.value}
        onInput={event => (text.value = event.currentTarget.value)}
      />
      <button type="button" onClick={() => void apply()}>
        Apply
      </button>
    </details>
  )
}
